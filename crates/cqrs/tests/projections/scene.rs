//! How a case is written down: a store, things that happen, runners, and looks at what became of it all.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cqrs::projection::{Answer, Outcome, ProjectionStatus, Projections, Projector, RunnerSettings, Wish};
use eventstore::{
    AggregateId, Append, ClaimChanges, Deadline, Derived, EventId, EventQuery, EventStore, Generation,
    Metadata, NewEvent, Position, ProjectionLayout, RecordedEvent, Row, RowChange, RowWrite, Slot, Value,
    Version,
};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use crate::accounts::{ACCOUNTS, Accounts, Happened, ROW, Reader, Rows, TALLIES, Tally};
use crate::place::{Engine, Place};

/// A test that waits this long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A store in a place of its own.
pub(crate) struct Scene {
    place: Place,
    pub(crate) store: Arc<dyn EventStore>,
    /// Whether the code has been fixed that garbled and odd events need.
    pub(crate) fixed: Arc<AtomicBool>,
}

/// The tables of a generation, row by row.
pub(crate) type Tables = BTreeMap<&'static str, Vec<Row>>;

impl Scene {
    pub(crate) async fn new(engine: Engine) -> Self {
        let place = Place::new(engine).await;
        let store = place.open(INLINE, &[]).await;
        Self { place, store, fixed: Arc::default() }
    }

    pub(crate) fn store(&self) -> Arc<dyn EventStore> {
        Arc::clone(&self.store)
    }

    /// What happens to an account: `named anna`, `deposited 3`, `closed`, `erased`, `garbled`, `odd`.
    pub(crate) async fn happens(&self, n: u64, what: &str) -> Position {
        let id = account(n);
        let head = self.store.stream_head(id).await.unwrap();
        let expected = head.map_or(Version::NONE, |head| head.version);
        let append = append(id, expected, &[what]);
        self.store.append(append, soon()).await.unwrap().position
    }

    /// Whether anything has happened to an account.
    pub(crate) async fn knows(&self, n: u64) -> bool {
        self.store.stream_head(account(n)).await.unwrap().is_some()
    }

    /// Many things at once, to accounts that nothing has happened to.
    pub(crate) async fn begins(&self, n: u64, all: &[&str]) {
        self.store.append(append(account(n), Version::NONE, all), soon()).await.unwrap();
    }

    pub(crate) async fn head(&self) -> Position {
        self.store.head().await.unwrap().position
    }

    pub(crate) async fn log(&self) -> Vec<RecordedEvent> {
        self.store.events(&EventQuery::after(Position::START, 1_000_000)).await.unwrap().events
    }

    /// The projections as this release has them.
    pub(crate) fn projections(&self) -> Projections<Happened> {
        self.projections_of(self.store(), settings(), &ACCOUNTS)
    }

    pub(crate) fn projections_of(
        &self,
        store: Arc<dyn EventStore>,
        settings: RunnerSettings,
        accounts: &'static ProjectionLayout,
    ) -> Projections<Happened> {
        let reader = Reader { store: self.store(), fixed: Arc::clone(&self.fixed) };
        let accounts = Accounts { layout: accounts, fixed: Arc::clone(&self.fixed) };
        let projectors: Vec<Arc<dyn Projector<Happened>>> = vec![Arc::new(accounts), Arc::new(Rows)];
        Projections::new(store, Arc::new(reader), projectors, settings)
    }

    /// Six projections: those, and some that count.
    pub(crate) fn many_projections(&self, settings: RunnerSettings) -> Projections<Happened> {
        let reader = Reader { store: self.store(), fixed: Arc::clone(&self.fixed) };
        let accounts = Accounts { layout: &ACCOUNTS, fixed: Arc::clone(&self.fixed) };
        let mut projectors: Vec<Arc<dyn Projector<Happened>>> = vec![Arc::new(accounts), Arc::new(Rows)];
        projectors
            .extend(TALLIES.iter().map(|layout| Arc::new(Tally(layout)) as Arc<dyn Projector<Happened>>));
        Projections::new(self.store(), Arc::new(reader), projectors, settings)
    }

    pub(crate) async fn generation(&self, projection: &str, slot: Slot) -> Option<Generation> {
        let all = self.store.projections().generations().await.unwrap();
        all.into_iter().find(|found| found.projection == projection && found.slot == slot)
    }

    pub(crate) async fn tables(&self, layout: &'static ProjectionLayout, slot: Slot) -> Tables {
        let mut tables = Tables::new();
        for table in layout.tables {
            let rows = self.store.projections().rows_after(table, slot, None, 1_000_000).await.unwrap();
            tables.insert(table.name, rows);
        }
        tables
    }

    /// What an operator does in a shell.
    pub(crate) async fn shell(&self, statements: &str) {
        self.place.shell(statements).await;
    }
}

static INLINE: &[&eventstore::InlineTable] = &[&ROW];

pub(crate) fn account(n: u64) -> AggregateId {
    AggregateId(Uuid::from_u64_pair(n, 7))
}

