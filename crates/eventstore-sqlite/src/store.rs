//! The store: the port, handed on to the writer's queue and to the readers.

use std::fmt;
use std::sync::Arc;
use std::thread::JoinHandle;

use async_trait::async_trait;
use eventstore::append_task::{AppendQueue, Health, KnownHead, Look, Releases};
use eventstore::{
    AggregateId, Append, AppendError, Appended, ClaimKey, Clock, Deadline, EventPage, EventQuery, EventStore,
    Head, InlineTable, LogId, Position, ProjectionStore, ReadError, RecordedEvent, RequestKey, RequestRecord,
    Row, RowWitness, Select, StoreSize, StoreStats, StreamCursor, Value, Version, Warning, Witnessed,
};
use jiff::Timestamp;
use rusqlite::Connection;
use tracing::warn;

use crate::read::{self, Readers, failed};
use crate::writer::Writer;
use crate::{Access, OpenError, Options, connection, migrate, open, page};

/// A log in one SQLite file.
pub struct Store {
    log_id: LogId,
    releases: Arc<Releases>,
    readers: Readers,
    /// Fed by the queue; beside an owner of another process, by nobody.
    known_head: KnownHead,
    clock: Clock,
    owner: Option<Owner>,
}

/// What only the process that writes has.
struct Owner {
    queue: AppendQueue<Writer>,
    thread: JoinHandle<()>,
    health: Arc<Health>,
    rows: Witnessed,
}

impl Store {
    /// Opens a store that has been migrated.
    #[expect(clippy::unused_async, reason = "the sibling has to wait for its server")]
    pub async fn open(options: Options) -> Result<Self, OpenError> {
        match options.access {
            Access::Owner => Self::own(options),
            Access::Reader => Self::read_beside(&options),
        }
    }

    fn own(options: Options) -> Result<Self, OpenError> {
        if !options.path.exists() {
            return Err(OpenError::Missing(options.path));
        }
        let lock = connection::lock(&options.path)?;
        let (mut connection, weakened) = connection::owner(&options)?;
        migrate::check(&mut connection, &options)?;
        let log_id = open::log_id(&connection, &options.path)?;
        let releases = releases(&connection, &options)?;
        let clock = options.clock.clone().unwrap_or_else(Clock::system);
        let health = Arc::new(Health::new(clock.now(), weakened));
        let readers = Readers::new(options.path.clone());
        let (path, rows) = (options.path.clone(), Witnessed::default());
        let writer = Writer::new(
            connection,
            options,
            Arc::clone(&releases),
            clock.clone(),
            Arc::clone(&health),
            rows.clone(),
            lock,
        )?;
        let (queue, inbox) = AppendQueue::new();
        let thread = writer.start(inbox).map_err(|cause| OpenError::Unusable { path, cause })?;
        let known_head = queue.known_head().clone();
        let owner = Some(Owner { queue, thread, health, rows });
        Ok(Self { log_id, releases, readers, known_head, clock, owner })
    }

    fn read_beside(options: &Options) -> Result<Self, OpenError> {
        let mut connection = connection::reader(&options.path)?;
        migrate::check(&mut connection, options)?;
        let log_id = open::log_id(&connection, &options.path)?;
        let releases = releases(&connection, options)?;
        let readers = Readers::new(options.path.clone());
        let known_head = KnownHead::default();
        let clock = options.clock.clone().unwrap_or_else(Clock::system);
        Ok(Self { log_id, releases, readers, known_head, clock, owner: None })
    }

    /// Everything in an append must have been declared, before its batch mates depend on it.
    fn check(&self, append: &Append) -> Result<(), AppendError> {
        match append.rows.iter().find(|write| !self.releases.declares(write.table)) {
            Some(write) => {
                Err(AppendError::Malformed(format!("the store was opened without {}", write.table.name)))
            }
            None => Ok(()),
        }
    }

    fn read<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, ReadError> {
        self.readers.read(|connection| read(connection).map_err(failed))
    }

    pub(crate) fn log(&self) -> LogId {
        self.log_id
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn readers(&self) -> &Readers {
        &self.readers
    }

    /// The way to the writer.
    pub(crate) fn writing(&self) -> Result<&AppendQueue<Writer>, ReadError> {
        let owner = self.owner.as_ref();
        Ok(&owner.ok_or_else(|| ReadError::StoreDown("the store is open for reading".into()))?.queue)
    }

    /// Work on the product's tables, done by the writer between two batches.
    async fn on_writer<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Writer) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, ReadError> {
        let done = self.writing()?.run_job(work).await;
        done.map_err(|error| ReadError::StoreDown(Box::new(error)))?
    }
}

/// What this binary writes, if the log takes that. One that it does not know turns its appends away, not its reads.
fn releases(connection: &Connection, options: &Options) -> Result<Arc<Releases>, OpenError> {
    let releases = Releases::new(options.tables, options.earlier);
    let layout = open::layout(connection).map_err(|cause| OpenError::sqlite(&options.path, cause))?;
    if let Some(layout) = layout {
        releases.adopt(&layout);
    }
    Ok(Arc::new(releases))
}

