//! Whether the live rows about a stream are what the log says, beside whoever writes them: what moves while it is looked
//! at is looked at again. Answers with names of tables and columns, never with what they hold.

use std::collections::BTreeSet;
use std::fmt;

use eventstore::{
    AggregateId, EventQuery, EventStore, Generation, Phase, Position, ProjectionError, ReadError, Slot,
};
use thiserror::Error;

use super::divergence;
use super::refold;
use super::workplace::{Trouble, Workplace};
use crate::bus::Fault;

/// What keeps moving is looked at so often at most.
pub(super) const LOOKS_MAX: usize = 10;

/// What was found out about the live rows about a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checked {
    /// They were compared; where nothing differs all is well.
    Compared(BTreeSet<Difference>),
    /// They cannot be compared now.
    NotComparable(NotComparable),
}

/// A way in which rows are not what the log says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    /// The table, as it is declared.
    pub table: &'static str,
    /// How.
    pub differs: Differs,
}

/// How rows differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Differs {
    /// A row is not there.
    Missing,
    /// There is a row that should not be.
    TooMany,
    /// In this column.
    In(&'static str),
}

/// Why rows cannot be compared with the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NotComparable {
    /// Run it once: it is made known then.
    #[error("it is not known to this store, or not to this binary")]
    Unknown,
    /// A binary of that revision can.
    #[error("its rows are of another revision than this binary")]
    OtherRevision,
    /// Wait until it follows the log.
    #[error("it is being built")]
    BeingBuilt,
    /// Rebuild it.
    #[error("its rows were made from another log")]
    Diverged,
    /// An event cannot be projected now, and has not been parked. The log, or this binary, is not what it was.
    #[error("an event cannot be projected")]
    Unprojectable,
    /// Try again when less happens.
    #[error("it changed whenever it was looked at")]
    Restless,
}

/// Why a check could not be made. Worth another try.
#[derive(Debug, Error)]
pub enum NotChecked {
    /// The store cannot be asked.
    #[error(transparent)]
    Store(#[from] ProjectionError),
    /// Nobody could look into the events.
    #[error(transparent)]
    Decode(#[from] Fault),
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = self.table;
        match self.differs {
            Differs::Missing => write!(f, "{table} (a row is missing)"),
            Differs::TooMany => write!(f, "{table} (a row too many)"),
            Differs::In(column) => write!(f, "{table}.{column}"),
        }
    }
}

impl From<Trouble> for NotChecked {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Store(error) => error.into(),
            Trouble::Decode(fault) => fault.into(),
        }
    }
}

/// The live generation, if its rows can be compared with the log.
pub(super) async fn comparable<E: Send + Sync + 'static>(
    place: &Workplace<E>,
) -> Result<Result<Generation, NotComparable>, Trouble> {
    let all = place.projections().generations().await?;
    let live = all.into_iter().find(|found| found.projection == place.name() && found.slot == Slot::Live);
    Ok(match live {
        None => Err(NotComparable::Unknown),
        Some(live) if live.revision != place.layout.revision => Err(NotComparable::OtherRevision),
        Some(live) if live.phase != Phase::Tailing => Err(NotComparable::BeingBuilt),
        Some(live) if divergence::found(&*place.store, &live.checkpoint).await?.is_some() => {
            Err(NotComparable::Diverged)
        }
        Some(live) => Ok(live),
    })
}

/// What her rows are made of: if it is the same before and after they are read, they are to be made of just that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sight {
    number: u32,
    /// No event of hers beyond this is in her rows.
    up_to: Position,
    kept: bool,
}

/// Whether the rows about a stream are what the log says.
pub(super) async fn stream<E: Send + Sync + 'static>(
    place: &Workplace<E>,
    stream: AggregateId,
) -> Result<Checked, Trouble> {
    for _ in 0..LOOKS_MAX {
        let before = match sight(place, stream).await? {
            Ok(sight) => sight,
            Err(reason) => return Ok(Checked::NotComparable(reason)),
        };
        let found = refold::differences(place, Slot::Live, before.up_to, stream).await?;
        if found.as_ref().is_some_and(BTreeSet::is_empty) || sight(place, stream).await? == Ok(before) {
            return Ok(match found {
                Some(differences) => Checked::Compared(differences),
                None => Checked::NotComparable(NotComparable::Unprojectable),
            });
        }
    }
    Ok(Checked::NotComparable(NotComparable::Restless))
}

async fn sight<E: Send + Sync + 'static>(
    place: &Workplace<E>,
    stream: AggregateId,
) -> Result<Result<Sight, NotComparable>, Trouble> {
    let live = match comparable(place).await? {
        Ok(live) => live,
        Err(reason) => return Ok(Err(reason)),
    };
    let head = place.store.stream_head(stream).await?.map_or(Position::START, |head| head.position);
    let mut up_to = head.min(live.checkpoint.position);
    if live.parked_streams > 0 {
        let parked =
            place.projections().parked(place.name(), Slot::Live, Some(stream), Position::START, 1).await?;
        if let Some(first) = parked.first() {
            up_to = up_to.min(Position(first.event.position.0.saturating_sub(1)));
        }
    }
    Ok(Ok(Sight { number: live.number, up_to, kept: refold::is_kept(place, stream).await? }))
}

/// The streams of events at random positions; every stream where there are few events.
pub(super) async fn some_streams(
    store: &dyn EventStore,
    count: usize,
) -> Result<BTreeSet<AggregateId>, ReadError> {
    let head = store.head().await?.position.0;
    let positions: Vec<u64> = match usize::try_from(head) {
        Ok(events) if events <= count.saturating_mul(TRIES) => fastrand::choose_multiple(0..head, events),
        Ok(_) | Err(_) => (0..count.saturating_mul(TRIES)).map(|_| fastrand::u64(..head)).collect(),
    };
    let mut streams = BTreeSet::new();
    for before in positions {
        if streams.len() == count {
            break;
        }
        let page = store.events(&EventQuery::after(Position(before), 1)).await?;
        streams.extend(page.events.first().map(|event| event.aggregate_id));
    }
    Ok(streams)
}

/// So many events are looked up for each stream at most: several may be of the same one.
const TRIES: usize = 10;
