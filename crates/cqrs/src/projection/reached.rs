//! Waiting until a projection shows what the caller has seen elsewhere: `min_position`.

use std::future::pending;
use std::time::{Duration, Instant};

use eventstore::{Deadline, EventStore, Generation, Phase, Position, ProjectionError, Slot};
use thiserror::Error;
use tokio::sync::watch;
use tokio::time::sleep;

use super::divergence::{self, is_diverged};

/// The catalog is asked this often, at first and at last.
const POLL_FIRST: Duration = Duration::from_millis(5);
const POLL_LONGEST: Duration = Duration::from_millis(200);

/// Why a projection does not show a position.
#[derive(Debug, Error)]
pub enum NotReached {
    /// The deadline passed before. Retry, or do without.
    #[error("the projection has come to {at} only")]
    Behind {
        /// How far it has come.
        at: Position,
    },
    /// The deadline passed, and its first generation is still being built. Retry much later.
    #[error("the projection is being built")]
    Building {
        /// Events that are in its rows.
        done: u64,
        /// Of how many.
        total: u64,
    },
    /// It was made of a log that is not this one, whatever is asked of it. Not before it is rebuilt.
    #[error("the projection is of another log: {0}")]
    Diverged(String),
    /// It does not go on until somebody does something.
    #[error("the projection is paused: {0}")]
    Paused(String),
    /// There is no such projection.
    #[error("there is no such projection")]
    Unknown,
    /// The store cannot be asked.
    #[error("the store cannot be asked")]
    Store(#[source] ProjectionError),
}

/// Waits until the live generation of a projection has come to a position, for as long as the deadline allows. The
/// caller makes sure that the log has: nobody else knows what to say about a position beyond its head.
///
/// `Position::START` asks whether it can be read at all.
pub async fn reached(
    store: &dyn EventStore,
    projection: &str,
    position: Position,
    deadline: Deadline,
) -> Result<(), NotReached> {
    poll(store, projection, position, deadline, Known::ByStore).await
}

/// Who says that there is such a projection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    /// The store does, or there is none.
    ByStore,
    /// The code does: the store will soon.
    ByCode,
}

async fn poll(
    store: &dyn EventStore,
    projection: &str,
    position: Position,
    deadline: Deadline,
    known: Known,
) -> Result<(), NotReached> {
    let mut pause = POLL_FIRST;
    loop {
        let found = look(store, projection, position).await;
        let remaining = deadline.0.saturating_duration_since(Instant::now());
        let waits = match &found {
            Err(NotReached::Behind { .. } | NotReached::Building { .. }) => true,
            Err(NotReached::Unknown) => known == Known::ByCode,
            Ok(()) | Err(NotReached::Diverged(_) | NotReached::Paused(_) | NotReached::Store(_)) => false,
        };
        if !waits || remaining.is_zero() {
            return found;
        }
        sleep(pause.min(remaining)).await;
        pause = (pause * 2).min(POLL_LONGEST);
    }
}

/// The same, woken at once by what this process knows. A place that others work on is polled.
pub(super) async fn reached_here(
    store: &dyn EventStore,
    projection: &str,
    position: Position,
    deadline: Deadline,
    shown: Option<watch::Receiver<Option<Position>>>,
) -> Result<(), NotReached> {
    let Some(mut shown) = shown else { return reached(store, projection, position, deadline).await };
    let here = async {
        // The sender lives as long as the projections that ask.
        if shown.wait_for(|shown| shown.is_some_and(|shown| shown >= position)).await.is_err() {
            pending::<()>().await;
        }
        Ok(())
    };
    tokio::select! {
        biased;
        here = here => here,
        found = poll(store, projection, position, deadline, Known::ByCode) => found,
    }
}

/// Whether it shows the position now.
async fn look(store: &dyn EventStore, projection: &str, position: Position) -> Result<(), NotReached> {
    let generations = store.projections().generations().await.map_err(NotReached::Store)?;
    let live = generations.iter().find(|found| found.projection == projection && found.slot == Slot::Live);
    let live = live.ok_or(NotReached::Unknown)?;
    is_of_this_log(store, live).await?;
    shows(live, position)
}

/// Until an owner has looked at a checkpoint, nothing in the catalog says that it is of another log. So it is compared
/// each time somebody asks the catalog: one event by its position. Who is told by the owner here need not.
async fn is_of_this_log(store: &dyn EventStore, live: &Generation) -> Result<(), NotReached> {
    if live.phase != Phase::Tailing || is_diverged(live) {
        return Ok(());
    }
    let found = divergence::found(store, &live.checkpoint).await;
    found
        .map_err(|error| NotReached::Store(error.into()))?
        .map_or(Ok(()), |why| Err(NotReached::Diverged(why)))
}

/// What was made of another log is not shown, however far it came.
fn shows(live: &Generation, position: Position) -> Result<(), NotReached> {
    let at = live.checkpoint.position;
    match live.phase {
        Phase::Tailing if is_diverged(live) => {
            Err(NotReached::Diverged(live.paused.clone().unwrap_or_default()))
        }
        Phase::Tailing if at >= position => Ok(()),
        Phase::Tailing => match &live.paused {
            Some(reason) => Err(NotReached::Paused(reason.clone())),
            None => Err(NotReached::Behind { at }),
        },
        Phase::Walking { events_done, .. } => match &live.paused {
            Some(reason) => Err(NotReached::Paused(reason.clone())),
            None => Err(NotReached::Building { done: events_done, total: at.0 }),
        },
    }
}
