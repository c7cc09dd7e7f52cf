//! How a case is written down: commands built word by word, and the looks at what became of them.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::tables::{DOCUMENT_BY_ID, SECRET_BY_ID};
use super::{Fixture, Setting};
use crate::{
    AggregateId, Append, AppendError, Appended, ClaimChanges, ClaimKey, ClaimMove, Clock, Deadline, EventId,
    EventQuery, EventStore, Fingerprint, Metadata, NewEvent, NewRequest, Position, RecordedEvent, Rejection,
    RequestKey, RequestRecord, Row, RowWrite, Value, Version,
};

/// A test that waits this long has failed.
const PATIENCE: Duration = Duration::from_mins(1);

/// Opens the fixture's store with the suite's tables.
pub(super) async fn open<F: Fixture>(fixture: &F) -> Arc<F::Store> {
    Arc::new(fixture.open(Setting::plain::<F>()).await.expect("the store opens"))
}

/// The same, with a clock that the test sets.
pub(super) async fn open_with<F: Fixture>(fixture: &F, clock: &HandClock) -> Arc<F::Store> {
    let setting = Setting { clock: Some(clock.clock()), ..Setting::plain::<F>() };
    Arc::new(fixture.open(setting).await.expect("the store opens"))
}

pub(super) fn stream(n: u64) -> AggregateId {
    AggregateId(Uuid::from_u64_pair(1, n))
}

pub(super) fn key(n: u64) -> ClaimKey {
    ClaimKey(Uuid::from_u64_pair(2, n))
}

pub(super) fn request(n: u64) -> NewRequest {
    NewRequest {
        key: RequestKey(Uuid::from_u64_pair(3, n)),
        fingerprint: Fingerprint(Uuid::from_u64_pair(4, n)),
    }
}

/// An event with an id that no other has.
pub(super) fn event(event_type: &'static str) -> NewEvent {
    static MADE: AtomicU64 = AtomicU64::new(1);
    let event_id = EventId(Uuid::from_u64_pair(5, MADE.fetch_add(1, Ordering::Relaxed)));
    NewEvent { event_id, event_type, schema_version: 1, data: "{}".to_owned(), sealed: None }
}

/// A command on a stream, said word by word.
#[derive(Clone)]
pub(super) struct Command(pub(super) Append);

/// A stream's first event.
pub(super) fn creates(n: u64) -> Command {
    changes(n, 0)
}

/// One more event for a stream that is at this version.
pub(super) fn changes(n: u64, expected: u64) -> Command {
    Command(Append {
        aggregate_type: "document",
        aggregate_id: stream(n),
        expected: Version(expected),
        events: vec![event("document.changed")],
        metadata: Metadata::default(),
        claims: ClaimChanges::default(),
        rows: Vec::new(),
        request: None,
        derived: crate::Derived::Kept,
    })
}

impl Command {
    pub(super) fn with_events(mut self, count: usize) -> Self {
        self.0.events = (0..count).map(|_| event("document.changed")).collect();
        self
    }

    pub(super) fn with_event(mut self, event: NewEvent) -> Self {
        self.0.events = vec![event];
        self
    }

    pub(super) fn of_kind(mut self, aggregate_type: &'static str) -> Self {
        self.0.aggregate_type = aggregate_type;
        self
    }

    pub(super) fn taking(mut self, n: u64) -> Self {
        self.0.claims.taken.push(key(n));
        self
    }

    pub(super) fn moving(mut self, from: u64, to: u64) -> Self {
        self.0.claims.moved.push(ClaimMove { from: key(from), to: key(to) });
        self
    }

    pub(super) fn releasing(mut self, n: u64) -> Self {
        self.0.claims.released.push(key(n));
        self
    }

    pub(super) fn writing(mut self, row: RowWrite) -> Self {
        self.0.rows.push(row);
        self
    }

    pub(super) fn requested(mut self, n: u64) -> Self {
        self.0.request = Some(request(n));
        self
    }

    /// Appends it, with all the time in the world.
    pub(super) async fn on(self, store: &impl EventStore) -> Result<Appended, AppendError> {
        store.append(self.0, soon()).await
    }

    /// Appends it, and it must be taken.
    pub(super) async fn done(self, store: &impl EventStore) -> Appended {
        self.on(store).await.expect("the append is taken")
    }

    /// Appends it, and it must be refused by the rules.
    pub(super) async fn refused(self, store: &impl EventStore) -> Rejection {
        rejection(self.on(store).await)
    }
}

pub(super) fn rejection(result: Result<Appended, AppendError>) -> Rejection {
    match result {
        Err(AppendError::Rejected(rejection)) => rejection,
        other => panic!("expected a rejection, got {other:?}"),
    }
}

pub(super) fn duplicate(rejection: Rejection) -> RequestRecord {
    match rejection {
        Rejection::Duplicate(record) => record,
        Rejection::Conflict { .. } | Rejection::ClaimTaken { .. } | Rejection::LayoutMoved => {
            panic!("expected a duplicate, got {rejection:?}")
        }
    }
}

pub(super) fn conflict(actual: u64) -> Rejection {
    Rejection::Conflict { actual: Version(actual) }
}

pub(super) fn soon() -> Deadline {
    Deadline(Instant::now() + PATIENCE)
}

/// Polls once: an append is in the queue after it.
pub(super) async fn begin<T>(future: &mut Pin<Box<impl Future<Output = T> + ?Sized>>) -> Option<T> {
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

/// The whole log.
pub(super) async fn log(store: &impl EventStore) -> Vec<RecordedEvent> {
    let mut events = Vec::new();
    let mut query = EventQuery::after(Position::START, 1000);
    loop {
        let page = store.events(&query).await.expect("the log is read");
        events.extend(page.events);
        if page.scanned_to == query.after {
            return events;
        }
        query.after = page.scanned_to;
    }
}

pub(super) fn positions(events: &[RecordedEvent]) -> Vec<u64> {
    events.iter().map(|event| event.position.0).collect()
}

/// The document of a stream, if there is one.
pub(super) async fn document(store: &impl EventStore, n: u64) -> Option<Row> {
    let rows = store.select(&DOCUMENT_BY_ID, &[Value::Uuid(stream(n).0)]).await.expect("documents are read");
    rows.into_iter().next()
}

/// The title of a stream's document.
pub(super) async fn title(store: &impl EventStore, n: u64) -> Option<String> {
    document(store, n).await.map(|row| match &row[5] {
        Value::Text(title) => title.clone(),
        other => panic!("a title is text, not {other:?}"),
    })
}

/// The secret of a stream.
pub(super) async fn secret(store: &impl EventStore, n: u64) -> Option<Value> {
    let rows = store.select(&SECRET_BY_ID, &[Value::Uuid(stream(n).0)]).await.expect("secrets are read");
    rows.into_iter().next().map(|mut row| row.remove(0))
}

/// Who owns a key.
pub(super) async fn owner(store: &impl EventStore, n: u64) -> Option<AggregateId> {
    store.claim_owner(key(n)).await.expect("claims are read")
}

/// A clock that stands still until it is set.
#[derive(Clone)]
pub(super) struct HandClock(Arc<Mutex<Timestamp>>);

impl HandClock {
    /// It shows half past eight on a day in May.
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(Timestamp::from_second(1_778_142_600).expect("a moment of our time"))))
    }

    pub(super) fn shows(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set(&self, moment: Timestamp) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = moment;
    }

    pub(super) fn turn(&self, by: SignedDuration) {
        self.set(self.shows() + by);
    }

    fn clock(&self) -> Clock {
        let clock = self.clone();
        Clock::new(move || clock.shows())
    }
}
