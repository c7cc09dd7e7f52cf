//! A worker: a write on one instance, and at once a read on the other, over a connection of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context;
use connectrpc::ErrorCode;
use eventstore::AggregateId;
use fastrand::Rng;
use user_api::oneof::{get_user_request, verify_password_request};
use user_api::v1;
use user_domain::{CreateUser, CredentialAlgorithm, Email, Username};
use user_service::directory::Directory;

use crate::command::{ARGON2ID, execution, hashed};
use crate::seed::uuid;
use crate::verdict::Findings;
use crate::wire::Client;

const PASSWORD: &str = "correct horse battery";

/// Of a hundred pairs so many verify a password. Each costs a hash, which nothing may make cheaper.
const VERIFYING: u8 = 3;

/// A new user is on the first page, or others were made at the same moment; never on the eleventh.
const PAGES_MAX: u32 = 10;

/// An instance as a worker reaches it: over the wire, and for what would cost a hash, directly.
pub(super) struct Reached {
    pub(super) directory: Directory,
    pub(super) client: Client,
}

pub(super) struct Worker {
    name: String,
    instances: [Reached; 2],
    left: Arc<AtomicU64>,
    rng: Rng,
    /// Somebody with a password, and whether she is active.
    somebody: (String, bool),
}

/// Pairs that were done.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    pub(super) create_get: u64,
    pub(super) create_list: u64,
    pub(super) change_verify: u64,
    pub(super) findings: Findings,
}

/// Somebody who was made just now.
struct Made {
    id: AggregateId,
    email: String,
    username: String,
    position: u64,
}

impl Worker {
    pub(super) async fn new(
        n: u64,
        instances: [Reached; 2],
        left: Arc<AtomicU64>,
        rng: Rng,
    ) -> anyhow::Result<Self> {
        let request = v1::CreateUserRequest {
            email: format!("somebody-{n}@example.org"),
            username: format!("somebody-{n}"),
            password: PASSWORD.to_owned(),
            ..Default::default()
        };
        let created = instances[0].client.create_user(request).await?.into_owned();
        let id = created.user.into_option().context("somebody was made")?.id;
        Ok(Self { name: format!("worker-{n}"), instances, left, rng, somebody: (id, true) })
    }

    /// Does pairs as long as there are any left.
    pub(super) async fn work(mut self) -> anyhow::Result<Pairs> {
        let mut pairs = Pairs::default();
        let take = |left: u64| left.checked_sub(1);
        while self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok() {
            let writing = self.rng.usize(..2);
            let reading = 1 - writing;
            if self.rng.u8(..100) < VERIFYING {
                self.change_and_verify(writing, reading, &mut pairs).await?;
            } else if self.rng.bool() {
                let made = self.make(writing).await?;
                self.get(reading, made, &mut pairs).await?;
            } else {
                let made = self.make(writing).await?;
                self.list(reading, &made, &mut pairs).await?;
            }
        }
        Ok(pairs)
    }

    async fn make(&mut self, writing: usize) -> anyhow::Result<Made> {
        let directory = &self.instances[writing].directory;
        // Made as the surface makes it, so that the newest come first.
        let (id, mark) = (AggregateId(directory.sources().uuid()), uuid(&mut self.rng).simple());
        let (email, username) = (format!("{mark}@example.org"), format!("{}-{mark}", self.name));
        let command = CreateUser {
            email: Email::parse(&email).map_err(|violation| anyhow::anyhow!("{violation}"))?,
            username: Username::parse(&username).map_err(|violation| anyhow::anyhow!("{violation}"))?,
            first_name: None,
            last_name: None,
            avatar_url: None,
            algorithm: CredentialAlgorithm::Argon2id,
        };
        let execution = execution(id, command.into(), hashed(ARGON2ID)?, None);
        let outcome = directory.execute(&execution).await?;
        Ok(Made { id, email, username, position: outcome.position.0 })
    }

    async fn get(&mut self, reading: usize, made: Made, pairs: &mut Pairs) -> anyhow::Result<()> {
        let by = match self.rng.u8(..3) {
            0 => get_user_request::By::Id(made.id.to_string()),
            1 => get_user_request::By::Email(made.email.to_uppercase()),
            _ => get_user_request::By::Username(made.username),
        };
        let request = v1::GetUserRequest { by: Some(by), ..Default::default() };
        match self.instances[reading].client.get_user(request).await {
            Ok(answer) => {
                let answer = answer.into_owned();
                let found = answer.user.into_option().unwrap_or_default();
                if found.id != made.id.to_string() || answer.position < made.position {
                    pairs.findings.add("a new user is read as she never was", made.id);
                }
            }
            Err(error) if error.code == ErrorCode::NotFound => {
                pairs.findings.add("a new user is not found", made.id);
            }
            Err(error) => return Err(error.into()),
        }
        pairs.create_get += 1;
        Ok(())
    }

    async fn list(&mut self, reading: usize, made: &Made, pairs: &mut Pairs) -> anyhow::Result<()> {
        let (wanted, mut page_token) = (made.id.to_string(), String::new());
        pairs.create_list += 1;
        for _ in 0..PAGES_MAX {
            let request = v1::ListUsersRequest { page_size: 50, page_token, ..Default::default() };
            let page = self.instances[reading].client.list_users(request).await?.into_owned();
            if page.users.iter().any(|user| user.id == wanted) {
                return Ok(());
            }
            // Newest first, and ids are in the order of their making: she would have come by now.
            if page.users.last().is_none_or(|last| last.id < wanted) || page.next_page_token.is_empty() {
                break;
            }
            page_token = page.next_page_token;
        }
        pairs.findings.add("a new user is not listed", wanted);
        Ok(())
    }

    /// Deactivates somebody or activates her, by turns; what was verified before may not matter.
    async fn change_and_verify(
        &mut self,
        writing: usize,
        reading: usize,
        pairs: &mut Pairs,
    ) -> anyhow::Result<()> {
        let (id, active) = self.somebody.clone();
        let client = &self.instances[writing].client;
        let changed = if active {
            let request = v1::DeactivateUserRequest { id: id.clone(), ..Default::default() };
            client.deactivate_user(request).await.map(drop)
        } else {
            let request = v1::ActivateUserRequest { id: id.clone(), ..Default::default() };
            client.activate_user(request).await.map(drop)
        };
        match changed {
            Ok(()) => {}
            // Nobody else changes her: it was decided on what she was, again and again.
            Err(error) if error.code == ErrorCode::Aborted => {
                pairs.findings.add("a change is decided on what a user was", id);
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        }
        self.somebody.1 = !active;
        let by = Some(verify_password_request::By::Id(id.clone()));
        let request = v1::VerifyPasswordRequest { by, password: PASSWORD.to_owned() };
        let valid = self.instances[reading].client.verify_password(request).await?.into_owned().valid;
        if valid && active {
            pairs.findings.add("a deactivated user still gets in", id);
        } else if !valid && !active {
            pairs.findings.add("an activated user does not get in", id);
        }
        pairs.change_verify += 1;
        Ok(())
    }
}

impl Pairs {
    pub(super) fn add(&mut self, other: Self) {
        self.create_get += other.create_get;
        self.create_list += other.create_list;
        self.change_verify += other.change_verify;
        self.findings.take(other.findings);
    }
}
