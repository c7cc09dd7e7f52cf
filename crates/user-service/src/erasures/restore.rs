//! After a backup was restored: whoever has been erased since is erased again, before anybody is served.

use std::io;
use std::time::{Duration, Instant};

use cqrs::{CommandError, Execution};
use eventstore::{AggregateId, Deadline, EventStore, LogId, Metadata, Position, ReadError};
use thiserror::Error;
use user_domain::{DeleteUser, EraseUser, Refusal, User, UserCommand};

use super::follow::{FollowError, known, write_down};
use super::{ErasureList, Listed};
use crate::directory::{Directory, NewCredential};

/// Who does it, as the events say.
const ACTOR: &str = "restore";

/// For each command. Nobody else is served meanwhile.
const PATIENCE: Duration = Duration::from_secs(30);

/// What became of the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    /// Erasures on the list.
    pub listed: usize,
    /// Those that the store had forgotten, and that were done again.
    pub erased_again: usize,
}

/// Why the list could not be applied. The store must not be served: it may hold somebody who was erased.
#[derive(Debug, Error)]
pub enum RestoreError {
    /// See its cause.
    #[error("the list of erasures cannot be read or written")]
    List(#[from] io::Error),
    /// See its cause.
    #[error("the store cannot be read")]
    Store(#[from] ReadError),
    /// The list was kept beside another store.
    #[error("the list of erasures is about another log than this store's: give the list that belongs to it")]
    OtherLog,
    /// See its cause.
    #[error("user {id} could not be erased again")]
    Erase {
        /// Whom the list names.
        id: AggregateId,
        /// Why.
        #[source]
        cause: Box<CommandError<Refusal>>,
    },
}

/// Erases whoever the list names and the store still holds, and writes down what the list does not know yet. Cheap when
/// the log holds the last listed erasure: then it holds them all.
pub async fn reapply(directory: &Directory, list: &ErasureList) -> Result<Restored, RestoreError> {
    let store = directory.store();
    let listed = listed_of(list, store.log_id())?;
    let mut restored = Restored { listed: listed.len(), erased_again: 0 };
    let agreed = known(store, &listed).await?;
    // Where the log holds the last one, it is the log that the list was written beside, and holds them all.
    if listed.last().is_some_and(|last| last.position != agreed.0) {
        for erasure in &listed {
            restored.erased_again += usize::from(erase(directory, AggregateId(erasure.user_id)).await?);
        }
    }
    catch_up(store, list, agreed).await?;
    Ok(restored)
}

/// The list, if it is about this log.
pub fn listed_of(list: &ErasureList, log_id: LogId) -> Result<Vec<Listed>, RestoreError> {
    let listed = list.read()?;
    let same = listed.iter().all(|erasure| erasure.log_id == log_id.0);
    if same { Ok(listed) } else { Err(RestoreError::OtherLog) }
}

/// Writes down what the log of a store says and the list does not know yet, before the store is replaced.
pub async fn keep(store: &dyn EventStore, list: &ErasureList) -> Result<(), RestoreError> {
    let agreed = known(store, &listed_of(list, store.log_id())?).await?;
    catch_up(store, list, agreed).await
}

async fn catch_up(store: &dyn EventStore, list: &ErasureList, agreed: Position) -> Result<(), RestoreError> {
    match write_down(store, list, agreed, None).await {
        Ok(_) | Err(FollowError::Diverged) => Ok(()),
        Err(FollowError::Store(error)) => Err(error.into()),
        Err(FollowError::List(error)) => Err(error.into()),
    }
}

/// Whether there was somebody to erase.
async fn erase(directory: &Directory, id: AggregateId) -> Result<bool, RestoreError> {
    match execute(directory, id, DeleteUser.into()).await {
        Ok(_) => {}
        Err(CommandError::Refused(Refusal::UserNotFound | Refusal::UserErased)) => return Ok(false),
        Err(cause) => return Err(RestoreError::Erase { id, cause: Box::new(cause) }),
    }
    let erased = execute(directory, id, EraseUser.into()).await;
    erased.map(|_| true).map_err(|cause| RestoreError::Erase { id, cause: Box::new(cause) })
}

async fn execute(
    directory: &Directory,
    id: AggregateId,
    command: UserCommand,
) -> Result<cqrs::Outcome<User>, CommandError<Refusal>> {
    let execution = Execution {
        id,
        command,
        attachment: NewCredential::None.into(),
        precondition: None,
        request: None,
        metadata: Metadata { actor: Some(ACTOR.to_owned()), ..Metadata::default() },
        deadline: Deadline(Instant::now() + PATIENCE),
    };
    directory.execute(&execution).await
}
