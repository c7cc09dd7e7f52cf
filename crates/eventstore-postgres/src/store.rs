//! The store as the rest of the house sees it: put together here, then every call goes on to the part that does it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use eventstore::append_task::{AppendQueue, Health, Look, Releases, run};
use eventstore::{
    AggregateId, Append, AppendError, Appended, ClaimKey, Clock, Deadline, Direction, EventFilter, EventPage,
    EventQuery, EventStore, Head, InlineTable, LogId, Position, ProjectionStore, ReadError, RecordedEvent,
    RequestKey, RequestRecord, Row, Select, StoreSize, StoreStats, StreamCursor, Value, Version, Warning,
};
use jiff::Timestamp;
use tokio::sync::watch;
use tracing::warn;

use crate::connection::Door;
use crate::news::News;
use crate::page::page;
use crate::read::Reader;
use crate::said::Said;
use crate::verdict::erases;
use crate::writer::{Writer, keep};
use crate::{Access, OpenError, Options, inline, open, projection};

/// An owner of projections steps with each, builds one or two beside, and renews her leases meanwhile. A connection is
/// opened when it is needed.
const STEPS_MAX: usize = 6;

/// A log in PostgreSQL.
#[derive(Debug)]
pub struct Store {
    pub(crate) log_id: LogId,
    releases: Arc<Releases>,
    /// `None` in a store that is open for reading.
    queue: Option<AppendQueue<Writer>>,
    pub(crate) reader: Reader,
    /// For the steps of projections, which take longer than a read may, and for whatever else is to last.
    stepping: Reader,
    /// What is known of the head.
    pub(crate) news: News,
    /// The tests'; `None` asks the database for its own.
    pub(crate) clock: Option<Clock>,
    health: Arc<Health>,
}

impl Store {
    /// Opens a store that has been migrated, and begins to serve.
    pub async fn open(options: Options) -> Result<Self, OpenError> {
        options.check()?;
        let mut door = Door::new(&options.url, &options)?;
        let session = door.login().await?;
        let weakened = open::check(&session, &mut door, &options).await?;
        let log_id = open::log_id(&session.client).await?;
        let releases = Arc::new(Releases::new(options.tables, options.earlier));
        // One that this binary does not know turns its appends away, not its reads.
        releases.adopt(&open::layout(&session.client).await?);
        let shown = open::time(&session.client, options.clock.as_ref()).await?;
        let reader = Reader::new(open::pool(&door, door.read_settings(), options.readers)?);
        let stepping = Reader::new(open::pool(&door, door.step_settings(), STEPS_MAX)?);
        let health = Arc::new(Health::new(shown, weakened));
        let clock = options.clock.clone();
        let (notify, channel) = (options.notify, options.schema.clone());
        let queue = match options.access {
            Access::Owner => {
                Some(serve(door.clone(), options.clock, Arc::clone(&releases), Arc::clone(&health)).await?)
            }
            Access::Reader => None,
        };
        let news =
            News::new(door, channel, notify, queue.as_ref().map(|queue| (queue.known_head(), &reader)));
        Ok(Self { log_id, releases, queue, reader, stepping, news, clock, health })
    }

    /// The connections for what commits, and so may wait for a standby: no read of the product waits for these, nor they
    /// for one.
    pub(crate) fn stepping(&self) -> Result<&Reader, ReadError> {
        self.check_access()?;
        Ok(&self.stepping)
    }

    /// That this store may change something.
    pub(crate) fn check_access(&self) -> Result<(), ReadError> {
        match self.queue {
            Some(_) => Ok(()),
            None => Err(ReadError::StoreDown("the store is open for reading".into())),
        }
    }
}

/// Begins to append: one task does it, the other keeps its connection. The first ends with the queue, the second with
/// the first.
async fn serve(
    door: Door,
    clock: Option<Clock>,
    releases: Arc<Releases>,
    health: Arc<Health>,
) -> Result<AppendQueue<Writer>, OpenError> {
    let first = door.append().await?;
    let (sender, current) = watch::channel(None);
    tokio::spawn(keep(door.clone(), first, Arc::clone(&health), sender));
    let writer = Writer::new(door, releases, clock, health, current);
    let (queue, inbox) = AppendQueue::new();
    tokio::spawn(run(writer, inbox));
    Ok(queue)
}

#[async_trait]
impl EventStore for Store {
    fn log_id(&self) -> LogId {
        self.log_id
    }

    async fn append(&self, append: Append, deadline: Deadline) -> Result<Appended, AppendError> {
        inline::check(&append, &self.releases)?;
        let queue = self.queue.as_ref().ok_or(AppendError::StoreDown)?;
        if erases(&append) {
            projection::wait_for_indexes(&self.reader, deadline).await?;
        }
        queue.append(append, deadline).await
    }

    fn writes(&self, table: &'static InlineTable) -> &'static InlineTable {
        self.releases.writes(table)
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
        let known = self.news.known();
        let page = page(&self.reader, query).await?;
        if looks_to_the_end(query, &page) {
            self.news.ended(known, page.scanned_to);
        }
        Ok(page)
    }

    async fn streams(
        &self,
        after: Option<StreamCursor>,
        up_to: Position,
        limit: u32,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        self.reader.streams(after, up_to, limit).await
    }

    async fn beyond(&self, position: Position) {
        self.news.beyond(position).await;
    }

    fn projections(&self) -> &dyn ProjectionStore {
        self
    }

    async fn size(&self) -> Result<StoreSize, ReadError> {
        self.reader.size().await
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
        self.check_access()?;
        self.reader.prune_requests(before, after, limit).await
    }

    async fn select(&self, query: &'static Select, parameters: &[Value]) -> Result<Vec<Row>, ReadError> {
        self.reader.select(query, parameters).await
    }

    async fn execute(&self, statement: &'static str, parameters: &[Value]) -> Result<u64, ReadError> {
        self.stepping()?.execute(statement, parameters).await
    }

    async fn note(&self, statement: &'static str, parameters: &[Value]) -> Result<u64, ReadError> {
        self.check_access()?;
        self.reader.execute(statement, parameters).await
    }

    async fn replay_lag(&self) -> Result<Option<Duration>, ReadError> {
        self.reader.replay_lag().await
    }

    fn stats(&self) -> StoreStats {
        StoreStats {
            appends: self.queue.as_ref().map(AppendQueue::stats),
            readers: self.reader.stats(),
            statements: self.reader.statements().stats(),
        }
    }

    async fn warnings(&self) -> Vec<Warning> {
        let look = self.reader.look(&self.releases).await;
        if let Err(error) = &look {
            warn!(error = %Said::by(error), "the store cannot be looked at");
        }
        let clock = self.clock.as_ref();
        self.health
            .warnings(look.ok().map(|look| Look { clock: clock.map_or(look.clock, Clock::now), ..look }))
    }

    fn accept_clock(&self) {
        self.health.accept_clock();
    }

    async fn close(&self) {
        if let Some(queue) = &self.queue {
            queue.close().await;
        }
        self.news.close();
        self.reader.close();
        self.stepping.close();
    }
}

/// Whether there is nothing behind a page that was read.
fn looks_to_the_end(query: &EventQuery, page: &EventPage) -> bool {
    let EventQuery { up_to, direction, filter, limit, .. } = query;
    let open = up_to.is_none() && *direction == Direction::OldestFirst && *filter == EventFilter::default();
    open && page.events.len() < *limit as usize
}
