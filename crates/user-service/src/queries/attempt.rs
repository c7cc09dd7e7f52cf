//! An attempt at somebody's password: admitted before any work is done for it, and counted whatever becomes of it.
//!
//! Whoever does not exist is counted like everybody else, under what she was asked for by: neither answers nor waits tell who
//! is there.

use std::time::Duration;

use tokio::sync::OwnedMutexGuard;
use tracing::warn;
use user_domain::PasswordHash;
use uuid::Uuid;

use super::{QueryError, UserRef};
use crate::directory::Directory;
use crate::metrics::Throttled;
use crate::passwords::{PlainPassword, Saturated, Verified};
use crate::vault::{self, Admission, AttemptKey};

/// Who attempts: by her credentials and her address, as far as they are known.
#[derive(Clone, Copy, Debug)]
pub struct Attempter<'a> {
    /// As whom she calls.
    pub principal: &'a str,
    /// From where.
    pub address: &'a str,
}

/// An attempt that has been admitted. It counts as failed until it is said what came of it.
pub(super) struct Attempt {
    directory: Directory,
    user: AttemptKey,
    caller: AttemptKey,
    _turn: OwnedMutexGuard<()>,
}

impl Attempt {
    /// Counts an attempt at a user: hers if she is known, else that of what she was asked for by.
    pub(super) async fn at(
        directory: &Directory,
        asked: &UserRef,
        known: Option<Uuid>,
        attempter: Attempter<'_>,
    ) -> Result<Self, QueryError> {
        let root = directory.root();
        let user = match (known, asked) {
            (Some(id), _) | (None, &UserRef::Id(id)) => root.attempt_key(&[b"id", id.as_bytes()]),
            (None, UserRef::Email(email)) => root.attempt_key(&[b"email", email.compare_key().as_bytes()]),
            (None, UserRef::Username(name)) => {
                root.attempt_key(&[b"username", name.compare_key().as_bytes()])
            }
        };
        let Attempter { principal, address } = attempter;
        let caller = root.attempt_key(&[b"caller", principal.as_bytes(), address.as_bytes()]);
        let turn = directory.passwords().turns().at(user.number()).await;
        let (store, now) = (directory.store(), directory.sources().now());
        let failures_max = directory.policy().caller_failures_max();
        let admission = vault::caller_admission(store, caller, failures_max, now).await?;
        admitted(directory, Throttled::Caller, admission)?;
        admitted(directory, Throttled::User, vault::reserve_attempt(store, user, now).await?)?;
        Ok(Self { directory: directory.clone(), user, caller, _turn: turn })
    }

    /// Verifies the password, and writes down what came of it; also when nobody waits for it any more. Whoever hangs up has
    /// been admitted, and who was right is not to have failed.
    pub(super) async fn verify(
        self,
        password: PlainPassword,
        stored: Option<PasswordHash>,
    ) -> Result<Verified, QueryError> {
        let verified = tokio::spawn(self.verify_to_the_end(password, stored)).await;
        verified.expect("it is not aborted, and does not panic")
    }

    async fn verify_to_the_end(
        self,
        password: PlainPassword,
        stored: Option<PasswordHash>,
    ) -> Result<Verified, QueryError> {
        let (store, sources) = (self.directory.store(), self.directory.sources());
        let verified = self.directory.passwords().verify(password, stored).await;
        let written = match verified {
            Ok(Verified::Right | Verified::RightButWeak) => vault::clear_attempts(store, self.user).await,
            Ok(Verified::Wrong) => vault::count_failure(store, self.caller, sources.now()).await,
            // Nobody looked at the password.
            Err(Saturated) => vault::give_attempt_back(store, self.user).await,
        };
        if let Err(error) = written {
            warn!(%error, "what came of an attempt at a password could not be written down");
        }
        verified.map_err(|Saturated| QueryError::Overloaded)
    }
}

fn admitted(directory: &Directory, who: Throttled, admission: Admission) -> Result<(), QueryError> {
    match admission {
        Admission::Admitted => Ok(()),
        Admission::Wait(wait) => {
            directory.metrics().throttled().count(who);
            // Whole seconds, so that a retry after them is not a hair too early.
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            Err(QueryError::TooManyAttempts { retry_after: Duration::from_secs(seconds) })
        }
    }
}
