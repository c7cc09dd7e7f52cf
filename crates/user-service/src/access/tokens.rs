//! Tokens: made, listed and revoked by whoever runs the service, looked up for each call.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
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

/// Turns that nobody takes any more are swept when there are so many.
const TURNS_SWEPT: usize = 64;

type Turn = tokio::sync::Mutex<()>;

/// The tokens of a directory. Cheap to clone; clones know of each other's revocations at once.
#[derive(Clone, Debug)]
pub struct Tokens(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    directory: Directory,
    known: KnownTokens,
    /// Whoever shows a token that somebody is looking up waits for that.
    asked_for: Mutex<HashMap<Uuid, Arc<Turn>>>,
    /// Strangers who are looked up or wait for it.
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
            asked_for: Mutex::default(),
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
        // She is no stranger, also where the token has just been revoked: nobody makes her wait in that line.
        let found = match self.0.known.get(token.id) {
            Some(known) => Some(known),
            None => self.read(token.id).await?,
        };
        found.map(|_| ()).ok_or(Denial::Unknown)
    }

    fn has_expired(&self, token: &StoredToken) -> bool {
        token.expires_at.is_some_and(|end| end <= self.now())
    }

    async fn look_up(&self, id: Uuid) -> Result<Option<Arc<StoredToken>>, Denial> {
        let Inner { known, in_line, strangers, .. } = &*self.0;
        if let Some(token) = known.get(id) {
            return Ok(Some(token));
        }
        let turn = self.turn(id);
        let found = timeout(LOOK_UP_MAX, async {
            let _turn = turn.lock().await;
            if let Some(token) = known.get(id) {
                return Ok(Some(token));
            }
            if known.has_met(id) {
                return self.read(id).await;
            }
            let _in_line = in_line.try_acquire().map_err(|_| Denial::Overloaded)?;
            let _place = strangers.acquire().await;
            self.read(id).await
        });
        found.await.unwrap_or_else(|late| Err(Denial::Unavailable(ReadError::StoreDown(late.into()))))
    }

    /// Where all who show one token at the same time wait for each other.
    fn turn(&self, id: Uuid) -> Arc<Turn> {
        let mut asked_for = self.0.asked_for.lock().unwrap_or_else(PoisonError::into_inner);
        if asked_for.len() >= TURNS_SWEPT {
            asked_for.retain(|_, turn| Arc::strong_count(turn) > 1);
        }
        Arc::clone(asked_for.entry(id).or_default())
    }

    async fn read(&self, id: Uuid) -> Result<Option<Arc<StoredToken>>, Denial> {
        let Inner { directory, known, .. } = &*self.0;
        let reading = known.reading();
        let read = timeout(LOOK_UP_MAX, vault::token(directory.store(), id)).await;
        let read = read.unwrap_or_else(|late| Err(ReadError::StoreDown(late.into())));
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

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

    use super::*;
    use crate::directory::directory_in;

    async fn made(tokens: &Tokens) -> BearerToken {
        let name = TokenName::parse("auditor").expect("it is one");
        let new = NewToken { name, scopes: Scopes::ALL, expires_at: None };
        tokens.create(new).await.expect("nothing stands against it")
    }

    #[tokio::test]
    async fn many_who_show_one_token_wait_for_one_look_up() {
        let folder = tempfile::tempdir().expect("there is room");
        let directory = directory_in(folder.path()).await;
        let shown = made(&Tokens::new(directory.clone())).await;
        let tokens = Tokens::new(directory);
        let busy = tokens.0.strangers.try_acquire_many(2).expect("nobody else is there");
        let everybody = join_all((0..64).map(|_| tokens.admitted(&shown)));
        let (told, ()) = tokio::join!(everybody, async move { drop(busy) });
        assert!(told.iter().all(Result::is_ok), "{told:?}");
    }

    #[tokio::test]
    async fn whoever_was_admitted_does_not_wait_among_strangers_to_be_found_out() {
        let folder = tempfile::tempdir().expect("there is room");
        let tokens = Tokens::new(directory_in(folder.path()).await);
        let shown = made(&tokens).await;
        let token = tokens.admitted(&shown).await.expect("it is valid");
        let all = u32::try_from(STRANGERS_MAX + STRANGERS_WAITING_MAX).expect("they are few");
        let _line = tokens.0.in_line.try_acquire_many(all).expect("nobody else is there");
        tokens.revoke(token.id).await.expect("it is there");
        let denial = tokens.confirm(&token).await;
        assert!(matches!(denial, Err(Denial::Unknown)), "{denial:?}");
    }
}
