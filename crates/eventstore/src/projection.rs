//! What a projection keeps: its tables, declared as data, the rows that change, and how far each generation has come.
//!
//! As with inline tables, each adapter makes its own SQL from the declaration. A projector says what a row becomes; it
//! never sees a statement.

use jiff::Timestamp;
use uuid::Uuid;

use crate::{AggregateId, Direction, EventId, InlineColumn, InlineTable, LogId, Position, Row, Version};

/// A projection as the store knows it. Its first table holds the state that the projector goes on from: one stream's
/// state is the row of that stream with the greatest key.
#[derive(Debug, PartialEq, Eq)]
pub struct ProjectionLayout {
    /// Its name: `user_search`.
    pub name: &'static str,
    /// What its rows mean. Another revision than the live one is built beside it, and takes its place when it is ready.
    pub revision: u16,
    /// Whether its rows are written in the transaction of the append.
    pub mode: ProjectionMode,
    /// Its tables. Their DDL stands in the product's migrations.
    pub tables: &'static [&'static ProjectionTable],
    /// The inline table that has a row for each stream whose personal data may be kept. What is personal in rows of
    /// other streams is not written: whoever has been erased stays erased, however late her events are projected.
    pub subjects: Option<&'static InlineTable>,
}

/// When the rows of a projection are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProjectionMode {
    /// In the transaction of the append. Only its other generations are filled by the runner.
    Inline,
    /// By the runner, soon after.
    Async,
}

/// A table of a projection.
#[derive(Debug, PartialEq, Eq)]
pub struct ProjectionTable {
    /// The name of its live generation, unqualified.
    pub name: &'static str,
    /// Its columns, all of them. The key comes first.
    pub columns: &'static [InlineColumn],
    /// How many columns the key has.
    pub key_columns: usize,
    /// Number columns that a row adds to instead of replacing them. Never part of the key.
    pub counters: &'static [&'static str],
    /// Whom its rows are about.
    pub subject: Subject,
}

/// Whom the rows of a table are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Nobody: counts, days. None of its columns is personal.
    Nobody,
    /// The stream whose id is the first column.
    Stream(OnErasure),
}

/// What an erasure does to the rows of a stream, in its own transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnErasure {
    /// They go.
    Delete,
    /// Their columns of the class [`crate::ColumnClass::Derived`] become null.
    Redact,
}

/// One of the generations of a projection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Slot {
    /// The one that readers see. Its tables have the declared names.
    Live,
    /// The one that is being built.
    Next,
    /// The one that was live before, kept for a rollback.
    Prior,
}

/// How far a generation has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generation {
    /// Whose.
    pub projection: String,
    /// Which.
    pub slot: Slot,
    /// Counts the generations of a projection from 1.
    pub number: u32,
    /// What its rows mean.
    pub revision: u16,
    /// Everything up to here is in its rows, and nothing beyond. While it walks: where it will be when it has walked.
    pub checkpoint: Checkpoint,
    /// What it does now.
    pub phase: Phase,
    /// Why it does not go on; `None` if it does.
    pub paused: Option<String>,
    /// Streams that are parked.
    pub parked_streams: u64,
    /// When its checkpoint moved last, by the store's clock.
    pub updated_at: Timestamp,
}

/// What a generation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It is filled from history, stream by stream in the order of their ids, up to the checkpoint's position. Nobody
    /// reads it yet.
    Walking {
        /// The last stream that is in its rows; `None` before the first.
        after: Option<AggregateId>,
        /// Events that are in its rows.
        events_done: u64,
    },
    /// It follows the log in the order of positions.
    Tailing,
}

/// A place in one log that can be told from the same place in another: the log's id, and the event that stands there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log.
    pub log_id: LogId,
    /// Where.
    pub position: Position,
    /// The event there; `None` at the start.
    pub event_id: Option<EventId>,
}

