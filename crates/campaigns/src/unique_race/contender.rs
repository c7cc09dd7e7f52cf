//! Who races: somebody new, or somebody with another address; and what she is told.

use cqrs::CommandError;
use eventstore::{AggregateId, NewRequest};
use fastrand::Rng;
use user_domain::{ChangeEmail, CreateUser, CredentialAlgorithm, Email, Refusal, UserCommand, Username};
use user_service::directory::{Directory, NewCredential};
use uuid::Uuid;

use crate::command::{ARGON2ID, execution, hashed};
use crate::seed::uuid;

/// One in so many sends her request twice at once.
const IMPATIENT: u8 = 4;

/// Somebody who wants the address.
#[derive(Debug)]
pub(super) struct Contender {
    user: Option<AggregateId>,
    command: UserCommand,
    request_id: Uuid,
    /// How often she sends her request.
    pub(super) times: u32,
}

/// A request that is about to be sent.
#[derive(Debug)]
pub(super) struct Sending {
    directory: Directory,
    id: AggregateId,
    command: UserCommand,
    credential: NewCredential,
    request: NewRequest,
}

/// What a contender was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// She has it, under this id.
    Owner(AggregateId),
    /// Somebody else has it.
    Taken,
    /// Neither, which must not be.
    Other(String),
}

impl Contender {
    pub(super) fn newcomer(email: Email, rng: &mut Rng) -> Self {
        Self::of(None, created(email, rng).into(), rng)
    }

    pub(super) fn settled(user: AggregateId, email: Email, rng: &mut Rng) -> Self {
        Self::of(Some(user), ChangeEmail { email }.into(), rng)
    }

    fn of(user: Option<AggregateId>, command: UserCommand, rng: &mut Rng) -> Self {
        let times = if rng.u8(..IMPATIENT) == 0 { 2 } else { 1 };
        Self { user, command, request_id: uuid(rng), times }
    }

    /// Each sending of a creation comes with an id of its own, as the surface makes one for each call.
    pub(super) fn sending(&self, directory: Directory, rng: &mut Rng) -> anyhow::Result<Sending> {
        let root = directory.root();
        let request = NewRequest {
            key: root.request_key("campaign", None, "race", self.request_id),
            fingerprint: root.fingerprint(&[self.request_id.as_bytes()]),
        };
        let (id, credential) = match self.user {
            Some(id) => (id, NewCredential::None),
            None => (AggregateId(uuid(rng)), hashed(ARGON2ID)?),
        };
        Ok(Sending { directory, id, command: self.command.clone(), credential, request })
    }
}

impl Sending {
    pub(super) async fn send(self) -> Answer {
        let execution = execution(self.id, self.command, self.credential, Some(self.request));
        match self.directory.execute(&execution).await {
            Ok(outcome) => Answer::Owner(outcome.id),
            Err(CommandError::Refused(Refusal::EmailTaken)) => Answer::Taken,
            Err(CommandError::Refused(refusal)) => Answer::Other(refusal.to_string()),
            Err(error) => Answer::Other(error.to_string()),
        }
    }
}

/// Users who have an address before the first round.
pub(super) async fn settle(
    directory: &Directory,
    count: u64,
    rng: &mut Rng,
) -> anyhow::Result<Vec<AggregateId>> {
    let mut settled = Vec::new();
    for n in 0..count {
        let email = Email::parse(&format!("settled-{n}@example.org"))
            .map_err(|violation| anyhow::anyhow!("{violation}"))?;
        let id = AggregateId(uuid(rng));
        let command = created(email, rng).into();
        directory.execute(&execution(id, command, hashed(ARGON2ID)?, None)).await?;
        settled.push(id);
    }
    Ok(settled)
}

fn created(email: Email, rng: &mut Rng) -> CreateUser {
    CreateUser {
        email,
        username: Username::parse(&uuid(rng).to_string()).expect("an id is a name like any other"),
        first_name: None,
        last_name: None,
        avatar_url: None,
        algorithm: CredentialAlgorithm::Argon2id,
    }
}
