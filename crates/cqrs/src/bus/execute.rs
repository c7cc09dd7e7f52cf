//! One command on its way: look it up, load, decide, append, and again if somebody else was faster.

use std::time::{Duration, Instant};

use eventstore::{
    Append, AppendError, Appended, ClaimKey, Deadline, Derived, NewRequest, Rejection, RequestRecord, Version,
};
use tracing::instrument;

use super::{
    Aggregates, Change, ClaimDifference, CommandBus, CommandError, Execution, Fault, Outcome,
    PENDING_POSITION, PENDING_TIME, Written,
};
use crate::{Decider, Recorded};

/// How often a command is decided anew after a conflict that its caller did not ask to see. Sixteen writers on one
/// aggregate get through with fewer.
const ATTEMPTS_MAX: u32 = 16;

/// The first pause after a conflict; it doubles, up to the longest, and a random part of it is waited.
const PAUSE_FIRST: Duration = Duration::from_millis(1);
const PAUSE_LONGEST: Duration = Duration::from_millis(64);

pub(super) type Answer<D> = Result<Outcome<<D as Decider>::State>, CommandError<<D as Decider>::Refusal>>;

/// One try: the answer, or a conflict that may be tried again.
enum Try<D: Decider> {
    Answered(Outcome<D::State>),
    Conflict,
}

/// A decision, and the state it leads to once it has its place in the log.
pub(super) struct Decision<D: Decider> {
    before: D::State,
    events: Vec<Recorded<D::Event>>,
    after: D::State,
    pub(super) claims: ClaimDifference,
}

/// What a command comes to before anything is appended.
enum Prepared<D: Decider> {
    /// It asks for what holds already, and wants nothing remembered.
    Unchanged(Outcome<D::State>),
    /// This is to be appended.
    Changed(Decision<D>, Box<Append>),
}

impl<A> CommandBus<A> {
    /// Whether a request id has been used, and its answer is there to be given again.
    pub async fn remembers(&self, request: Option<NewRequest>) -> Result<bool, Fault> {
        match request {
            Some(request) => Ok(self.store.request(request.key).await?.is_some()),
            None => Ok(false),
        }
    }

    /// Executes a command: at most once, if it names a request id.
    #[instrument(name = "bus.command.execute", skip_all, fields(aggregate_id = %execution.id))]
    pub async fn execute<D: Decider>(&self, execution: &Execution<D, A::Attachment>) -> Answer<D>
    where
        A: Aggregates<D>,
    {
        if let Some(replayed) = within(execution.deadline, self.earlier_answer(execution.request)).await? {
            return Ok(replayed);
        }
        let mut pause = PAUSE_FIRST;
        for _ in 0..ATTEMPTS_MAX {
            if Instant::now() >= execution.deadline.0 {
                return Err(CommandError::DeadlineBeforeStart);
            }
            match self.attempt(execution).await {
                Ok(Try::Answered(outcome)) => return Ok(outcome),
                Ok(Try::Conflict) => tokio::time::sleep(pause.mul_f64(fastrand::f64())).await,
                Err(no @ (CommandError::Refused(_) | CommandError::PreconditionFailed { .. })) => {
                    return self.unless_done_meanwhile(execution.request, no).await;
                }
                Err(error) => return Err(error),
            }
            pause = (pause * 2).min(PAUSE_LONGEST);
        }
        Err(CommandError::Contended)
    }

    async fn attempt<D: Decider>(
        &self,
        execution: &Execution<D, A::Attachment>,
    ) -> Result<Try<D>, CommandError<D::Refusal>>
    where
        A: Aggregates<D>,
    {
        let (decision, append) = match within(execution.deadline, self.prepare(execution)).await? {
            Prepared::Unchanged(outcome) => return Ok(Try::Answered(outcome)),
            Prepared::Changed(decision, append) => (decision, append),
        };
        match self.store.append(*append, execution.deadline).await {
            Ok(appended) => Ok(Try::Answered(decision.outcome(execution, appended))),
            Err(AppendError::Rejected(rejection)) => self.rejected(execution, &decision, rejection).await,
            Err(error) => Err(CommandError::of_append(error)),
        }
    }

