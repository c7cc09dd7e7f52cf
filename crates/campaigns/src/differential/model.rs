//! The model: the log is a `Vec`, claims and request ids are maps, and the domain decides. What the stores are held
//! against.

use std::collections::HashMap;

use cqrs::{Claim, Decider, Recorded};
use eventstore::{AggregateId, Position, Version};
use jiff::{SignedDuration, Timestamp};
use user_domain::{Refusal, User, UserCommand, UserEvent, Users};
use uuid::Uuid;

use super::Control;
use super::answer::Answer;
use super::script::Step;

/// All there is.
#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) log: Vec<Recorded<UserEvent>>,
    pub(super) users: HashMap<AggregateId, User>,
    pub(super) claims: HashMap<(&'static str, String), AggregateId>,
    requests: HashMap<Uuid, Remembered>,
    control: Option<Control>,
}

/// What a request id did.
#[derive(Debug)]
struct Remembered {
    asked: String,
    id: AggregateId,
    version: Version,
    position: Position,
}

impl Model {
    pub(super) fn new(control: Option<Control>) -> Self {
        Self { control, ..Self::default() }
    }

    pub(super) fn user(&self, id: AggregateId) -> User {
        self.users.get(&id).cloned().unwrap_or_default()
    }

    /// Executes a step at a time that the clock shows.
    pub(super) fn execute(&mut self, step: &Step, now: Timestamp) -> Answer {
        if let Some(earlier) = step.request_id.and_then(|id| self.requests.get(&id)) {
            return self.replay(earlier, &step.asked());
        }
        let before = self.user(step.id);
        let actual = before.version();
        // Who does not exist has no version that anybody could have seen: there the decision speaks.
        let exists = actual != Version::NONE;
        if exists && step.precondition.is_some_and(|expected| expected != actual) {
            return Answer::PreconditionFailed { actual };
        }
        let events = match self.decide(&before, &step.command) {
            Ok(events) => events,
            Err(refusal) => return Answer::Refused(refusal),
        };
        let recorded = self.recorded(step.id, actual, events, now);
        let after = recorded.iter().fold(before.clone(), Users::evolve);
        if let Some(refusal) = self.taken(step.id, &after) {
            return Answer::Refused(refusal);
        }
        self.log.extend(recorded);
        let (version, position) = (after.version(), Position(self.log.len() as u64));
        if let Some(request_id) = step.request_id {
            let remembered = Remembered { asked: step.asked(), id: step.id, version, position };
            self.requests.insert(request_id, remembered);
        }
        self.own(step.id, &after);
        self.users.insert(step.id, after.clone());
        Answer::Done { id: step.id, state: after, position, replayed: false }
    }

    fn decide(&self, user: &User, command: &UserCommand) -> Result<Vec<UserEvent>, Refusal> {
        match (self.control, command, Users::decide(user, command)) {
            // The predecessor's callers activate on every login, and nobody hears of a suspension.
            (Some(Control::OneRuleChanged), UserCommand::ActivateUser(_), Err(Refusal::UserSuspended)) => {
                Ok(Vec::new())
            }
            (Some(Control::OneRuleChanged) | None, _, decided) => decided,
        }
    }

    fn replay(&self, earlier: &Remembered, asked: &str) -> Answer {
        if earlier.asked != asked {
            return Answer::RequestReused;
        }
        let history = self.log.iter().filter(|event| event.aggregate_id == earlier.id);
        let state = match self.user(earlier.id) {
            User::Erased(erased) if erased.version != earlier.version => return Answer::Erased,
            User::Erased(erased) => User::Erased(erased),
            User::Live(_) | User::Absent => {
                Users::fold(history.take_while(|event| event.version <= earlier.version))
            }
        };
        Answer::Done { id: earlier.id, state, position: earlier.position, replayed: true }
    }

    /// Never earlier than the event before, also when the clock goes back.
    fn recorded(
        &self,
        aggregate_id: AggregateId,
        version: Version,
        events: Vec<UserEvent>,
        now: Timestamp,
    ) -> Vec<Recorded<UserEvent>> {
        let after_last = self.log.last().map(|last| last.recorded_at + SignedDuration::from_micros(1));
        let recorded_at = after_last.map_or(now, |earliest| earliest.max(now));
        (1..)
            .zip(events)
            .map(|(n, event)| Recorded {
                aggregate_id,
                version: Version(version.0 + n),
                position: Position(self.log.len() as u64 + n),
                recorded_at,
                event,
            })
            .collect()
    }

    /// The refusal, if somebody else owns what this state would own.
    fn taken(&self, id: AggregateId, after: &User) -> Option<Refusal> {
        let theirs = |Claim { scope, value }: &Claim| {
            self.claims.get(&(*scope, value.clone())).is_some_and(|owner| *owner != id)
        };
        let claim = after.claims().into_iter().find(theirs)?;
        Refusal::of_taken_claim(claim.scope)
    }

    fn own(&mut self, id: AggregateId, after: &User) {
        let before = self.user(id).claims();
        for Claim { scope, value } in before {
            self.claims.remove(&(scope, value));
        }
        for Claim { scope, value } in after.claims() {
            self.claims.insert((scope, value), id);
        }
    }
}
