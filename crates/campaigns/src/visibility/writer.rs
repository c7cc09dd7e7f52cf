//! A writer: appends of one to eight events on streams of its own, with pauses, and now and then at a wrong version.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use eventstore::{
    AggregateId, Append, AppendError, ClaimChanges, Deadline, EventId, EventStore, Metadata, NewEvent,
    Rejection, Version,
};
use fastrand::Rng;

use super::sequence::Digest;
use crate::seed::uuid;
use crate::verdict::Findings;

/// The two types that the events of this campaign have.
pub(super) const TYPES: [&str; 2] = ["campaign.heads", "campaign.tails"];

const STREAMS: usize = 8;
const EVENTS_MAX: u64 = 8;
const PAUSE_LONGEST: Duration = Duration::from_millis(4);
const PATIENCE: Duration = Duration::from_secs(30);

/// A writer gives up after so many failures: the campaign has found enough then.
const FAILURES_MAX: u32 = 20;

pub(super) struct Writer {
    store: Arc<dyn EventStore>,
    left: Arc<AtomicU64>,
    rng: Rng,
    streams: Vec<(AggregateId, Version)>,
}

/// What a writer did.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) acknowledged: Digest,
    pub(super) refused: u64,
    pub(super) findings: Findings,
}

impl Writer {
    /// Writes as many events as are left for all writers together.
    pub(super) fn new(store: Arc<dyn EventStore>, left: Arc<AtomicU64>, mut rng: Rng) -> Self {
        let streams = (0..STREAMS).map(|_| (AggregateId(uuid(&mut rng)), Version::NONE)).collect();
        Self { store, left, rng, streams }
    }

    pub(super) async fn write(mut self) -> Written {
        let (mut written, mut failures) = (Written::default(), 0);
        while failures < FAILURES_MAX {
            let count = self.take();
            if count == 0 {
                break;
            }
            if self.rng.u8(..) < 8 {
                self.append_at_wrong_version(&mut written).await;
            }
            failures += u32::from(!self.append(count, &mut written).await);
            if self.rng.u8(..) < 64 {
                tokio::time::sleep(PAUSE_LONGEST.mul_f64(self.rng.f64())).await;
            }
        }
        written
    }

    /// Takes some of the events that are left.
    fn take(&mut self) -> u64 {
        let wanted = self.rng.u64(1..=EVENTS_MAX);
        let take = |left: u64| Some(left - left.min(wanted));
        let before = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        before.unwrap_or_default().min(wanted)
    }

    async fn append(&mut self, count: u64, written: &mut Written) -> bool {
        let n = self.rng.usize(..STREAMS);
        let (id, expected) = self.streams[n];
        let append = self.append_of(id, expected, count);
        let ids: Vec<EventId> = append.events.iter().map(|event| event.event_id).collect();
        match self.store.append(append, soon()).await {
            Ok(appended) => {
                self.streams[n].1 = Version(expected.0 + count);
                let first = (appended.position.0 + 1).saturating_sub(count);
                (first..).zip(ids).for_each(|(position, id)| written.acknowledged.add(position, id.0));
                if appended.version != self.streams[n].1 {
                    written.findings.add("an append was told a wrong version", appended.version);
                }
                true
            }
            Err(error) => {
                written.findings.add("an append failed", error);
                false
            }
        }
    }

    async fn append_at_wrong_version(&mut self, written: &mut Written) {
        let (id, version) = self.streams[self.rng.usize(..STREAMS)];
        let wrong = Version(version.0 + self.rng.u64(1..3));
        let append = self.append_of(id, wrong, 1);
        match self.store.append(append, soon()).await {
            Err(AppendError::Rejected(Rejection::Conflict { actual })) if actual == version => {
                written.refused += 1;
            }
            other => {
                written.findings.add("an append at a wrong version was not refused", format!("{other:?}"));
            }
        }
    }

    fn append_of(&mut self, aggregate_id: AggregateId, expected: Version, count: u64) -> Append {
        let mut event = || NewEvent {
            event_id: EventId(uuid(&mut self.rng)),
            event_type: TYPES[self.rng.usize(..TYPES.len())],
            schema_version: 1,
            data: "{}".to_owned(),
            sealed: None,
        };
        let events = (0..count).map(|_| event()).collect();
        Append {
            aggregate_type: "campaign",
            aggregate_id,
            expected,
            events,
            metadata: Metadata::default(),
            claims: ClaimChanges::default(),
            rows: Vec::new(),
            request: None,
            derived: eventstore::Derived::Kept,
        }
    }
}

fn soon() -> Deadline {
    Deadline(Instant::now() + PATIENCE)
}
