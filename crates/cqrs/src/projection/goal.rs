//! What an owner is about besides following the log: a generation that is to take the place of the live one.

use std::time::{Duration, Instant};

use eventstore::{AggregateId, Phase, ProjectionError, ProjectionMode, Slot};

use super::divergence::is_diverged;
use super::outcome::Outcome;
use super::owner::Owner;
use super::tail;
use super::tended::{Moved, Tended};
use super::verify::{Verification, Verified};
use super::wishes::{MoreParked, Then};
use super::workplace::Trouble;

/// No swap is begun when appends have been held for this long. One that has begun tries a few times more.
const HOLD_MAX: Duration = Duration::from_secs(2);

/// The reason of a pause that somebody wished for.
pub(super) const PAUSED_BY_OPERATOR: &str = "paused by an operator";

/// Otherwise rows of the revision before would be written beside new ones.
const UNSAID: &str = "is not switched to: this binary does not say what its inline tables are";

/// As many streams as an answer names. `parked list` has them all.
const NAMED_MAX: usize = 10;

/// What an owner is about.
#[derive(Debug)]
pub(super) struct Goal {
    /// Whose wish it is; `None` if the code itself asks for it.
    pub(super) ticket: Option<u64>,
    /// Which generation is meant.
    pub(super) number: u32,
    pub(super) then: Then,
    pub(super) check: Check,
    pub(super) parked: MoreParked,
}

/// What a generation must pass before it is switched to.
#[derive(Debug)]
pub(super) enum Check {
    /// Its rows are compared.
    Compare(Box<Verification>),
    /// They were compared, with this outcome.
    Passed(String),
    /// It has been live before.
    None,
}

impl Goal {
    pub(super) fn build(ticket: Option<u64>, number: u32, then: Then) -> Self {
        let check = Check::Compare(Box::default());
        Self { ticket, number, then, check, parked: MoreParked::Refused }
    }

    /// Whoever wants the rows as they were knows who was parked in them.
    pub(super) fn rollback(ticket: u64, number: u32) -> Self {
        let (then, check, parked) = (Then::Switch, Check::None, MoreParked::Accepted);
        Self { ticket: Some(ticket), number, then, check, parked }
    }
}

/// What a step towards a goal came to.
enum Towards {
    /// More is to be done, at once.
    More,
    /// More is to be done, but not now.
    Later,
    /// It is over, with this outcome.
    Over(Outcome),
}

impl<E: Send + Sync + 'static> Owner<'_, E> {
    /// One step towards the goal, after every generation has taken one. Whether there may be more at once. The goal
    /// stays until it is over, whatever goes wrong on the way.
    pub(super) async fn pursue(&mut self, moved: Moved) -> Result<bool, Trouble> {
        let Some(mut goal) = self.goal.take() else { return Ok(false) };
        let towards = self.towards(&mut goal, moved).await;
        match towards {
            Ok(Towards::Over(outcome)) => {
                if let Some(ticket) = goal.ticket {
                    self.answer(ticket, &outcome.to_string()).await?;
                }
                Ok(true)
            }
            Ok(Towards::More) => {
                self.goal = Some(goal);
                Ok(true)
            }
            Ok(Towards::Later) => {
                self.goal = Some(goal);
                Ok(false)
            }
            Err(trouble) => {
                self.goal = Some(goal);
                Err(trouble)
            }
        }
    }

    async fn towards(&mut self, goal: &mut Goal, moved: Moved) -> Result<Towards, Trouble> {
        let Some(tended) = self.numbered(goal.number) else {
            return Ok(Towards::Over(Outcome::failed("the generation has gone")));
        };
        if tended.generation.slot == Slot::Live {
            // The swap was made, and what came after it went wrong.
            return Ok(Towards::Over(Outcome::Done(format!("generation {} is live", goal.number))));
        }
        if self.is_held(Slot::Live) || self.is_held(tended.generation.slot) {
            // Since it was begun, or before newer code began: whoever resumes lets it go on.
            return Ok(Towards::Later);
        }
        match &tended.generation.paused {
            Some(reason) => {
                let why = format!("generation {} does not go on: {reason}", goal.number);
                return Ok(Towards::Over(Outcome::Failed(why)));
            }
            None if !self.is_level(tended, moved) => return Ok(Towards::Later),
            None => {}
        }
        if let Some(refused) = self.refuses(goal, tended) {
            return Ok(Towards::Over(refused));
        }
        match &mut goal.check {
            Check::Compare(verification) => {
                let verified = verification.step(self.place, self.comparable(tended), tended).await?;
                Ok(self.verified(goal, verified))
            }
            Check::Passed(_) | Check::None => self.switch(goal).await,
        }
    }

    /// Whoever is parked in a generation and not in the live one would go from the view with the switch: that is for
    /// somebody to say who has looked at them.
    fn refuses(&self, goal: &Goal, tended: &Tended) -> Option<Outcome> {
        let parked = match goal.parked {
            MoreParked::Refused => self.newly_parked(tended),
            MoreParked::Accepted => return None,
        };
        let (number, count) = (goal.number, parked.len());
        let named: Vec<_> = parked.iter().take(NAMED_MAX).map(ToString::to_string).collect();
        let named = (!named.is_empty()).then(|| named.join(", "))?;
        let more = count
            .checked_sub(NAMED_MAX + 1)
            .map_or_else(String::new, |more| format!(" and {} more", more + 1));
        let projection = self.place.name();
        tracing::error!(projection, number, count, "a generation would show less than the live one");
        Some(Outcome::refused(format!(
            "generation {number} is not switched to, it stays beside the live one: {count} streams are parked in it that \
            the live one shows: {named}{more}. See `parked list`; mend the cause, retry them and switch, or switch with \
            accept-parked"
        )))
    }

