//! The loop: take what waits, commit it, answer.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use tokio::select;
use tokio::sync::{mpsc, watch};
use tracing::{error, warn};

use super::batch::{Batch, Pending};
use super::counters::Counters;
use super::hold::{Held, Hold};
use super::known_head::KnownHead;
use super::queue::{Message, WAITING_MAX};
use super::{BatchWriter, CommitError, CommitMode, Verdict};
use crate::{AppendError, Position};

/// After a batch that had to be judged, so many are judged at once: conflicts come in bursts, and an optimistic attempt
/// that fails costs more than a verdict.
const JUDGED_AFTER_MISMATCH: u32 = 8;

/// One optimistic, one judged, and some for bad luck: more would hide a defect.
const ATTEMPTS: u32 = 5;

/// Room for what is taken out of the queue and waits for the next batch.
const TAKEN_MAX: usize = 2048;

/// The task's end of the queue.
pub struct Inbox<W> {
    pub(super) messages: mpsc::Receiver<Message<W>>,
    /// Whoever closes the queue waits until this has gone.
    pub(super) running: watch::Sender<()>,
    pub(super) known_head: KnownHead,
    pub(super) counters: Arc<Counters>,
}

impl<W> fmt::Debug for Inbox<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox").field("waiting", &self.messages.len()).finish_non_exhaustive()
    }
}

/// Appends until the queue is closed and empty.
pub async fn run<W: BatchWriter>(writer: W, inbox: Inbox<W>) {
    let Inbox { messages, running, known_head, counters } = inbox;
    let mut task = AppendTask {
        writer,
        inbox: messages,
        waiting: VecDeque::new(),
        holds: Vec::new(),
        known_head,
        judged_left: 0,
        answered: 0,
        counters,
    };
    while task.gather().await {
        task.wait_for_release().await;
        task.commit().await;
    }
    drop(task);
    drop(running);
}

struct AppendTask<W> {
    writer: W,
    inbox: mpsc::Receiver<Message<W>>,
    waiting: VecDeque<Box<Pending>>,
    /// While there is one, no batch is formed.
    holds: Vec<Held>,
    known_head: KnownHead,
    judged_left: u32,
    /// How many callers were answered last.
    answered: usize,
    counters: Arc<Counters>,
}

impl<W: BatchWriter> AppendTask<W> {
    /// Takes everything that waits; waits for the first if there is nothing. False at the end.
    async fn gather(&mut self) -> bool {
        self.welcome_back().await;
        if self.waiting.is_empty() {
            match self.first().await {
                Some(message) => self.take(message),
                None => return false,
            }
            self.drain();
        }
        self.counters.taken.set(self.waiting.len());
        true
    }

    /// Those who were just answered often come back at once. As long as they do, they are let in: a batch that leaves
    /// without them commits a handful, and they wait for it. Nobody waits for those who do not come.
    async fn welcome_back(&mut self) {
        self.drain();
        let mut waiting = None;
        while self.waiting.len() < self.answered && waiting != Some(self.waiting.len()) {
            waiting = Some(self.waiting.len());
            self.writer.yield_to_callers().await;
            self.drain();
        }
    }

    fn drain(&mut self) {
        while self.waiting.len() < TAKEN_MAX {
            match self.inbox.try_recv() {
                Ok(message) => self.take(message),
                Err(_) => break,
            }
        }
    }

    async fn first(&mut self) -> Option<Message<W>> {
        select! {
            biased;
            message = self.inbox.recv() => message,
            never = self.writer.rest() => match never {},
        }
    }

    fn take(&mut self, message: Message<W>) {
        match message {
            Message::Append(pending) => self.waiting.push_back(pending),
            Message::Job(job) => job(&mut self.writer),
            Message::Hold(reply) => {
                let (hold, ours) = Hold::begin(Instant::now());
                // Whoever no longer waits for it does not hold anything.
                if reply.send(hold).is_ok() {
                    self.holds.push(ours);
                }
            }
            Message::Close => self.inbox.close(),
        }
    }

