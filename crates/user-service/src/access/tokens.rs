//! Tokens: made, listed and revoked by whoever runs the service, looked up for each call.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cqrs::{CommandError, Execution};
use eventstore::{AggregateId, Deadline, Metadata, ReadError};
use jiff::Timestamp;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use user_domain::{ApiTokenCommand, ApiTokenRefusal, CreateApiToken, RevokeApiToken, Scopes, TokenName};
use uuid::Uuid;

use super::known::KnownTokens;
use super::{BearerToken, Denial};
use crate::directory::Directory;
use crate::vault::{self, SecretHash, StoredToken};

/// Who made or revoked a token, as its events say: whoever may open the admin socket.
const ACTOR: &str = "operator";

/// How long an operator waits.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a caller waits for being looked up. What takes longer is no answer.
pub(super) const LOOK_UP_MAX: Duration = Duration::from_secs(3);

/// How many tokens that nobody has shown before are looked up at a time: whoever makes tokens up takes the store from nobody
/// but those who show one for the first time.
const STRANGERS_MAX: usize = 2;

/// How many more wait for that. Whoever comes then is told so at once.
const STRANGERS_WAITING_MAX: usize = 16;

/// The tokens of a directory. Cheap to clone; clones know of each other's revocations at once.
#[derive(Clone, Debug)]
pub struct Tokens(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    directory: Directory,
    known: KnownTokens,
    /// Those who wait among them.
    in_line: Semaphore,
    strangers: Semaphore,
}

/// A token that is to be made.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// What it is called.
    pub name: TokenName,
    /// What it is for.
    pub scopes: Scopes,
    /// Until when it is valid; for ever if `None`.
    pub expires_at: Option<Timestamp>,
}

impl Tokens {
    /// Those of this directory.
    #[must_use]
    pub fn new(directory: Directory) -> Self {
        Self(Arc::new(Inner {
            directory,
            known: KnownTokens::default(),
            in_line: Semaphore::new(STRANGERS_MAX + STRANGERS_WAITING_MAX),
            strangers: Semaphore::new(STRANGERS_MAX),
        }))
    }

    /// Makes a token. Nobody can be told its secret a second time.
    pub async fn create(&self, new: NewToken) -> Result<BearerToken, CommandError<ApiTokenRefusal>> {
        let NewToken { name, scopes, expires_at } = new;
        let token = BearerToken::generate(self.0.directory.sources());
        let command = CreateApiToken { name, scopes, expires_at };
        self.execute(token.id, command.into(), Some(token.hash())).await?;
        Ok(token)
    }

    /// Revokes a token: here at once, elsewhere as soon as it is looked up again.
    pub async fn revoke(&self, id: Uuid) -> Result<(), CommandError<ApiTokenRefusal>> {
        let revoked = self.execute(id, RevokeApiToken.into(), None).await;
        // Also where nobody can tell what became of it.
        self.0.known.forget(id);
        revoked
    }

    /// The time by which tokens expire.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.0.directory.sources().now()
    }

    /// Every token that has not been revoked, also those that have expired.
    pub async fn list(&self) -> Result<Vec<StoredToken>, ReadError> {
        vault::tokens(self.0.directory.store()).await
    }

    /// The token that somebody shows, if it is valid now.
    pub(super) async fn admitted(&self, shown: &BearerToken) -> Result<Arc<StoredToken>, Denial> {
        let token = self.look_up(shown.id).await?.ok_or(Denial::Unknown)?;
        if !shown.matches(&token.secret_hash) {
            return Err(Denial::Unknown);
        }
        if self.has_expired(&token) { Err(Denial::Expired) } else { Ok(token) }
    }

    /// Whether a token that was valid still is. That it has expired is known also where nobody can look it up.
    pub(super) async fn confirm(&self, token: &StoredToken) -> Result<(), Denial> {
        if self.has_expired(token) {
            return Err(Denial::Expired);
        }
        self.look_up(token.id).await?.map(|_| ()).ok_or(Denial::Unknown)
    }

    fn has_expired(&self, token: &StoredToken) -> bool {
        token.expires_at.is_some_and(|end| end <= self.now())
    }

    async fn look_up(&self, id: Uuid) -> Result<Option<Arc<StoredToken>>, Denial> {
        let Inner { directory, known, in_line, strangers } = &*self.0;
        if let Some(token) = known.get(id) {
            return Ok(Some(token));
        }
        let line = (!known.has_met(id)).then(|| in_line.try_acquire()).transpose();
        let line = line.map_err(|_| Denial::Overloaded)?;
        let reading = known.reading();
        let read = timeout(LOOK_UP_MAX, async {
            let _place = if line.is_some() { strangers.acquire().await.ok() } else { None };
            vault::token(directory.store(), id).await
        });
        let read = read.await.unwrap_or_else(|late| Err(ReadError::StoreDown(late.into())));
        let token = read.map_err(Denial::Unavailable)?.map(Arc::new);
        if let Some(token) = &token {
            known.keep(reading, token);
        }
        Ok(token)
    }

    async fn execute(
        &self,
        id: Uuid,
        command: ApiTokenCommand,
        secret: Option<SecretHash>,
    ) -> Result<(), CommandError<ApiTokenRefusal>> {
        let execution = Execution {
            id: AggregateId(id),
            command,
            attachment: secret,
            precondition: None,
            request: None,
            metadata: Metadata { actor: Some(ACTOR.to_owned()), ..Metadata::default() },
            deadline: Deadline(Instant::now() + PATIENCE),
        };
        self.0.directory.execute_on_token(&execution).await.map(|_| ())
    }
}
