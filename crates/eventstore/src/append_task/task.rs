//! The loop: take what waits, commit it, answer.

use std::collections::VecDeque;
use std::fmt;
use std::time::Instant;

use tokio::sync::mpsc;
use tracing::{error, warn};

use super::batch::{Batch, Pending};
use super::queue::Message;
use super::{BatchWriter, CommitError, CommitMode, Verdict};
use crate::AppendError;

/// After a batch that had to be judged, so many are judged at once: conflicts come in bursts, and an optimistic attempt
/// that fails costs more than a verdict.
const JUDGED_AFTER_MISMATCH: u32 = 8;

/// One optimistic, one judged, and some for bad luck: more would hide a defect.
const ATTEMPTS: u32 = 5;

/// Room for what is taken out of the queue and waits for the next batch.
const TAKEN_MAX: usize = 2048;

/// The task's end of the queue.
pub struct Inbox<W>(pub(super) mpsc::Receiver<Message<W>>);

impl<W> fmt::Debug for Inbox<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox").field("waiting", &self.0.len()).finish()
    }
}

/// Appends until the queue is closed and empty.
pub async fn run<W: BatchWriter>(writer: W, inbox: Inbox<W>) {
    let mut task = AppendTask { writer, inbox: inbox.0, waiting: VecDeque::new(), judged_left: 0 };
    while task.gather().await {
        task.commit().await;
    }
}

struct AppendTask<W> {
    writer: W,
    inbox: mpsc::Receiver<Message<W>>,
    waiting: VecDeque<Box<Pending>>,
    judged_left: u32,
}

impl<W: BatchWriter> AppendTask<W> {
    /// Takes everything that waits; waits for the first if there is nothing. False at the end.
    async fn gather(&mut self) -> bool {
        if self.waiting.is_empty() {
            match self.inbox.recv().await {
                Some(message) => self.take(message),
                None => return false,
            }
        }
        while self.waiting.len() < TAKEN_MAX {
            match self.inbox.try_recv() {
                Ok(message) => self.take(message),
                Err(_) => break,
            }
        }
        true
    }

    fn take(&mut self, message: Message<W>) {
        match message {
            Message::Append(pending) => self.waiting.push_back(pending),
            Message::Job(job) => job(&mut self.writer),
            Message::Close => self.inbox.close(),
        }
    }

    async fn commit(&mut self) {
        let batch = Batch::form(&mut self.waiting, Instant::now());
        if batch.appends.is_empty() {
            return;
        }
        match self.attempt(&batch).await {
            Ok(verdicts) => batch.answer(verdicts),
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

    /// Commits optimistically, and judges the batch if that did not match.
    async fn attempt(&mut self, batch: &Batch) -> Result<Vec<Verdict>, CommitError> {
        let mut mode = self.next_mode();
        for _ in 1..ATTEMPTS {
            match self.writer.commit(&batch.appends, mode).await {
                Err(CommitError::Mismatch) => self.judged_left = JUDGED_AFTER_MISMATCH,
                Err(CommitError::Transient(_)) => {}
                settled => return settled,
            }
            mode = CommitMode::Judged;
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
                    let mut again = batch.settle(found);
                    again.append(&mut self.waiting);
                    self.waiting = again;
                    return;
                }
                Err(cause) => warn!(%cause, "an unknown outcome cannot be settled yet"),
            }
        }
    }
}
