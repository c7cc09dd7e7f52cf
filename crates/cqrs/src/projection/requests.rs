//! Wishes, as their owner takes them up. What is done in one step is answered at once; a build becomes a goal.

use eventstore::{AggregateId, Phase, ProjectionMode, Slot};

use super::goal::{Goal, PAUSED_BY_OPERATOR};
use super::mend;
use super::outcome::Outcome;
use super::owner::Owner;
use super::parking;
use super::wishes::{self, MoreParked, Seen, Then, Wish};
use super::workplace::Trouble;

impl<E: Send + Sync + 'static> Owner<'_, E> {
    /// Looks for a wish and takes it up. Whether there was one.
    pub(super) async fn take_up(&mut self) -> Result<bool, Trouble> {
        let all = self.place.projections().wishes().await?;
        let Some(found) = all.into_iter().find(|wish| wish.projection == self.place.name()) else {
            return Ok(false);
        };
        if found.answer.is_some() {
            return self.take_over(&found).await;
        }
        if self.goal.as_ref().is_some_and(|goal| goal.ticket == Some(found.ticket)) {
            return Ok(false);
        }
        let (wish, beside) = wishes::parts(&found.wish);
        if let Some(outcome) = self.grant_text(found.ticket, wish).await? {
            let goes_on = beside.map(wishes::goes_on).unwrap_or_default();
            let answer = format!("{outcome}{goes_on}");
            if let Some(goal) = self.goal.as_mut().filter(|goal| beside.is_some() && goal.ticket.is_some()) {
                goal.ticket = Some(found.ticket);
            }
            self.answer(found.ticket, &answer).await?;
        }
        Ok(true)
    }

    /// Goes on with what another owner had begun, beside which something else was wished. While an operator holds it, it
    /// waits.
    async fn take_over(&mut self, found: &eventstore::Wish) -> Result<bool, Trouble> {
        let Some(goal) = wishes::under_way(found) else { return Ok(false) };
        if self.goal.is_some() || self.tended.iter().any(|tended| self.is_held(tended.generation.slot)) {
            return Ok(false);
        }
        if let Some(outcome) = self.grant_text(found.ticket, goal).await? {
            self.answer(found.ticket, &outcome.to_string()).await?;
        }
        Ok(true)
    }

    async fn grant_text(&mut self, ticket: u64, text: &str) -> Result<Option<Outcome>, Trouble> {
        match wishes::read(text) {
            Ok((wish, seen)) => self.grant(ticket, wish, seen).await,
            Err(error) => Ok(Some(Outcome::refused(error.to_string()))),
        }
    }

    pub(super) async fn answer(&self, ticket: u64, answer: &str) -> Result<(), Trouble> {
        Ok(self.place.projections().answer(self.place.name(), self.fence, ticket, answer).await?)
    }

    /// The outcome, if there is one now.
    async fn grant(
        &mut self,
        ticket: u64,
        wish: Wish,
        seen: Option<Seen>,
    ) -> Result<Option<Outcome>, Trouble> {
        match wish {
            Wish::Rebuild(then) => self.rebuild(ticket, then, seen).await,
            Wish::RebuildStream(stream) => self.rebuild_stream(stream).await.map(Some),
            Wish::Switch(parked) => Ok(self.switch_to_next(ticket, parked, seen)),
            Wish::Rollback => Ok(self.roll_back(ticket, seen)),
            Wish::Retire(slot) => self.retire(slot).await.map(Some),
            Wish::Pause => self.hold(Some(PAUSED_BY_OPERATOR)).await.map(Some),
            Wish::Resume => self.hold(None).await.map(Some),
            Wish::RetryParked(stream) => self.retry_parked(stream).await.map(Some),
            Wish::DropParked { stream, reason } => self.drop_parked(stream, &reason).await.map(Some),
        }
    }

    async fn rebuild(
        &mut self,
        ticket: u64,
        then: Then,
        seen: Option<Seen>,
    ) -> Result<Option<Outcome>, Trouble> {
        let made_since = |number: u32| seen.is_some_and(|seen| number > seen.latest);
        let number = |slot| self.tended(slot).map(|tended| tended.generation.number);
        if let Some(live) = number(Slot::Live).filter(|live| made_since(*live)) {
            return Ok(Some(Outcome::Done(format!("generation {live} is live"))));
        }
        let number = match number(Slot::Next).filter(|next| made_since(*next)) {
            Some(number) => number,
            None if self.is_held(Slot::Live) => return Ok(Some(Outcome::refused(HELD))),
            None => self.begin().await?,
        };
        self.goal = Some(Goal::build(Some(ticket), number, then));
        Ok(None)
    }

    /// Begins the next generation, and says which that is.
    pub(super) async fn begin(&mut self) -> Result<u32, Trouble> {
        let (place, head) = (self.place, self.place.store.head().await?);
        let begun = place.projections().begin(place.layout, self.fence, head.position).await?;
        tracing::info!(projection = place.name(), number = begun.number, "a generation is being built");
        self.look().await?;
        Ok(begun.number)
    }