    /// Everything before the append: whatever goes wrong here, nothing has been executed.
    #[instrument(name = "bus.command.decide", level = "debug", skip_all)]
    async fn prepare<D: Decider>(
        &self,
        execution: &Execution<D, A::Attachment>,
    ) -> Result<Prepared<D>, CommandError<D::Refusal>>
    where
        A: Aggregates<D>,
    {
        let (before, context) = self.aggregates.load(execution.id).await?;
        let actual = D::version(&before);
        // What does not exist has no version that anybody could have seen: the decision says so better.
        let exists = actual != Version::NONE;
        if exists && execution.precondition.is_some_and(|expected| expected != actual) {
            return Err(CommandError::PreconditionFailed { actual });
        }
        let events = D::decide(&before, &execution.command).map_err(CommandError::Refused)?;
        if events.is_empty() && execution.request.is_none() {
            return Ok(Prepared::Unchanged(unchanged(execution, before, self.head().await?)));
        }
        let mut decision = self.weigh(execution, before, events);
        self.keep_to_what_is_held(execution, &mut decision).await?;
        self.refuse_taken_claims(execution, &mut decision).await?;
        let append = self.append_of(execution, &decision, &context).await?;
        Ok(Prepared::Changed(decision, Box::new(append)))
    }

    /// What the log is asked to take.
    pub(super) async fn append_of<D: Decider>(
        &self,
        execution: &Execution<D, A::Attachment>,
        decision: &Decision<D>,
        context: &A::Context,
    ) -> Result<Append, Fault>
    where
        A: Aggregates<D>,
    {
        let written = self.write(execution, decision, context).await?;
        Ok(Append {
            aggregate_type: D::AGGREGATE_TYPE,
            aggregate_id: execution.id,
            expected: D::version(&decision.before),
            events: written.events,
            metadata: execution.metadata.clone(),
            claims: decision.claims.changes.clone(),
            rows: written.rows,
            request: execution.request,
            derived: written.derived,
        })
    }

    pub(super) fn weigh<D: Decider>(
        &self,
        execution: &Execution<D, A::Attachment>,
        before: D::State,
        events: Vec<D::Event>,
    ) -> Decision<D>
    where
        A: Aggregates<D>,
    {
        let next = D::version(&before).0 + 1;
        let events: Vec<_> = (next..)
            .zip(events)
            .map(|(version, event)| Recorded {
                aggregate_id: execution.id,
                version: Version(version),
                position: PENDING_POSITION,
                recorded_at: PENDING_TIME,
                event,
            })
            .collect();
        let after = events.iter().fold(before.clone(), D::evolve);
        let (owned, owns) = (D::claims(&before), D::claims(&after));
        let key_of = |claim: &_| self.aggregates.claim_key(claim);
        let claims = ClaimDifference::between(&owned, owns, D::LATER_SCOPES, key_of);
        Decision { before, events, after, claims }
    }

    /// An aggregate of before a scope does not hold what its state says, and another may by now. Only the aggregate itself
    /// could change that, which its version tells.
    async fn keep_to_what_is_held<D: Decider>(
        &self,
        execution: &Execution<D, A::Attachment>,
        decision: &mut Decision<D>,
    ) -> Result<(), Fault>
    where
        A: Aggregates<D>,
    {
        for key in decision.claims.doubtful() {
            if self.store.claim_owner(key).await? != Some(execution.id) {
                decision.claims.without(key);
            }
        }
        Ok(())
    }

    /// Refuses what another aggregate owns now, before a password is hashed for nothing, unless it can be done without. A
    /// race that slips through is found by the append.
    pub(super) async fn refuse_taken_claims<D: Decider>(
        &self,
        execution: &Execution<D, A::Attachment>,
        decision: &mut Decision<D>,
    ) -> Result<(), CommandError<D::Refusal>>
    where
        A: Aggregates<D>,
    {
        let wanted: Vec<_> = decision.claims.changes.wanted().collect();
        for key in wanted {
            let owner = self.store.claim_owner(key).await.map_err(Fault::from)?;
            if owner.is_none_or(|owner| owner == execution.id) {
                continue;
            }
            if !self.is_dispensable(execution, decision, key) {
                return Err(self.taken(decision, key));
            }
            decision.claims.forgo(key);
        }
        Ok(())
    }

    /// Whether the command goes without a claim that it wants, if another owns it.
    fn is_dispensable<D: Decider>(
        &self,
        execution: &Execution<D, A::Attachment>,
        decision: &Decision<D>,
        key: ClaimKey,
    ) -> bool
    where
        A: Aggregates<D>,
    {
        let dispensable = self.aggregates.dispensable(&execution.attachment);
        decision.claims.scope_of(key).is_some_and(|scope| dispensable.contains(&scope))
    }

    async fn write<D: Decider>(
        &self,
        execution: &Execution<D, A::Attachment>,
        decision: &Decision<D>,
        context: &A::Context,
    ) -> Result<Written, Fault>
    where
        A: Aggregates<D>,
    {
        if decision.events.is_empty() {
            return Ok(Written { events: Vec::new(), rows: Vec::new(), derived: Derived::Kept });
        }
        let change = Change {
            id: execution.id,
            before: &decision.before,
            events: &decision.events,
            after: &decision.after,
            claims: &decision.claims.after,
            forgone: &decision.claims.forgone,
        };
        self.aggregates.write(&change, context, &execution.attachment).await
    }

