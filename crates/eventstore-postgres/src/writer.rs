//! The writer that the append task drives: one connection of its own, and the rules for when it fails.

use std::sync::Arc;
use std::time::Duration;

use eventstore::append_task::{BatchWriter, CommitError, CommitMode, Health, Layout, Releases, Verdict};
use eventstore::{Append, Appended, BoxError, Clock, WriterRefusal};
use futures_util::future::join3;
use tokio::sync::watch;
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};
use tracing::warn;

use crate::append::{Held, Moved, Recent, Statements, Times, WRITER, failed, not_begun};
use crate::connection::{Backend, Door, Session};
use crate::said::Said;
use crate::settle::settle;
use crate::verdict::{Judge, Sorted, erases};

/// How long a batch waits for a connection that is being opened again. Longer, and callers would learn from their
/// deadlines that the store is down.
const CONNECTION_PATIENCE: Duration = Duration::from_secs(1);

/// Between two attempts to reach a database that does not answer.
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// Whoever holds the appends has this lock to herself.
const PASS: &str = "SELECT pg_advisory_xact_lock_shared(hashtextextended('hold of ' || current_schema(), 0))";

/// What the log says about its writers.
const ADMITS: &str = "SELECT writer_floor <= $1, layout FROM log_meta WHERE only_row = 1";

/// The connection for appends that is open now, if there is one.
pub(crate) type Current = watch::Receiver<Option<Arc<Session>>>;

/// Keeps a connection for appends open until the writer has gone.
pub(crate) async fn keep(
    door: Door,
    first: Session,
    health: Arc<Health>,
    current: watch::Sender<Option<Arc<Session>>>,
) {
    let mut next = Some(first);
    while let Some(session) = next {
        let session = Arc::new(session);
        current.send_replace(Some(Arc::clone(&session)));
        tokio::select! {
            () = session.ended() => {}
            () = current.closed() => return,
        }
        current.send_replace(None);
        next = reconnect(&door, &health, &current).await;
    }
}

/// A new connection, however long it takes; `None` if nobody needs it any more.
async fn reconnect(
    door: &Door,
    health: &Health,
    current: &watch::Sender<Option<Arc<Session>>>,
) -> Option<Session> {
    let mut pause = PAUSE_MIN;
    while !current.is_closed() {
        match door.append().await {
            Ok(session) => {
                health.reached(true);
                return Some(session);
            }
            Err(error) => {
                let error = Said::by(&error);
                warn!(%error, "the database cannot be reached for appends");
                health.reached(false);
                sleep(pause).await;
                pause = PAUSE_MAX.min(pause * 2);
            }
        }
    }
    None
}

/// Waits until nobody holds the appends any more, outside of any transaction. Then the batch can be tried again.
async fn wait_while_held<T>(session: &Session) -> Result<T, CommitError> {
    match session.client.batch_execute(PASS).await {
        Ok(()) => Err(CommitError::Transient(Box::new(Held))),
        Err(error) => Err(not_begun(error)),
    }
}

/// What commits batches.
#[derive(Debug)]
pub(crate) struct Writer {
    door: Door,
    releases: Arc<Releases>,
    /// The tests'; `None` asks the database for its own.
    clock: Option<Clock>,
    health: Arc<Health>,
    current: Current,
    prepared: Option<Prepared>,
    /// The backend whose answer was lost, until the question is settled.
    lost: Option<Backend>,
    pause: Duration,
}

/// A connection, and everything that goes with it: also what was seen through it. All of it for one layout.
#[derive(Debug)]
struct Prepared {
    session: Arc<Session>,
    layout: Arc<Layout>,
    statements: Statements,
    judge: Judge,
    recent: Recent,
}

