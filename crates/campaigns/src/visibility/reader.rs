//! A reader: tails the log by position in pages of any size, and holds what it sees against what it may see.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use eventstore::{AggregateId, EventFilter, EventQuery, EventStore, Position, RecordedEvent};
use fastrand::Rng;
use jiff::Timestamp;

use super::sequence::{Digest, Sequence};
use super::writer::TYPES;
use crate::verdict::Findings;

const PAGE_MAX: u32 = 500;
const PAUSE_LONGEST: Duration = Duration::from_millis(3);

/// A reader that sees nothing new for so long has lost something, or the writers have stopped.
const STANDSTILL_MAX: Duration = Duration::from_secs(30);

/// What a reader asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question {
    Everything,
    OneType,
}

pub(super) struct Reader {
    store: Arc<dyn EventStore>,
    question: Question,
    rng: Rng,
    sequence: Sequence,
    after: Position,
    recorded_at: Option<Timestamp>,
    versions: HashMap<AggregateId, u64>,
    seen: Seen,
}

/// What a reader has seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) everything: Digest,
    one_type: Digest,
    pub(super) findings: Findings,
}

impl Reader {
    pub(super) fn new(store: Arc<dyn EventStore>, question: Question, rng: Rng) -> Self {
        Self {
            store,
            question,
            rng,
            sequence: Sequence::default(),
            after: Position::START,
            recorded_at: None,
            versions: HashMap::new(),
            seen: Seen::default(),
        }
    }

    /// Reads until it has seen this position.
    pub(super) async fn read_to(mut self, end: u64) -> Seen {
        let mut moved = Instant::now();
        while self.after.0 < end {
            if self.page().await {
                moved = Instant::now();
            } else if moved.elapsed() > STANDSTILL_MAX {
                self.seen.findings.add("a reader stood still", format!("at {}", self.after));
                break;
            } else {
                tokio::time::sleep(PAUSE_LONGEST.mul_f64(self.rng.f64())).await;
            }
        }
        self.seen.findings.take(self.sequence.findings);
        self.seen
    }

    /// Whether there was anything new.
    async fn page(&mut self) -> bool {
        let event_types = match self.question {
            Question::Everything => Vec::new(),
            Question::OneType => vec![TYPES[0].to_owned()],
        };
        let limit = self.rng.u32(1..=PAGE_MAX);
        let query = EventQuery {
            filter: EventFilter { event_types, ..EventFilter::default() },
            ..EventQuery::after(self.after, limit)
        };
        match self.store.events(&query).await {
            Ok(page) => {
                page.events.iter().for_each(|event| self.see(event));
                let moved = page.scanned_to > self.after;
                self.after = page.scanned_to;
                moved
            }
            Err(error) => {
                self.seen.findings.add("a read failed", error);
                false
            }
        }
    }

    fn see(&mut self, event: &RecordedEvent) {
        if event.position <= self.after || self.recorded_at.is_some_and(|before| before > event.recorded_at) {
            self.seen.findings.add("a reader saw an event out of order", event.position);
        }
        self.recorded_at = Some(event.recorded_at);
        if event.event_type == TYPES[0] {
            self.seen.one_type.add(event.position.0, event.event_id.0);
        }
        if self.question == Question::OneType {
            return;
        }
        self.sequence.see(event.position.0);
        self.seen.everything.add(event.position.0, event.event_id.0);
        let version = self.versions.entry(event.aggregate_id).or_default();
        if event.version.0 != *version + 1 {
            self.seen.findings.add("a stream's versions are not 1, 2, 3 …", event.position);
        }
        *version = event.version.0;
    }
}

impl Seen {
    /// Holds it against what there is, now that nobody writes any more.
    pub(super) fn compare(self, truth: &Self, findings: &mut Findings) {
        let all = self.everything == truth.everything || self.everything == Digest::default();
        if !all || self.one_type != truth.one_type {
            findings.add("a reader saw other events than there are", self.one_type);
        }
        findings.take(self.findings);
    }
}