pub(crate) fn append(id: AggregateId, expected: Version, all: &[&str]) -> Append {
    let last = all.last().map(|what| words(what).0);
    let version = i64::try_from(expected.0 + all.len() as u64).unwrap();
    let row = |name| vec![Value::Uuid(id.0), Value::BigInt(version), name];
    let named = all.iter().rev().find_map(|what| what.strip_prefix("named "));
    let change = match (last, named) {
        (Some("erased"), _) => Some(RowChange::Delete),
        (_, Some(name)) if expected == Version::NONE => {
            Some(RowChange::Insert(row(Value::Text(name.to_owned()))))
        }
        (_, Some(name)) => Some(RowChange::Update(row(Value::Text(name.to_owned())))),
        (_, None) if expected == Version::NONE => Some(RowChange::Insert(row(Value::Null))),
        // Without her name at hand her row stays as it is, a version behind.
        (_, None) => None,
    };
    Append {
        aggregate_type: "account",
        aggregate_id: id,
        expected,
        events: all.iter().map(|what| event(what)).collect(),
        metadata: Metadata::default(),
        claims: ClaimChanges::default(),
        rows: change.map(|change| RowWrite { table: &ROW, change }).into_iter().collect(),
        request: None,
        derived: if last == Some("erased") { Derived::Erased } else { Derived::Kept },
    }
}

fn words(what: &str) -> (&str, &str) {
    what.split_once(' ').unwrap_or((what, ""))
}

fn event(what: &str) -> NewEvent {
    static MADE: AtomicU64 = AtomicU64::new(1);
    let (event_type, data) = match words(what) {
        ("named", name) => ("account.named", format!("\"{name}\"")),
        ("deposited", amount) => ("account.deposited", amount.to_owned()),
        ("closed", _) => ("account.closed", "{}".to_owned()),
        ("erased", _) => ("account.erased", "{}".to_owned()),
        ("odd", _) => ("account.odd", "{}".to_owned()),
        _ => ("account.garbled", "{}".to_owned()),
    };
    let event_id = EventId(Uuid::from_u64_pair(9, MADE.fetch_add(1, Ordering::Relaxed)));
    NewEvent { event_id, event_type, schema_version: 1, data, sealed: None }
}

pub(crate) fn soon() -> Deadline {
    Deadline(Instant::now() + PATIENCE)
}

/// Settings for a holder that nobody was before, who loses patience soon.
pub(crate) fn settings() -> RunnerSettings {
    static HOLDERS: AtomicU64 = AtomicU64::new(1);
    let holder = HOLDERS.fetch_add(1, Ordering::Relaxed);
    RunnerSettings {
        lease_ttl: Duration::from_millis(500),
        retry_first: Duration::from_millis(1),
        retry_longest: Duration::from_millis(20),
        refolds: 10,
        wishes_every: Duration::from_millis(20),
        ..RunnerSettings::new(Uuid::from_u64_pair(11, holder), format!("runner {holder}"))
    }
}

/// Projections that run until they are stopped.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) projections: Projections<Happened>,
    /// Stops them when it is dropped.
    stop: DropGuard,
    task: JoinHandle<()>,
}

impl Running {
    pub(crate) fn start(projections: Projections<Happened>) -> Self {
        let stop = CancellationToken::new();
        let task = tokio::spawn({
            let (projections, stop) = (projections.clone(), stop.clone());
            async move { projections.run(stop).await }
        });
        Self { projections, stop: stop.drop_guard(), task }
    }

    /// Projections that somebody else runs.
    pub(crate) fn watching(projections: Projections<Happened>) -> Self {
        Self { projections, stop: CancellationToken::new().drop_guard(), task: tokio::spawn(async {}) }
    }

    pub(crate) async fn stop(self) {
        drop(self.stop);
        self.task.await.unwrap();
    }

    /// As kill -9 does.
    pub(crate) async fn kill(self) {
        self.task.abort();
        drop(self.task.await);
    }

    /// Waits until the live generation of the accounts is at the head of the log.
    pub(crate) async fn catches_up(&self, scene: &Scene) {
        self.projections.reached("accounts", scene.head().await, soon()).await.unwrap();
    }

    /// What becomes of a wish, as it is written down.
    pub(crate) async fn wish(&self, projection: &str, wish: &str) -> String {
        self.outcome(projection, wish).await.to_string()
    }

    /// What becomes of a wish.
    pub(crate) async fn outcome(&self, projection: &str, wish: &str) -> Outcome {
        let wish: Wish = wish.parse().unwrap();
        // It is made known soon after the start.
        let ticket = until(async || self.projections.wish(projection, &wish).await.ok()).await;
        self.answer(projection, ticket).await
    }

    pub(crate) async fn answer(&self, projection: &str, ticket: u64) -> Outcome {
        until(async || match self.projections.answer(projection, ticket).await.unwrap() {
            Answer::Pending => None,
            Answer::Given(outcome) => Some(outcome),
            Answer::Replaced => panic!("somebody else wished"),
        })
        .await
    }

    pub(crate) async fn status(&self, projection: &str) -> ProjectionStatus {
        let all = self.projections.status().await.unwrap();
        all.into_iter().find(|status| status.name == projection).unwrap()
    }
}

/// Asks until there is an answer.
pub(crate) async fn until<T>(look: impl AsyncFn() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "it did not happen");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