impl BatchWriter for Writer {
    async fn commit(&mut self, batch: &[Append], mode: CommitMode) -> Result<Vec<Verdict>, CommitError> {
        let mut prepared = self.connection().await?;
        let session = Arc::clone(&prepared.session);
        session.take_warning();
        // That nothing changes is true at the head only: no constraint would notice that the stream has moved on. And
        // what projections hold is erased by a statement of its own, which sees what they have committed.
        let needs_lock = |append: &Append| append.events.is_empty() || erases(append);
        let judged = mode == CommitMode::Judged || batch.iter().any(needs_lock);
        let result = if judged {
            self.judged(&mut prepared, batch).await
        } else {
            self.optimistic(&mut prepared, batch).await
        };
        let result = match result {
            Ok(_) if session.take_warning() => {
                Err(CommitError::Unknown("the server warned during the commit".into()))
            }
            result => result,
        };
        let result = match result {
            Err(CommitError::NotExecuted(cause)) if cause.is::<Held>() => wait_while_held(&session).await,
            Err(CommitError::Refused(WriterRefusal::TooOld)) => self.look_again(&session).await,
            result => result,
        };
        self.note(&mut prepared, batch, &result);
        self.prepared = Some(prepared);
        result
    }

    async fn settle(&mut self, batch: &[Append]) -> Result<Vec<Option<Appended>>, BoxError> {
        match settle(&self.door, self.lost, batch).await {
            Ok(found) => {
                self.lost = None;
                self.pause = PAUSE_MIN;
                Ok(found)
            }
            Err(error) => {
                sleep(self.pause).await;
                self.pause = PAUSE_MAX.min(self.pause * 2);
                Err(error.into())
            }
        }
    }

    /// Twice: once for the callers, once for whoever they hand their result to.
    async fn yield_to_callers(&mut self) {
        yield_now().await;
        yield_now().await;
    }
}

impl Writer {
    pub(crate) fn new(
        door: Door,
        releases: Arc<Releases>,
        clock: Option<Clock>,
        health: Arc<Health>,
        current: Current,
    ) -> Self {
        Self { door, releases, clock, health, current, prepared: None, lost: None, pause: PAUSE_MIN }
    }

    /// The open connection, with what goes with it; waits a little if it is being opened again.
    async fn connection(&mut self) -> Result<Prepared, CommitError> {
        let layout = self.releases.now();
        let serves =
            |prepared: &mut Prepared| prepared.session.is_open() && Arc::ptr_eq(&prepared.layout, &layout);
        if let Some(prepared) = self.prepared.take_if(serves) {
            return Ok(prepared);
        }
        self.prepared = None;
        let session = self.session().await.map_err(CommitError::NotExecuted)?;
        let prepared = timeout(self.door.patience(), Judge::prepare(&session.client, layout.tables()));
        let Ok(judge) = prepared.await else {
            session.cut();
            return Err(CommitError::NotExecuted(Said::nothing(self.door.patience()).into()));
        };
        let judge = judge.map_err(not_begun)?;
        let (statements, recent) = (Statements::default(), Recent::default());
        Ok(Prepared { session, layout, statements, judge, recent })
    }

    /// The log takes other writers than this one was. If it can be one of those, the batch is tried again as such, and
    /// rows of the layout before are refused.
    async fn look_again<T>(&self, session: &Session) -> Result<T, CommitError> {
        let row = session.client.query_one(ADMITS, &[&WRITER]).await.map_err(not_begun)?;
        let admitted: bool = row.try_get(0).map_err(not_begun)?;
        let stored: String = row.try_get(1).map_err(not_begun)?;
        if admitted && self.releases.adopt(&stored) {
            return Err(CommitError::Transient(Box::new(Moved)));
        }
        Err(CommitError::Refused(WriterRefusal::TooOld))
    }

    async fn session(&mut self) -> Result<Arc<Session>, BoxError> {
        let open = |session: &Option<Arc<Session>>| session.as_ref().is_some_and(|session| session.is_open());
        let session = timeout(CONNECTION_PATIENCE, self.current.wait_for(open)).await??.clone();
        session.ok_or_else(|| "there is no connection".into())
    }