    /// While appends are held back, they wait here, and jobs are done. Those that are too many are shed, so that the
    /// jobs behind them are reached.
    async fn wait_for_release(&mut self) {
        while let Some(mut hold) = self.holds.pop() {
            let message = select! {
                biased;
                () = hold.ended() => continue,
                message = self.inbox.recv() => message,
                never = self.writer.rest() => match never {},
            };
            // A queue that is closed waits for nobody.
            let Some(message) = message else { return self.holds.clear() };
            self.holds.push(hold);
            match message {
                Message::Append(pending) if self.waiting.len() >= WAITING_MAX => pending.shed(),
                message => self.take(message),
            }
            self.counters.taken.set(self.waiting.len());
        }
    }

    async fn commit(&mut self) {
        let batch = Batch::form(&mut self.waiting, Instant::now());
        self.answered = batch.appends.len();
        self.counters.taken.set(self.waiting.len());
        if batch.appends.is_empty() {
            return;
        }
        let begun = Instant::now();
        let result = self.attempt(&batch).await;
        self.counters.batch(&batch.appends, begun.elapsed(), &result);
        match result {
            Ok(verdicts) => {
                self.saw(verdicts.iter().filter_map(|verdict| match verdict {
                    Verdict::Appended(appended) => Some(appended.position),
                    Verdict::Rejected(_) => None,
                }));
                batch.answer(verdicts);
            }
            Err(CommitError::Refused(refusal)) => batch.fail(|| refusal.into()),
            Err(CommitError::Unknown(cause)) => {
                warn!(appends = batch.appends.len(), %cause, "an append's outcome is unknown");
                self.settle(batch).await;
            }
            Err(CommitError::NotExecuted(cause) | CommitError::Transient(cause)) => {
                warn!(appends = batch.appends.len(), %cause, "appends were not executed");
                batch.fail(|| AppendError::StoreDown);
            }
            Err(CommitError::Mismatch) => {
                error!("a judged batch did not match: the store contradicts itself");
                batch.fail(|| AppendError::StoreDown);
            }
        }
        self.writer.yield_to_callers().await;
    }

    /// Readers who wait for more of the log are told before the callers: they may be the same.
    fn saw(&self, positions: impl Iterator<Item = Position>) {
        if let Some(position) = positions.max() {
            self.known_head.saw(position);
        }
    }

    /// Commits optimistically, and judges the batch if that did not match.
    async fn attempt(&mut self, batch: &Batch) -> Result<Vec<Verdict>, CommitError> {
        let mut mode = self.next_mode();
        for _ in 1..ATTEMPTS {
            match self.once(batch, mode).await {
                Err(CommitError::Mismatch) => {
                    self.counters.mismatches.add(1);
                    self.judged_left = JUDGED_AFTER_MISMATCH;
                }
                Err(CommitError::Transient(_)) => self.counters.transients.add(1),
                settled => return settled,
            }
            mode = CommitMode::Judged;
        }
        self.once(batch, mode).await
    }

    async fn once(&mut self, batch: &Batch, mode: CommitMode) -> Result<Vec<Verdict>, CommitError> {
        if mode == CommitMode::Judged {
            self.counters.judged.add(1);
        }
        self.writer.commit(&batch.appends, mode).await
    }

    fn next_mode(&mut self) -> CommitMode {
        if self.judged_left == 0 {
            return CommitMode::Optimistic;
        }
        self.judged_left -= 1;
        CommitMode::Judged
    }