    async fn rebuild_stream(&mut self, stream: AggregateId) -> Result<Outcome, Trouble> {
        let place = self.place;
        match self.tended_mut(Slot::Live).filter(|live| live.generation.revision == place.layout.revision) {
            Some(live) => mend::stream(place, live, stream).await,
            None => Ok(Outcome::refused(OTHER_REVISION)),
        }
    }

    fn switch_to_next(&mut self, ticket: u64, parked: MoreParked, seen: Option<Seen>) -> Option<Outcome> {
        if let Some(live) = self.live_since(seen) {
            return Some(Outcome::Done(format!("generation {live} is live")));
        }
        let Some(next) = self.tended(Slot::Next) else {
            return Some(Outcome::refused("there is no next generation, rebuild first"));
        };
        if next.generation.revision != self.place.layout.revision {
            return Some(Outcome::refused(OTHER_REVISION));
        }
        if self.is_held(Slot::Live) || self.is_held(Slot::Next) {
            return Some(Outcome::refused(HELD));
        }
        let goal = Goal::build(Some(ticket), next.generation.number, Then::Switch);
        self.goal = Some(Goal { parked, ..goal });
        None
    }

    fn roll_back(&mut self, ticket: u64, seen: Option<Seen>) -> Option<Outcome> {
        if let Some(live) = self.live_since(seen) {
            return Some(Outcome::Done(format!("generation {live} is live")));
        }
        let Some(prior) = self.tended(Slot::Prior) else {
            return Some(Outcome::refused("there is no prior generation"));
        };
        if prior.generation.revision != self.place.layout.revision {
            return Some(Outcome::refused(OTHER_REVISION));
        }
        if self.is_held(Slot::Live) || self.is_held(Slot::Prior) {
            return Some(Outcome::refused(HELD));
        }
        self.goal = Some(Goal::rollback(ticket, prior.generation.number));
        None
    }

    /// The number of the live generation, if it has become that since the wish was made.
    fn live_since(&self, seen: Option<Seen>) -> Option<u32> {
        let live = self.tended(Slot::Live)?.generation.number;
        seen.is_some_and(|seen| seen.live != live).then_some(live)
    }

    async fn retire(&mut self, slot: Slot) -> Result<Outcome, Trouble> {
        let place = self.place;
        let Some(number) = self.tended(slot).map(|tended| tended.generation.number) else {
            return Ok(Outcome::Done(format!("there is no {} generation", slot.as_str())));
        };
        if slot == Slot::Live {
            return Ok(Outcome::refused("the live generation cannot be retired"));
        }
        place.projections().retire(place.layout, self.fence, slot).await?;
        if self.goal.as_ref().is_some_and(|goal| goal.number == number) {
            self.goal = None;
        }
        self.holds_back |= slot == Slot::Next;
        self.look().await?;
        Ok(Outcome::Done(format!("generation {number} has gone")))
    }

    /// Stops what this projection does, or lets it go on.
    async fn hold(&mut self, reason: Option<&str>) -> Result<Outcome, Trouble> {
        let place = self.place;
        for tended in &mut self.tended {
            let slot = tended.generation.slot;
            let by_appends = place.layout.mode == ProjectionMode::Inline && slot == Slot::Live;
            let changes = tended.generation.paused.is_some() != reason.is_some();
            if changes && !by_appends {
                place.projections().pause(place.name(), self.fence, slot, reason).await?;
                tended.generation.paused = reason.map(str::to_owned);
            }
        }
        Ok(Outcome::done(if reason.is_some() { "paused" } else { "goes on" }))
    }

    async fn retry_parked(&mut self, stream: Option<AggregateId>) -> Result<Outcome, Trouble> {
        let place = self.place;
        let (mut answers, mut all) = (Vec::new(), true);
        for tended in self.tended.iter_mut().filter(|tended| tended.generation.slot != Slot::Prior) {
            if tended.generation.phase == Phase::Tailing
                && tended.generation.revision == place.layout.revision
            {
                let retried = parking::retry(place, tended, stream).await?;
                let parking::Retried { projected, still_parked, all_taken } = retried;
                let slot = tended.generation.slot.as_str();
                all &= all_taken;
                answers.push(format!(
                    "{slot}: {projected} events projected, {still_parked} streams still parked"
                ));
            }
        }
        Ok(match answers.join("; ") {
            none if none.is_empty() => Outcome::refused("it is being built"),
            answer if all => Outcome::Done(answer),
            answer => Outcome::Failed(answer),
        })
    }

    async fn drop_parked(&mut self, stream: AggregateId, reason: &str) -> Result<Outcome, Trouble> {
        let (place, mut dropped) = (self.place, 0);
        for tended in self.tended.iter_mut().filter(|tended| tended.generation.phase == Phase::Tailing) {
            if tended.generation.slot != Slot::Prior {
                dropped += parking::drop_stream(place, tended, stream, reason).await?;
            }
        }
        Ok(Outcome::Done(format!("{dropped} events of {stream} are left out")))
    }
}

/// What takes the place of the live generation would go on, as if nobody had said that nothing is to.
const HELD: &str = "it is paused by an operator, resume it first";

const OTHER_REVISION: &str =
    "the rows are of another revision, only a binary of that revision can write them";