    /// One statement, one message; its end is its commit. Before it, a look at what looks as if it would be refused.
    async fn optimistic(
        &mut self,
        prepared: &mut Prepared,
        batch: &[Append],
    ) -> Result<Vec<Verdict>, CommitError> {
        let Prepared { session, layout, statements, judge, recent } = prepared;
        let client = &session.client;
        let is_doubtful = |append: &Append| layout.holds(append) && recent.doubts(append);
        let doubtful: Vec<_> = batch.iter().filter(|append| is_doubtful(append)).collect();
        let sorted = if doubtful.is_empty() {
            Sorted::new(batch, layout, |_| None)
        } else {
            let found = judge.look(client, &doubtful).await.map_err(not_begun)?;
            Sorted::new(batch, layout, |append| recent.doubts(append).then(|| found.judge(append))?)
        };
        if sorted.good.is_empty() {
            return Ok(sorted.verdicts([]));
        }
        let good = sorted.good.iter().copied();
        let ready = statements.ready(client, layout, good.clone()).await.map_err(not_begun)?;
        let times = self.times();
        let written = ready.write(client, layout, times).await?;
        self.health.saw(written.shown);
        let appended = written.appended(good);
        Ok(sorted.verdicts(appended))
    }

    /// Two round trips: begin, lock and look; then write what passes, and commit.
    async fn judged(
        &mut self,
        prepared: &mut Prepared,
        batch: &[Append],
    ) -> Result<Vec<Verdict>, CommitError> {
        let result = self.judged_in_transaction(prepared, batch).await;
        if !matches!(&result, Ok(verdicts) if verdicts.iter().any(|verdict| matches!(verdict, Verdict::Appended(_))))
        {
            // Where the transaction has ended already this does nothing; where the connection has, nothing can.
            drop(prepared.session.client.batch_execute("ROLLBACK").await);
        }
        result
    }

    async fn judged_in_transaction(
        &mut self,
        prepared: &mut Prepared,
        batch: &[Append],
    ) -> Result<Vec<Verdict>, CommitError> {
        let Prepared { session, layout, statements, judge, .. } = prepared;
        let client = &session.client;
        let all: Vec<_> = batch.iter().collect();
        let found = judge.look_locked(client, &all).await.map_err(not_begun)?;
        let sorted = Sorted::new(batch, layout, |append| found.judge(append));
        if sorted.good.is_empty() {
            return Ok(sorted.verdicts([]));
        }
        let good = sorted.good.iter().copied();
        let ready = statements.ready(client, layout, good.clone()).await.map_err(not_begun)?;
        let times = self.times();
        // Sent together, in this order. After a statement that failed the COMMIT rolls back.
        let write = ready.write(client, layout, times);
        let erase = judge.erase(client, &sorted.good);
        let (written, erased, committed) = join3(write, erase, client.batch_execute("COMMIT")).await;
        let written = written?;
        erased.map_err(failed)?;
        committed.map_err(failed)?;
        self.health.saw(written.shown);
        let appended = written.appended(good);
        Ok(sorted.verdicts(appended))
    }

    fn times(&self) -> Times {
        Times { clock: self.clock.as_ref().map(Clock::now), latest: self.health.latest_believed() }
    }

    /// Remembers what a batch taught, and draws the consequences of a failure.
    fn note(
        &mut self,
        prepared: &mut Prepared,
        batch: &[Append],
        result: &Result<Vec<Verdict>, CommitError>,
    ) {
        match result {
            Ok(verdicts) => batch.iter().zip(verdicts).for_each(|(append, verdict)| match verdict {
                Verdict::Appended(_) => prepared.recent.took(append),
                Verdict::Rejected(rejection) => prepared.recent.refused(append, *rejection),
            }),
            Err(CommitError::Unknown(_)) => {
                self.lost = Some(prepared.session.backend);
                prepared.session.cut();
            }
            Err(
                CommitError::Mismatch
                | CommitError::Transient(_)
                | CommitError::NotExecuted(_)
                | CommitError::Refused(_),
            ) => {}
        }
    }
}
