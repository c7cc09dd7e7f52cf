//! esrs, with its own migrations, its `AggregateManager`, no handlers and no buses. A command selects the stream and folds
//! it, then BEGIN, INSERT, COMMIT. Two at once are told apart by a unique index; its lock per aggregate, which costs a
//! connection more, is not taken.

use ::esrs::manager::AggregateManager;
use ::esrs::store::postgres::{PgStore, PgStoreBuilder, UuidFormat};
use ::esrs::{Aggregate, AggregateState};
use anyhow::Context;
use sqlx::{Pool, Postgres};
use uuid::Uuid;

use crate::load::Library;
use crate::user::{Command, Event, Refusal, User};

/// Users as this library sees them.
#[derive(Debug)]
struct Users;

impl Aggregate for Users {
    const NAME: &'static str = "user";
    type State = User;
    type Command = Command;
    type Event = Event;
    type Error = Refusal;

    fn handle_command(user: &User, command: Command) -> Result<Vec<Event>, Refusal> {
        Ok(vec![user.decide(command)?])
    }

    fn apply_event(user: User, event: Event) -> User {
        user.evolve(event)
    }
}

pub(crate) struct Esrs(AggregateManager<PgStore<Users>>);

impl Esrs {
    /// Its events' ids come in the order of time, which it offers and which costs its primary key less than the default.
    pub(crate) async fn on(pool: Pool<Postgres>) -> anyhow::Result<Self> {
        let store = PgStoreBuilder::new(pool).with_event_id_format(UuidFormat::V7).try_build().await?;
        Ok(Self(AggregateManager::new(store)))
    }
}

impl Library for Esrs {
    /// Who is created is not loaded, as in its examples.
    async fn execute(&self, id: Uuid, command: Command) -> anyhow::Result<()> {
        let user = match command {
            Command::Create { .. } => AggregateState::with_id(id),
            Command::ChangeEmail { .. } | Command::ChangePassword | Command::UpdateProfile { .. } => {
                self.0.load(id).await?.context("she was created")?
            }
        };
        self.0.handle_command(user, command).await??;
        Ok(())
    }
}