    /// The streams that are parked in a generation, and not in the live one. None where readers see no live rows.
    fn newly_parked(&self, tended: &Tended) -> Vec<AggregateId> {
        let live = self.tended(Slot::Live);
        let Some(live) = live.filter(|live| live.is_tailing() && !is_diverged(&live.generation)) else {
            return Vec::new();
        };
        let mut parked: Vec<_> = tended.parked.difference(&live.parked).copied().collect();
        parked.sort_unstable();
        parked
    }

    fn verified(&self, goal: &mut Goal, verified: Verified) -> Towards {
        let number = goal.number;
        match (verified, goal.then) {
            (Verified::NotYet, _) => Towards::More,
            (Verified::Yes(found), Then::Switch) => {
                goal.check = Check::Passed(found);
                Towards::More
            }
            (Verified::Yes(found), Then::Keep) => {
                Towards::Over(Outcome::Done(format!("generation {number} is ready: {found}")))
            }
            (Verified::No(found), _) => {
                tracing::error!(
                    projection = self.place.name(),
                    number,
                    found,
                    "a generation was not verified"
                );
                Towards::Over(Outcome::Failed(format!("generation {number} is not switched to: {found}")))
            }
        }
    }

    /// Whether an operator has paused a generation.
    pub(super) fn is_held(&self, slot: Slot) -> bool {
        let paused = self.tended(slot).and_then(|tended| tended.generation.paused.as_deref());
        paused == Some(PAUSED_BY_OPERATOR)
    }

    /// Whether a generation has come as far as the live one, or, where that cannot be said, as far as the log.
    fn is_level(&self, tended: &Tended, moved: Moved) -> bool {
        if tended.generation.phase != Phase::Tailing {
            return false;
        }
        match self.comparable(tended) {
            Some(live) if self.place.layout.mode == ProjectionMode::Async => {
                live.generation.checkpoint == tended.generation.checkpoint
            }
            Some(_) | None => matches!(moved, Moved::ToHead | Moved::Idle),
        }
    }

    /// The live generation, if its rows are to be the same.
    pub(super) fn comparable(&self, tended: &Tended) -> Option<&Tended> {
        let comparable = |live: &&Tended| {
            live.is_tailing()
                && live.generation.paused.is_none()
                && live.generation.revision == tended.generation.revision
        };
        self.tended(Slot::Live).filter(comparable)
    }

    async fn switch(&mut self, goal: &Goal) -> Result<Towards, Trouble> {
        let place = self.place;
        let Some(slot) = self.numbered(goal.number).map(|tended| tended.generation.slot) else {
            return Ok(Towards::Later);
        };
        let still = match place.layout.mode {
            ProjectionMode::Async => match place.projections().swap(place.layout, self.fence, slot).await {
                Ok(()) => String::new(),
                Err(ProjectionError::Behind) => return Ok(Towards::Later),
                Err(error) => return Err(error.into()),
            },
            ProjectionMode::Inline
                if self.changes_meaning(slot) && place.settings.inline_layout.is_none() =>
            {
                return Ok(Towards::Over(Outcome::Failed(format!("generation {} {UNSAID}", goal.number))));
            }
            ProjectionMode::Inline => match self.switch_inline(slot).await? {
                Some(time) => format!("; appends stood still for {} ms", time.as_millis()),
                None => return Ok(Towards::Later),
            },
        };
        self.look().await?;
        let found = match &goal.check {
            Check::Passed(found) => format!("; {found}"),
            Check::Compare(_) | Check::None => String::new(),
        };
        let outcome = format!("generation {} is live{still}{found}", goal.number);
        tracing::info!(projection = place.name(), outcome, "a generation is live");
        Ok(Towards::Over(Outcome::Done(outcome)))
    }

    /// With appends held: the rest of the log, then the swap. How long they were held; `None` if the rest was too much.
    async fn switch_inline(&mut self, slot: Slot) -> Result<Option<Duration>, Trouble> {
        let place = self.place;
        let changes_meaning = self.changes_meaning(slot);
        let begun = Instant::now();
        let held = place.projections().hold_appends().await?;
        let Some(tended) = self.tended.iter_mut().find(|tended| tended.generation.slot == slot) else {
            return Ok(None);
        };
        let parked = tended.parked.len();
        while begun.elapsed() < HOLD_MAX {
            let moved = tail::step(place, tended, None).await?;
            if tended.parked.len() > parked {
                // Somebody was parked just now: whether that may be is asked again before there is a swap.
                return Ok(None);
            }
            match moved {
                Moved::Far | Moved::ToHead => {}
                Moved::Paused => return Ok(None),
                Moved::Idle => {
                    let writes = place.settings.inline_layout.clone().filter(|_| changes_meaning);
                    held.swap(place.layout, self.fence, slot, writes).await?;
                    let time = begun.elapsed();
                    place.counters.hold(time);
                    return Ok(Some(time));
                }
            }
        }
        Ok(None)
    }

    /// Whether the rows of a generation mean something else than the live ones: then writers must, too.
    fn changes_meaning(&self, slot: Slot) -> bool {
        let revision = |slot| self.tended(slot).map(|tended| tended.generation.revision);
        revision(Slot::Live) != revision(slot)
    }

    fn numbered(&self, number: u32) -> Option<&Tended> {
        self.tended.iter().find(|tended| tended.generation.number == number)
    }
}
