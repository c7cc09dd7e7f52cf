//! The store as the rest of the house sees it: put together here, then every call goes on to the part that does it.

use std::sync::Arc;

use async_trait::async_trait;
use eventstore::append_task::{AppendQueue, Health, Look, run};
use eventstore::{
    AggregateId, Append, AppendError, Appended, ClaimKey, Clock, Deadline, EventPage, EventQuery, EventStore,
    Head, InlineTable, LogId, Position, ReadError, RecordedEvent, RequestKey, RequestRecord, Row, Select,
    Value, Version, Warning,
};
use jiff::Timestamp;
use tokio::sync::watch;
use tracing::warn;

use crate::append::Declared;
use crate::connection::Door;
use crate::read::Reader;
use crate::writer::{Writer, keep};
use crate::{OpenError, Options, inline, open};

/// A log in PostgreSQL.
#[derive(Debug)]
pub struct Store {
    log_id: LogId,
    tables: &'static [&'static InlineTable],
    queue: AppendQueue<Writer>,
    reader: Reader,
    /// The tests'; `None` asks the database for its own.
    clock: Option<Clock>,
    health: Arc<Health>,
}

impl Store {
    /// Opens a store that has been migrated, and begins to serve.
    pub async fn open(options: Options) -> Result<Self, OpenError> {
        options.check()?;
        let mut door = Door::new(&options.url, &options)?;
        let session = door.login().await?;
        let weakened = open::check(&session.client, &mut door, &options).await?;
        let log_id = open::log_id(&session.client).await?;
        let shown = open::time(&session.client, options.clock.as_ref()).await?;
        let reader = Reader::new(open::pool(&door, options.readers)?);
        let health = Arc::new(Health::new(shown, weakened));
        let first = door.append().await?;

        // One task appends, the other keeps its connection. The first ends with the queue, the second with the first.
        let (sender, current) = watch::channel(None);
        tokio::spawn(keep(door.clone(), first, Arc::clone(&health), sender));
        let declared = Declared { tables: options.tables, layout: InlineTable::layout(options.tables) };
        let clock = options.clock;
        let writer = Writer::new(door, declared, clock.clone(), Arc::clone(&health), current);
        let (queue, inbox) = AppendQueue::new();
        tokio::spawn(run(writer, inbox));
        Ok(Self { log_id, tables: options.tables, queue, reader, clock, health })
    }
}

#[async_trait]
impl EventStore for Store {
    fn log_id(&self) -> LogId {
        self.log_id
    }

    async fn append(&self, append: Append, deadline: Deadline) -> Result<Appended, AppendError> {
        inline::check(&append, self.tables)?;
        self.queue.append(append, deadline).await
    }

    async fn stream(
        &self,
        aggregate_id: AggregateId,
        after: Version,
        limit: u32,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        self.reader.stream(aggregate_id, after, limit).await
    }

    async fn stream_head(&self, aggregate_id: AggregateId) -> Result<Option<RecordedEvent>, ReadError> {
        self.reader.stream_head(aggregate_id).await
    }

    async fn events(&self, query: &EventQuery) -> Result<EventPage, ReadError> {
        self.reader.events(query).await
    }

    async fn head(&self) -> Result<Head, ReadError> {
        self.reader.head().await
    }

    async fn position_at(&self, moment: Timestamp) -> Result<Position, ReadError> {
        self.reader.position_at(moment).await
    }

    async fn claim_owner(&self, key: ClaimKey) -> Result<Option<AggregateId>, ReadError> {
        self.reader.claim_owner(key).await
    }

    async fn claims(
        &self,
        after: Option<ClaimKey>,
        limit: u32,
    ) -> Result<Vec<(ClaimKey, AggregateId)>, ReadError> {
        self.reader.claims(after, limit).await
    }

    async fn request(&self, key: RequestKey) -> Result<Option<RequestRecord>, ReadError> {
        self.reader.request(key).await
    }

    async fn prune_requests(
        &self,
        before: Position,
        after: Option<RequestKey>,
        limit: u32,
    ) -> Result<Option<RequestKey>, ReadError> {
        self.reader.prune_requests(before, after, limit).await
    }

    async fn select(&self, query: &'static Select, parameters: &[Value]) -> Result<Vec<Row>, ReadError> {
        self.reader.select(query, parameters).await
    }

    async fn execute(&self, statement: &'static str, parameters: &[Value]) -> Result<u64, ReadError> {
        self.reader.execute(statement, parameters).await
    }

    async fn warnings(&self) -> Vec<Warning> {
        let look = self.reader.look(&InlineTable::layout(self.tables)).await;
        if let Err(error) = &look {
            warn!(%error, "the store cannot be looked at");
        }
        let clock = self.clock.as_ref();
        self.health
            .warnings(look.ok().map(|look| Look { clock: clock.map_or(look.clock, Clock::now), ..look }))
    }

    fn accept_clock(&self) {
        self.health.accept_clock();
    }

    async fn close(&self) {
        self.queue.close().await;
        self.reader.close();
    }
}