#[async_trait]
impl EventStore for Store {
    fn log_id(&self) -> LogId {
        self.log_id
    }

    async fn append(&self, append: Append, deadline: Deadline) -> Result<Appended, AppendError> {
        self.check(&append)?;
        let owner = self.owner.as_ref().ok_or(AppendError::StoreDown)?;
        owner.queue.append(append, deadline).await
    }

    fn writes(&self, table: &'static InlineTable) -> &'static InlineTable {
        self.releases.writes(table)
    }

    async fn stream(
        &self,
        id: AggregateId,
        after: Version,
        limit: u32,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        self.read(|connection| read::stream(connection, id, after, limit))
    }

    async fn stream_head(&self, id: AggregateId) -> Result<Option<RecordedEvent>, ReadError> {
        self.read(|connection| read::stream_head(connection, id))
    }

    async fn events(&self, query: &EventQuery) -> Result<EventPage, ReadError> {
        self.read(|connection| page::page(connection, query))
    }

    async fn streams(
        &self,
        after: Option<StreamCursor>,
        up_to: Position,
        limit: u32,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        self.read(|connection| read::streams(connection, after, up_to, limit))
    }

    async fn beyond(&self, position: Position) {
        self.known_head.beyond(position).await;
    }

    fn witnessed_by(&self, witness: Arc<dyn RowWitness>) -> bool {
        self.owner.as_ref().is_some_and(|owner| owner.rows.by(witness))
    }

    fn projections(&self) -> &dyn ProjectionStore {
        self
    }

    async fn size(&self) -> Result<StoreSize, ReadError> {
        let size = self.read(read::size)?;
        Ok(StoreSize { wal: connection::wal_size(self.readers.path()), ..size })
    }

    async fn head(&self) -> Result<Head, ReadError> {
        self.read(read::head)
    }

    async fn position_at(&self, moment: Timestamp) -> Result<Position, ReadError> {
        self.read(|connection| read::position_at(connection, moment))
    }

    async fn claim_owner(&self, key: ClaimKey) -> Result<Option<AggregateId>, ReadError> {
        self.read(|connection| read::claim_owner(connection, key))
    }

    async fn claims(
        &self,
        after: Option<ClaimKey>,
        limit: u32,
    ) -> Result<Vec<(ClaimKey, AggregateId)>, ReadError> {
        self.read(|connection| read::claims(connection, after, limit))
    }

    async fn request(&self, key: RequestKey) -> Result<Option<RequestRecord>, ReadError> {
        self.read(|connection| read::request(connection, key))
    }

    async fn prune_requests(
        &self,
        before: Position,
        after: Option<RequestKey>,
        limit: u32,
    ) -> Result<Option<RequestKey>, ReadError> {
        let prune = move |connection: &Connection| {
            read::prune_requests(connection, before, after, limit).map_err(failed)
        };
        self.on_writer(move |writer| writer.work(prune)).await
    }

    async fn select(&self, query: &'static Select, parameters: &[Value]) -> Result<Vec<Row>, ReadError> {
        self.readers.read(|connection| read::select(connection, self.readers.statements(), query, parameters))
    }

    async fn execute(&self, statement: &'static str, parameters: &[Value]) -> Result<u64, ReadError> {
        let parameters = parameters.to_vec();
        let execute = move |connection: &Connection| read::execute(connection, statement, &parameters);
        if self.releases.now().tables().iter().any(|table| statement.contains(table.name)) {
            return self.on_writer(move |writer| writer.work_on_rows(execute)).await;
        }
        self.on_writer(move |writer| writer.work(execute)).await
    }

    fn stats(&self) -> StoreStats {
        StoreStats {
            appends: self.owner.as_ref().map(|owner| owner.queue.stats()),
            readers: self.readers.stats(),
            statements: self.readers.statements().stats(),
        }
    }

    /// A store that is open for reading has none: they are about appends.
    async fn warnings(&self) -> Vec<Warning> {
        let Some(Owner { health, .. }) = &self.owner else { return Vec::new() };
        let look = self.read(|connection| {
            let recorded_at = read::head(connection)?.recorded_at;
            let admitted = open::layout(connection)?.is_some_and(|layout| self.releases.adopt(&layout));
            Ok(Look { clock: self.clock.now(), recorded_at, admitted })
        });
        if let Err(error) = &look {
            warn!(%error, "the store cannot be looked at");
        }
        health.warnings(look.ok())
    }

    fn accept_clock(&self) {
        if let Some(owner) = &self.owner {
            owner.health.accept_clock();
        }
    }

    async fn close(&self) {
        // Readers first: the last connection that closes empties the WAL into the file.
        self.readers.close();
        if let Some(owner) = &self.owner {
            owner.rows.any_changed();
            owner.queue.close().await;
        }
    }
}

impl Drop for Store {
    /// Waits for the writer to let go of the file, so that it can be opened again at once.
    fn drop(&mut self) {
        self.readers.close();
        if let Some(Owner { queue, thread, .. }) = self.owner.take() {
            drop(queue);
            // A writer that panicked has been reported by its thread.
            drop(thread.join());
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("log_id", &self.log_id).finish_non_exhaustive()
    }
}
