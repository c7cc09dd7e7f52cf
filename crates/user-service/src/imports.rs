//! Users who come in by the thousand: how much of an import is under way at a time, and how one row is carried out.
//!
//! Each row is a command of its own, with a request id of its own. What makes many of them fast is that they are there at
//! the same time: the log takes whatever waits as one batch.

use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use cqrs::{CommandError, Execution, Outcome, Rehearsed};
use eventstore::Deadline;
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout_at};
use tokio_util::sync::CancellationToken;
use user_domain::{Refusal, User, Users};

use crate::directory::{Attachment, Directory, NewCredential};

/// Rows of one import that are carried out at a time: enough to fill the batches of the log, and few enough that the rows of
/// all imports find room in its queue.
pub const ROWS_IN_FLIGHT: usize = 256;

/// Imports at a time: as many rows as that wait for the log, and no more.
const IMPORTS_MAX: usize = 8;

/// Passwords that imports may have waiting for each thread that hashes. Whoever logs in meanwhile waits for these, and not
/// for all that are to come.
const HASHED_AT_ONCE_PER_THREAD: usize = 2;

/// Nobody waits longer for one row; the store has had its chance.
const ROW_MAX: Duration = Duration::from_secs(20);

/// Before a row is tried again for which there was no room.
const PAUSE: Duration = Duration::from_millis(50);

/// Why an import cannot begin or go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ImportError {
    /// Too many are under way. Retry later.
    #[error("too many imports are under way")]
    TooMany,
    /// The service stops. Send the rows again, to another instance or later.
    #[error("the service is stopping")]
    Stopping,
}

/// What imports go into. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Imports(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    directory: Directory,
    places: Arc<Semaphore>,
    hashing: Semaphore,
    stop: CancellationToken,
}

/// One call's part of an import.
#[derive(Debug)]
pub struct Import {
    imports: Imports,
    /// The last rows that were heard of had been there already: those that follow are probably so, too.
    repeats: AtomicBool,
    _place: OwnedSemaphorePermit,
}

impl Imports {
    /// Imports into a directory, until `stop`.
    #[must_use]
    pub fn new(directory: Directory, stop: CancellationToken) -> Self {
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        let hashing = Semaphore::new(threads * HASHED_AT_ONCE_PER_THREAD);
        Self(Arc::new(Inner { directory, places: Arc::new(Semaphore::new(IMPORTS_MAX)), hashing, stop }))
    }

    /// Begins one.
    pub fn begin(&self) -> Result<Import, ImportError> {
        let place = Arc::clone(&self.0.places).try_acquire_owned().map_err(|_| ImportError::TooMany)?;
        Ok(Import { imports: self.clone(), repeats: AtomicBool::new(true), _place: place })
    }

    /// Where users come to be.
    #[must_use]
    pub fn directory(&self) -> &Directory {
        &self.0.directory
    }

    /// Returns when the service stops.
    pub async fn stopped(&self) {
        self.0.stop.cancelled().await;
    }
}

impl Import {
    /// Carries out one row. While there is no room for it, it waits.
    pub async fn carry_out(
        &self,
        mut execution: Execution<Users, Attachment>,
    ) -> Result<Outcome<User>, CommandError<Refusal>> {
        let _turn = match execution.attachment.credential {
            NewCredential::Plain { .. } => {
                let turn = timeout_at(execution.deadline.0.into(), self.imports.0.hashing.acquire()).await;
                Some(turn.map_err(|_| CommandError::DeadlineBeforeStart)?)
            }
            NewCredential::None | NewCredential::Hashed(_) => None,
        };
        execution.deadline = Deadline(execution.deadline.0.min(Instant::now() + ROW_MAX));
        loop {
            match self.try_once(&execution).await {
                Err(CommandError::Overloaded) if Instant::now() + PAUSE < execution.deadline.0 => {
                    sleep(PAUSE).await;
                }
                ended => return ended,
            }
        }
    }

    /// What is hashed for nothing costs more than a look.
    async fn try_once(
        &self,
        execution: &Execution<Users, Attachment>,
    ) -> Result<Outcome<User>, CommandError<Refusal>> {
        let hashes = matches!(execution.attachment.credential, NewCredential::Plain { .. });
        let directory = self.imports.directory();
        let ended = if hashes || self.repeats.load(Ordering::Relaxed) {
            directory.execute(execution).await
        } else {
            directory.execute_new(execution).await
        };
        if let Ok(outcome) = &ended {
            self.repeats.store(outcome.replayed, Ordering::Relaxed);
        }
        ended
    }

    /// What would become of a row.
    pub async fn rehearse(
        &self,
        execution: &Execution<Users, Attachment>,
    ) -> Result<Rehearsed, CommandError<Refusal>> {
        self.imports.directory().rehearse(execution).await
    }
}
