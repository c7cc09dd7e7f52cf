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

impl Pending {
    /// There are too many: it has not been executed.
    pub(super) fn shed(self) {
        if self.stage.begin() {
            drop(self.reply.send(Err(AppendError::Overloaded)));
        }
    }
}

/// Appends that are committed together, and their callers in the same order.
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
    /// dropped here: it has not been executed. The first of those that wait is always taken or dropped, so whoever
    /// forms batches until nothing waits comes to an end.
    pub(super) fn form(waiting: &mut VecDeque<Box<Pending>>, now: Instant) -> Self {
        let likely = waiting.len().min(BATCH_MAX);
        let mut batch = Self { appends: Vec::with_capacity(likely), callers: Vec::with_capacity(likely) };
        let mut touched = Touched::with_room_for(likely);
        let mut later = VecDeque::new();
        while let Some(pending) = waiting.pop_front() {
            if batch.appends.len() == BATCH_MAX {
                later.push_back(pending);
                break;
            }
            if pending.reply.is_closed() {
                continue;
            }
            if pending.deadline.0 <= now {
                drop(pending.reply.send(Err(AppendError::DeadlineBeforeStart)));
            } else if !touched.add(&pending.append) {
                later.push_back(pending);
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
struct Touched {
    streams: HashSet<AggregateId>,
    claims: HashSet<ClaimKey>,
    requests: HashSet<RequestKey>,
}

impl Touched {
    /// Each append touches a stream; most have a request id, some a claim.
    fn with_room_for(appends: usize) -> Self {
        Self {
            streams: HashSet::with_capacity(appends),
            claims: HashSet::with_capacity(appends),
            requests: HashSet::with_capacity(appends),
        }
    }

    /// Whether nothing that the append touches had been touched; it has been now. What it touches twice by itself is
    /// no reason to wait: waiting would not help.
    fn add(&mut self, append: &Append) -> bool {
        let fresh = !self.streams.contains(&append.aggregate_id)
            && !append.claims.keys().any(|key| self.claims.contains(&key))
            && !append.request.is_some_and(|request| self.requests.contains(&request.key));
        self.streams.insert(append.aggregate_id);
        self.claims.extend(append.claims.keys());
        self.requests.extend(append.request.map(|request| request.key));
        fresh
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use uuid::Uuid;

    use super::*;
    use crate::{ClaimChanges, ClaimMove, EventId, Metadata, NewEvent, Version};

    type Answer = oneshot::Receiver<Result<Appended, AppendError>>;

    fn append(stream: u128, moved: &[(u128, u128)]) -> Append {
        let key = |n| ClaimKey(Uuid::from_u128(n));
        let moved = moved.iter().map(|(from, to)| ClaimMove { from: key(*from), to: key(*to) }).collect();
        Append {
            aggregate_type: "document",
            aggregate_id: AggregateId(Uuid::from_u128(stream)),
            expected: Version::NONE,
            events: vec![NewEvent {
                event_id: EventId(Uuid::from_u128(stream)),
                event_type: "document.created",
                schema_version: 1,
                data: "{}".to_owned(),
                sealed: None,
            }],
            metadata: Metadata::default(),
            claims: ClaimChanges { moved, ..ClaimChanges::default() },
            rows: Vec::new(),
            request: None,
            derived: crate::Derived::Kept,
        }
    }

    fn wait(waiting: &mut VecDeque<Box<Pending>>, append: Append, deadline: Instant) -> Answer {
        let (reply, answer) = oneshot::channel();
        let deadline = Deadline(deadline);
        waiting.push_back(Box::new(Pending { append, deadline, reply, stage: Arc::default() }));
        answer
    }

    /// The streams of each batch that is formed until nothing waits.
    fn batches(waiting: &mut VecDeque<Box<Pending>>, now: Instant) -> Vec<Vec<u128>> {
        let mut batches = Vec::new();
        while !waiting.is_empty() {
            let batch = Batch::form(waiting, now);
            batches.push(batch.appends.iter().map(|append| append.aggregate_id.0.as_u128()).collect());
            assert!(batches.len() < 10, "it comes to an end");
        }
        batches
    }

    #[test]
    fn what_touches_the_same_waits_in_order() {
        let (now, mut waiting) = (Instant::now(), VecDeque::new());
        let later = now + Duration::from_secs(1);
        let appends = [append(1, &[(7, 8)]), append(2, &[(8, 9)]), append(3, &[(9, 5)]), append(4, &[])];
        let _answers = appends.map(|append| wait(&mut waiting, append, later));
        assert_eq!(batches(&mut waiting, now), [vec![1, 4], vec![2], vec![3]]);
    }

    #[test]
    fn an_append_that_is_in_its_own_way_does_not_wait_for_itself() {
        let (now, mut waiting) = (Instant::now(), VecDeque::new());
        let _answer = wait(&mut waiting, append(1, &[(7, 7)]), now + Duration::from_secs(1));
        assert_eq!(batches(&mut waiting, now), [[1]]);
    }

    #[test]
    fn what_is_dropped_keeps_nobody_waiting() {
        let (now, mut waiting) = (Instant::now(), VecDeque::new());
        let mut late = wait(&mut waiting, append(1, &[(7, 8)]), now);
        drop(wait(&mut waiting, append(1, &[]), now + Duration::from_secs(1)));
        let _answer = wait(&mut waiting, append(1, &[(8, 9)]), now + Duration::from_secs(1));
        assert_eq!(batches(&mut waiting, now), [[1]]);
        assert!(matches!(late.try_recv(), Ok(Err(AppendError::DeadlineBeforeStart))));
    }
}