/// What one step changes in a generation, all of it or nothing. No key of a table is named twice.
#[derive(Clone, Debug)]
pub struct ProjectionBatch {
    /// The projection.
    pub layout: &'static ProjectionLayout,
    /// Its generation.
    pub slot: Slot,
    /// The right to write it.
    pub fence: Fence,
    /// Where it stands by the runner's knowledge; if it does not, the batch is refused.
    pub from: Progress,
    /// Where it stands afterwards.
    pub to: Progress,
    /// The streams that rows are written for.
    pub streams: Vec<AggregateId>,
    /// What changes.
    pub rows: Vec<ProjectionRow>,
    /// What cannot be projected now.
    pub park: Vec<NewParked>,
    /// What is parked no longer, by position.
    pub unpark: Vec<Position>,
    /// Whether a row can be there already.
    pub writing: Writing,
}

/// Where a generation stands, as far as a batch moves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Its checkpoint.
    pub checkpoint: Checkpoint,
    /// What it does.
    pub phase: Phase,
}

/// Whether rows of a batch can be there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writing {
    /// They may be: each is replaced, or added to.
    Upsert,
    /// Those of streams are not, since the batch walks: they may be written in bulk. Rows about nobody are added to.
    Fresh,
}

/// A change of a row of a projection. Within a batch the stream deletions come first, then the other deletions, then
/// what is put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectionRow {
    /// The table.
    pub table: &'static ProjectionTable,
    /// What happens.
    pub change: ProjectionChange,
}

/// What happens to a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProjectionChange {
    /// It is as given, with a value for each column; counters are added to what is there.
    Put(Row),
    /// The row with this key goes, if it is there.
    Delete(Row),
    /// All rows of the stream go.
    DeleteStream(AggregateId),
}

/// The right to write a projection. A higher epoch ends every lower one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fence {
    /// Who has it.
    pub holder: Uuid,
    /// Grows each time the right goes to somebody else.
    pub epoch: u64,
}

/// Who owns a projection, by the store's clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The projection.
    pub projection: String,
    /// The right.
    pub fence: Fence,
    /// How the owner calls itself: host and process.
    pub label: String,
    /// Until when, unless it is renewed.
    pub expires_at: Timestamp,
    /// Whether that is over, by the same clock: whoever asks next gets it.
    pub expired: bool,
}

/// An event that a projection could not take, by reference: nothing of it is copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewParked {
    /// Its stream. Later events of the same stream are parked after it.
    pub aggregate_id: AggregateId,
    /// Where it stands.
    pub position: Position,
    /// Its place in its stream.
    pub version: Version,
    /// Why, in words without anything personal; empty for one that only waits for those before it.
    pub cause: String,
}

/// A parked event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parked {
    /// The projection.
    pub projection: String,
    /// Its generation.
    pub slot: Slot,
    /// The event.
    pub event: NewParked,
    /// Since when, by the store's clock.
    pub parked_at: Timestamp,
}

/// What somebody wants the owner of a projection to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The projection.
    pub projection: String,
    /// Counts the wishes of a projection.
    pub ticket: u64,
    /// What is wanted, in the runner's words.
    pub wish: String,
    /// What became of it; `None` while it waits or is being done.
    pub answer: Option<String>,
    /// When, by the store's clock.
    pub asked_at: Timestamp,
}

impl ProjectionTable {
    /// The columns of the key.
    #[must_use]
    pub fn key(&self) -> &'static [InlineColumn] {
        &self.columns[..self.key_columns]
    }

    /// Whether a column is added to.
    #[must_use]
    pub fn is_counter(&self, column: &InlineColumn) -> bool {
        self.counters.contains(&column.name)
    }

    /// The name of the table in one generation.
    #[must_use]
    pub fn name_in(&self, slot: Slot, number: u32) -> String {
        match slot {
            Slot::Live => self.name.to_owned(),
            Slot::Next | Slot::Prior => format!("{}__g{number}", self.name),
        }
    }
}

/// Which rows of a table, in which order: those whose number in a column lies between two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// The column: a `BigInt` that no two rows have in common, and that grows with time, as positions do.
    pub column: &'static str,
    /// Numbers from this one on,
    pub from: i64,
    /// up to and without this one.
    pub until: i64,
    /// The smallest or the greatest of them first.
    pub direction: Direction,
}

impl Stretch {
    /// Whether it holds no number.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.from >= self.until
    }
}

impl Slot {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Live, Self::Next, Self::Prior];

    /// As tables and people write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Next => "next",
            Self::Prior => "prior",
        }
    }

    /// Back from what `as_str` gives.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|slot| slot.as_str() == text)
    }
}
