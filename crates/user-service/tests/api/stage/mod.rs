//! What a test stands on: a store of its own, a service in front of it, and the ways to talk to both.
//!
//! Time stands still, and whatever is random comes from one seed: the same calls give the same answers.

mod cluster;
mod database;
mod place;
mod seeds;
mod service;
mod wire;

use serde_json::{Value, json};

pub(crate) use cluster::{Cluster, Replay, Standby};
pub(crate) use database::Database;
pub(crate) use place::Place;
pub(crate) use seeds::{Dial, fixed_clock, seeded};
pub(crate) use service::{MASTER_KEY, STARTING, Service};
pub(crate) use wire::Answer;
pub(crate) use wire::{Header, get, post, post_with, refusal_of};

/// Makes a test of each case for each store, with a service that serves it.
macro_rules! on_both_stores {
    ($($case:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let stage = crate::stage::Stage::set(crate::stage::Place::sqlite()).await;
                Box::pin(super::$case(&stage)).await;
                stage.clear().await;
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let stage = crate::stage::Stage::set(crate::stage::Place::postgres().await).await;
                Box::pin(super::$case(&stage)).await;
                stage.clear().await;
            })*
        }
    };
}
pub(crate) use on_both_stores;

/// Makes a test of each case for each kind of place, with nothing in it yet.
macro_rules! on_both_places {
    ($($case:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                Box::pin(super::$case(&crate::stage::Place::sqlite())).await;
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                Box::pin(super::$case(&crate::stage::Place::postgres().await)).await;
            })*
        }
    };
}
pub(crate) use on_both_places;

/// The password of everybody whom [`Stage::create`] creates.
pub(crate) const PASSWORD: &str = "correct horse";

/// A store and a service that serves it.
pub(crate) struct Stage {
    pub(crate) service: Service,
    pub(crate) place: Place,
}

impl Stage {
    pub(crate) async fn set(place: Place) -> Self {
        let service = Service::start(&place, seeded(1)).await;
        Self { service, place }
    }

    pub(crate) async fn clear(self) {
        self.service.stop().await;
    }

    /// What the service answers to a call that succeeds.
    pub(crate) async fn ok(&self, call: &str, request: Value) -> Value {
        self.service.ok(call, request).await
    }

    /// Code, reason and fields of a call that is refused.
    pub(crate) async fn refused(&self, call: &str, request: Value) -> String {
        self.service.refused(call, request).await
    }

    /// Creates a user whom everything is named after.
    pub(crate) async fn create(&self, name: &str) -> User {
        let request = json!({"email": format!("{name}@example.org"), "username": name, "password": PASSWORD});
        User(self.ok("CreateUser", request).await["user"].clone())
    }

    /// A call that needs nothing but an id, and what it makes of the user.
    pub(crate) async fn change(&self, call: &str, user: &User) -> User {
        let mut request = json!({"id": user.id()});
        if call == "SuspendUser" {
            request["reason"] = json!("spam");
        }
        User(self.ok(call, request).await["user"].clone())
    }

    /// A user as `GetUser` shows her.
    pub(crate) async fn get(&self, user: &User) -> User {
        User(self.ok("GetUser", json!({"id": user.id()})).await["user"].clone())
    }

    /// Where the log stands.
    pub(crate) async fn head(&self) -> u64 {
        self.service.directory.store().head().await.unwrap().position.0
    }
}

/// A user as the service shows her.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct User(pub(crate) Value);

impl User {
    pub(crate) fn id(&self) -> &str {
        self.text("id")
    }

    pub(crate) fn etag(&self) -> &str {
        self.text("etag")
    }

    pub(crate) fn status(&self) -> &str {
        self.text("status").trim_start_matches("USER_STATUS_")
    }

    pub(crate) fn text(&self, field: &str) -> &str {
        self.0[field].as_str().unwrap_or_default()
    }
}
