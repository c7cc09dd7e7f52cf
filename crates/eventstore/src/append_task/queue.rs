//! The caller's end of the append task: a bounded queue, and a wait that ends by the deadline.
//!
//! What a caller is told when time runs out depends on whether its batch had been formed: before, the append is
//! definitely not executed; after, nobody can tell.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout_at;
use tracing::instrument;

use super::batch::Pending;
use super::counters::Counters;
use super::hold::Hold;
use super::known_head::KnownHead;
use super::task::Inbox;
use crate::{Append, AppendError, AppendOutcome, AppendStats, Appended, Deadline};

/// How many appends may wait. At the slowest rate we measured (one commit each) this is about a second of work; more
/// would only wait for their deadlines.
pub(super) const WAITING_MAX: usize = 4096;

/// Hands appends to the append task. Cheap to clone.
pub struct AppendQueue<W> {
    sender: mpsc::Sender<Message<W>>,
    /// Its sender goes after the writer.
    ended: watch::Receiver<()>,
    known_head: KnownHead,
    counters: Arc<Counters>,
}

/// Work that needs the writer itself, done between two batches.
pub(super) type Job<W> = Box<dyn FnOnce(&mut W) + Send>;

pub(super) enum Message<W> {
    Append(Box<Pending>),
    Job(Job<W>),
    Hold(oneshot::Sender<Hold>),
    Close,
}

impl<W> AppendQueue<W> {
    /// A queue, and the end of it that the append task reads.
    #[must_use]
    pub fn new() -> (Self, Inbox<W>) {
        let (sender, messages) = mpsc::channel(WAITING_MAX);
        let (running, ended) = watch::channel(());
        let (known_head, counters) = (KnownHead::default(), Arc::<Counters>::default());
        let inbox =
            Inbox { messages, running, known_head: known_head.clone(), counters: Arc::clone(&counters) };
        (Self { sender, ended, known_head, counters }, inbox)
    }

    /// Appends, and waits for the answer until the deadline.
    #[instrument(name = "log.events.append", level = "debug", skip_all, fields(aggregate_id = %append.aggregate_id))]
    pub async fn append(&self, append: Append, deadline: Deadline) -> Result<Appended, AppendError> {
        let mut ending = Ending { counters: &self.counters, outcome: AppendOutcome::Abandoned };
        let answer = self.answered(append, deadline).await;
        ending.outcome = AppendOutcome::of(&answer);
        answer
    }

    async fn answered(&self, append: Append, deadline: Deadline) -> Result<Appended, AppendError> {
        append.check()?;
        let (reply, mut answer) = oneshot::channel();
        let stage = Arc::new(Stage::default());
        let pending = Box::new(Pending { append, deadline, reply, stage: Arc::clone(&stage) });
        self.send(Message::Append(pending))?;
        match timeout_at(deadline.0.into(), &mut answer).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) if stage.give_up() => Err(AppendError::StoreDown),
            Err(_) if stage.give_up() => Err(AppendError::DeadlineBeforeStart),
            Ok(Err(_)) => Err(AppendError::OutcomeUnknown),
            Err(_) => answer.try_recv().unwrap_or(Err(AppendError::OutcomeUnknown)),
        }
    }

    /// What has been counted so far, and how many wait.
    #[must_use]
    pub fn stats(&self) -> AppendStats {
        let queued = self.sender.max_capacity() - self.sender.capacity();
        self.counters.stats(queued, self.sender.max_capacity())
    }

    /// Runs a job on the writer, between two batches.
    pub async fn run_job<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut W) -> T + Send + 'static,
    ) -> Result<T, AppendError> {
        let (reply, answer) = oneshot::channel();
        self.send(Message::Job(Box::new(move |writer| {
            // Nobody listens any more: the work is done all the same.
            drop(reply.send(job(writer)));
        })))?;
        answer.await.map_err(|_| AppendError::StoreDown)
    }

    /// Keeps appends waiting while the answer lives, or for about five seconds. Jobs are done all the same.
    pub async fn hold(&self) -> Result<Hold, AppendError> {
        let (reply, held) = oneshot::channel();
        self.send(Message::Hold(reply))?;
        held.await.map_err(|_| AppendError::StoreDown)
    }

    /// How far the log goes, by what has been appended through this queue and by what its owner has seen.
    #[must_use]
    pub fn known_head(&self) -> &KnownHead {
        &self.known_head
    }

    /// Lets the append task finish what waits, and returns when it has let go of its writer. So does a second call.
    pub async fn close(&self) {
        // Where nobody takes the message any more, somebody has closed the queue before.
        drop(self.sender.send(Message::Close).await);
        let mut ended = self.ended.clone();
        while ended.changed().await.is_ok() {}
    }

    fn send(&self, message: Message<W>) -> Result<(), AppendError> {
        self.sender.try_send(message).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => AppendError::Overloaded,
            mpsc::error::TrySendError::Closed(_) => AppendError::StoreDown,
        })
    }
}

impl<W> Clone for AppendQueue<W> {
    fn clone(&self) -> Self {
        Self {
            sender: self.sender.clone(),
            ended: self.ended.clone(),
            known_head: self.known_head.clone(),
            counters: Arc::clone(&self.counters),
        }
    }
}

impl<W> fmt::Debug for AppendQueue<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppendQueue").field("free", &self.sender.capacity()).finish_non_exhaustive()
    }
}

/// Counts an append when it ends, also if that is because its caller has gone.
struct Ending<'a> {
    counters: &'a Counters,
    outcome: AppendOutcome,
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.counters.ended(self.outcome);
    }
}

/// Whether an append still waits, is part of a batch, or has been given up by its caller. Caller and task agree on it
/// by compare-and-set, so that exactly one of "not executed" and "unknown" is true.
#[derive(Default)]
pub(super) struct Stage(AtomicU8);

const WAITING: u8 = 0;
const BEGUN: u8 = 1;
const GIVEN_UP: u8 = 2;

impl Stage {
    /// The task puts it into a batch; false if its caller is gone.
    pub(super) fn begin(&self) -> bool {
        self.step(WAITING, BEGUN)
    }

    /// The task knows that it did not take place, and will try again.
    pub(super) fn wait_again(&self) {
        self.step(BEGUN, WAITING);
    }

    /// The caller stops waiting; false if it is too late to say that nothing happened.
    fn give_up(&self) -> bool {
        self.step(WAITING, GIVEN_UP)
    }

    fn step(&self, from: u8, to: u8) -> bool {
        self.0.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}
