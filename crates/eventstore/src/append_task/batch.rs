//! Which of the waiting appends go together: pure bookkeeping, without a store.
//!
//! Within a batch no stream, claim or request id occurs twice. Order is kept: what waits for an earlier append keeps
//! its own followers waiting too.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::oneshot;

use super::Verdict;
use super::queue::Stage;
use crate::{AggregateId, Append, AppendError, Appended, ClaimKey, Deadline, RequestKey};

/// More would only make the first of them wait longer: the rate is flat from here on.
const BATCH_MAX: usize = 1024;

/// An append and its caller.
pub(super) struct Pending {
    pub(super) append: Append,
    pub(super) deadline: Deadline,
    pub(super) reply: oneshot::Sender<Result<Appended, AppendError>>,
    pub(super) stage: Arc<Stage>,
}

/// Appends that are committed together, and their callers in the same order.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) appends: Vec<Append>,
    callers: Vec<Caller>,
}

struct Caller {
    deadline: Deadline,
    reply: oneshot::Sender<Result<Appended, AppendError>>,
    stage: Arc<Stage>,
}

impl Batch {
    /// Takes what fits together out of what waits. An append whose deadline has passed, or whose caller has gone, is
    /// dropped here: it has not been executed.
    pub(super) fn form(waiting: &mut VecDeque<Box<Pending>>, now: Instant) -> Self {
        let mut batch = Self::default();
        let mut touched = Touched::default();
        let mut later = VecDeque::new();
        while let Some(pending) = waiting.pop_front() {
            if batch.appends.len() == BATCH_MAX {
                later.push_back(pending);
                break;
            }
            if pending.reply.is_closed() {
                continue;
            }
            if !touched.add(&pending.append) {
                later.push_back(pending);
            } else if pending.deadline.0 <= now {
                drop(pending.reply.send(Err(AppendError::DeadlineBeforeStart)));
            } else if pending.stage.begin() {
                batch.push(*pending);
            }
        }
        later.append(waiting);
        *waiting = later;
        batch
    }

    fn push(&mut self, pending: Pending) {
        self.appends.push(pending.append);
        self.callers.push(Caller { deadline: pending.deadline, reply: pending.reply, stage: pending.stage });
    }

    /// Whether anybody still wants to know.
    pub(super) fn is_awaited(&self, now: Instant) -> bool {
        self.callers.iter().any(|caller| caller.deadline.0 > now && !caller.reply.is_closed())
    }

    /// Tells each caller its verdict.
    pub(super) fn answer(self, verdicts: Vec<Verdict>) {
        debug_assert_eq!(verdicts.len(), self.callers.len(), "a verdict for each append");
        for (caller, verdict) in self.callers.into_iter().zip(verdicts) {
            // A caller that has gone does not need its answer.
            drop(caller.reply.send(match verdict {
                Verdict::Appended(appended) => Ok(appended),
                Verdict::Rejected(rejection) => Err(rejection.into()),
            }));
        }
    }

    /// Tells every caller the same.
    pub(super) fn fail(self, error: impl Fn() -> AppendError) {
        for caller in self.callers {
            drop(caller.reply.send(Err(error())));
        }
    }

    /// Tells those whose append took place, and gives back the others: they wait again, in front.
    pub(super) fn settle(self, found: Vec<Option<Appended>>) -> VecDeque<Box<Pending>> {
        let mut again = VecDeque::new();
        for ((append, caller), found) in self.appends.into_iter().zip(self.callers).zip(found) {
            let Caller { deadline, reply, stage } = caller;
            if let Some(appended) = found {
                drop(reply.send(Ok(appended)));
            } else {
                stage.wait_again();
                again.push_back(Box::new(Pending { append, deadline, reply, stage }));
            }
        }
        again
    }
}

/// Everything that the appends looked at so far touch.
#[derive(Default)]
struct Touched {
    streams: HashSet<AggregateId>,
    claims: HashSet<ClaimKey>,
    requests: HashSet<RequestKey>,
}

impl Touched {
    /// Whether nothing that the append touches had been touched; it has been now.
    fn add(&mut self, append: &Append) -> bool {
        let mut fresh = self.streams.insert(append.aggregate_id);
        for key in append.claims.keys() {
            fresh &= self.claims.insert(key);
        }
        if let Some(request) = append.request {
            fresh &= self.requests.insert(request.key);
        }
        fresh
    }
}