    async fn rejected<D: Decider>(
        &self,
        execution: &Execution<D, A::Attachment>,
        decision: &Decision<D>,
        rejection: Rejection,
    ) -> Result<Try<D>, CommandError<D::Refusal>>
    where
        A: Aggregates<D>,
    {
        match rejection {
            // What was loaded may have meant something else, too: all of it is done again.
            Rejection::Conflict { .. } | Rejection::LayoutMoved => Ok(Try::Conflict),
            // Somebody took it since the look: the next look finds it hers.
            Rejection::ClaimTaken { key, .. } if self.is_dispensable(execution, decision, key) => {
                Ok(Try::Conflict)
            }
            Rejection::ClaimTaken { key, .. } => Err(self.taken(decision, key)),
            Rejection::Duplicate(record) => self.replay(execution.request, record).await.map(Try::Answered),
        }
    }

    fn taken<D: Decider>(&self, decision: &Decision<D>, key: ClaimKey) -> CommandError<D::Refusal>
    where
        A: Aggregates<D>,
    {
        match decision.claims.scope_of(key) {
            Some(scope) => CommandError::Refused(self.aggregates.claim_taken(scope)),
            None => CommandError::Broken("a claim was refused that nobody wanted".into()),
        }
    }

    /// The answer to an earlier request of the same id, if there was one.
    async fn earlier_answer<D: Decider>(
        &self,
        request: Option<NewRequest>,
    ) -> Result<Option<Outcome<D::State>>, CommandError<D::Refusal>>
    where
        A: Aggregates<D>,
    {
        let Some(wanted) = request else { return Ok(None) };
        match self.store.request(wanted.key).await.map_err(Fault::from)? {
            Some(record) => self.replay(request, record).await.map(Some),
            None => Ok(None),
        }
    }

    /// A refusal, unless the same request has been executed since it was looked up: then it is its own effect that it
    /// was refused for, and the caller gets the answer.
    async fn unless_done_meanwhile<D: Decider>(
        &self,
        request: Option<NewRequest>,
        refusal: CommandError<D::Refusal>,
    ) -> Answer<D>
    where
        A: Aggregates<D>,
    {
        self.earlier_answer(request).await?.ok_or(refusal)
    }

    async fn replay<D: Decider>(&self, request: Option<NewRequest>, record: RequestRecord) -> Answer<D>
    where
        A: Aggregates<D>,
    {
        if request.is_none_or(|wanted| wanted.fingerprint != record.fingerprint) {
            return Err(CommandError::RequestReused);
        }
        // It has been executed: whatever fails from here on must not tell the caller that it has not.
        let state = self.aggregates.load_at(record.aggregate_id, record.version).await.map_err(|fault| {
            tracing::error!(%fault, "an earlier answer could not be rebuilt");
            CommandError::OutcomeUnknown
        })?;
        Ok(Outcome {
            id: record.aggregate_id,
            state: state.ok_or(CommandError::Erased)?,
            position: record.position,
            replayed: true,
        })
    }

    async fn head(&self) -> Result<eventstore::Position, Fault> {
        Ok(self.store.head().await?.position)
    }
}

impl<D: Decider> Decision<D> {
    /// The outcome, with the place and the time that the log gave the events.
    pub(super) fn outcome<T>(self, execution: &Execution<D, T>, appended: Appended) -> Outcome<D::State> {
        let first = appended.position.0 + 1 - self.events.len() as u64;
        let placed = (first..).zip(self.events).map(|(position, event)| Recorded {
            position: eventstore::Position(position),
            recorded_at: appended.recorded_at,
            ..event
        });
        let state = placed.fold(self.before, |state, recorded| D::evolve(state, &recorded));
        Outcome { id: execution.id, state, position: appended.position, replayed: false }
    }
}

fn unchanged<D: Decider, T>(
    execution: &Execution<D, T>,
    state: D::State,
    position: eventstore::Position,
) -> Outcome<D::State> {
    Outcome { id: execution.id, state, position, replayed: false }
}

/// Ends by the deadline, before anything has been executed.
pub(super) async fn within<T, R>(
    deadline: Deadline,
    work: impl Future<Output = Result<T, CommandError<R>>>,
) -> Result<T, CommandError<R>> {
    tokio::time::timeout_at(deadline.0.into(), work).await.unwrap_or(Err(CommandError::DeadlineBeforeStart))
}