    /// Looks until it is known what became of the batch, or nobody waits for it any more. Callers whose deadline
    /// passes meanwhile have told themselves that the outcome is unknown.
    async fn settle(&mut self, batch: Batch) {
        while batch.is_awaited(Instant::now()) {
            match self.writer.settle(&batch.appends).await {
                Ok(found) => {
                    self.counters.settled(&batch.appends, &found);
                    self.saw(found.iter().flatten().map(|appended| appended.position));
                    let mut again = batch.settle(found);
                    again.append(&mut self.waiting);
                    self.waiting = again;
                    return;
                }
                Err(cause) => {
                    self.counters.settle_failures.add(1);
                    warn!(%cause, "an unknown outcome cannot be settled yet");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use uuid::Uuid;

    use super::super::AppendQueue;
    use super::*;
    use crate::{AggregateId, Append, Appended, BoxError, ClaimChanges, Deadline, Metadata, NewRequest};
    use crate::{Fingerprint, RequestKey, Version};

    /// Counts what was appended; somebody else learns of it when the writer goes.
    struct Counting {
        appended: u32,
        gone: Arc<AtomicU32>,
    }

    impl Drop for Counting {
        fn drop(&mut self) {
            self.gone.store(self.appended, Ordering::Release);
        }
    }

    impl BatchWriter for Counting {
        async fn commit(&mut self, batch: &[Append], _: CommitMode) -> Result<Vec<Verdict>, CommitError> {
            // Somebody else runs in the middle of it.
            tokio::task::yield_now().await;
            let verdict = |append: &Append| {
                self.appended += 1;
                let position = Position(self.appended.into());
                let recorded_at = jiff::Timestamp::UNIX_EPOCH;
                Verdict::Appended(Appended { position, version: append.expected, recorded_at })
            };
            Ok(batch.iter().map(verdict).collect())
        }

        async fn settle(&mut self, _: &[Append]) -> Result<Vec<Option<Appended>>, BoxError> {
            Ok(Vec::new())
        }

        async fn yield_to_callers(&mut self) {}
    }

    fn append(n: u128) -> Append {
        let (key, fingerprint) = (RequestKey(Uuid::from_u128(n)), Fingerprint(Uuid::from_u128(n)));
        Append {
            aggregate_type: "document",
            aggregate_id: AggregateId(Uuid::from_u128(1)),
            expected: Version::NONE,
            events: Vec::new(),
            metadata: Metadata::default(),
            claims: ClaimChanges::default(),
            rows: Vec::new(),
            request: Some(NewRequest { key, fingerprint }),
            derived: crate::Derived::Kept,
        }
    }

    #[tokio::test]
    async fn a_queue_is_closed_when_what_waits_is_written_and_the_writer_has_gone() {
        let gone = Arc::new(AtomicU32::new(0));
        let (queue, inbox) = AppendQueue::new();
        let deadline = Deadline(Instant::now() + Duration::from_mins(1));
        // On one stream: each waits for the batch before it.
        let callers = (1..=5).map(|n| {
            let queue = queue.clone();
            tokio::spawn(async move { queue.append(append(n), deadline).await })
        });
        let callers: Vec<_> = callers.collect();
        tokio::task::yield_now().await;
        tokio::spawn(run(Counting { appended: 0, gone: Arc::clone(&gone) }, inbox));
        queue.close().await;
        assert_eq!(gone.load(Ordering::Acquire), 5);
        queue.close().await;
        for caller in callers {
            caller.await.unwrap().unwrap();
        }
        assert!(matches!(queue.append(append(9), deadline).await, Err(AppendError::StoreDown)));
    }

    #[tokio::test]
    async fn held_appends_are_shed_before_they_keep_a_job_from_its_turn() {
        let (queue, inbox) = AppendQueue::new();
        let gone = Arc::new(AtomicU32::new(0));
        tokio::spawn(run(Counting { appended: 0, gone }, inbox));
        let hold = queue.hold().await.unwrap();
        let deadline = Deadline(Instant::now() + Duration::from_mins(1));
        let too_many = u128::try_from(WAITING_MAX).unwrap() + 100;
        let callers = (0..too_many).map(|n| {
            let queue = queue.clone();
            let append = Append { aggregate_id: AggregateId(Uuid::from_u128(n)), ..append(n) };
            tokio::spawn(async move { queue.append(append, deadline).await })
        });
        let callers: Vec<_> = callers.collect();
        tokio::task::yield_now().await;
        let appended = loop {
            // The channel itself may be full for a moment.
            if let Ok(appended) = queue.run_job(|writer| writer.appended).await {
                break appended;
            }
            tokio::task::yield_now().await;
        };
        assert_eq!(appended, 0, "nothing is appended while it is held");
        drop(hold);
        let mut shed = 0;
        for caller in callers {
            match caller.await.unwrap() {
                Ok(_) => {}
                Err(AppendError::Overloaded) => shed += 1,
                Err(other) => panic!("neither taken nor shed: {other}"),
            }
        }
        assert!(shed > 0, "there were too many");
        queue.close().await;
    }
}
