//! What the owner of a projection does, turn by turn, until it is told to stop or somebody else owns it.

use std::future::pending;
use std::time::Instant;

use eventstore::{Fence, Generation, Phase, Position, ProjectionError, ProjectionMode, Slot};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::divergence::is_diverged;
use super::goal::{Check, Goal};
use super::retry::Backoff;
use super::share::Share;
use super::tended::{Moved, TOO_MANY_PARKED, Tended};
use super::wishes::Then;
use super::workplace::{Trouble, Workplace};
use super::{parking, tail, walk};

/// The owner of a projection.
#[derive(Debug)]
pub(super) struct Owner<'a, E> {
    pub(super) place: &'a Workplace<E>,
    pub(super) fence: Fence,
    pub(super) tended: Vec<Tended>,
    pub(super) goal: Option<Goal>,
    /// Nobody wants the generation that the code would ask for.
    pub(super) holds_back: bool,
    share: &'a Share,
    looked: Option<Instant>,
    /// When it last looked whether somebody waits for this projection.
    turned: Instant,
    retries: bool,
}

/// What a turn came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// There may be more to do at once.
    Busy,
    /// There is nothing to do now.
    Idle,
    /// Somebody else had better do it.
    Over,
}

/// Why an owner does not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// It was told to.
    Stopped,
    /// Somebody else is the owner.
    Fenced,
    /// Somebody else had better be.
    Yielded,
}

impl<'a, E: Send + Sync + 'static> Owner<'a, E> {
    pub(super) fn new(place: &'a Workplace<E>, fence: Fence, share: &'a Share) -> Self {
        let (tended, turned) = (Vec::new(), Instant::now());
        Self {
            place,
            fence,
            tended,
            goal: None,
            holds_back: false,
            share,
            looked: None,
            turned,
            retries: true,
        }
    }

    /// Works. Whatever goes wrong is tried again, from what the store says.
    pub(super) async fn work(&mut self, stop: &CancellationToken) -> Ended {
        let mut backoff = Backoff::new(&self.place.settings);
        let mut known = false;
        loop {
            if stop.is_cancelled() {
                return Ended::Stopped;
            }
            let turn = async {
                if !known {
                    self.look().await?;
                }
                self.turn().await
            };
            match turn.await {
                Ok(turn) => {
                    known = true;
                    backoff.succeeded();
                    match turn {
                        Turn::Busy => self.take_a_break(stop).await,
                        Turn::Idle => self.rest(stop).await,
                        Turn::Over => return Ended::Yielded,
                    }
                }
                Err(Trouble::Store(ProjectionError::Fenced)) => return Ended::Fenced,
                Err(trouble) => {
                    known = false;
                    self.recover(&trouble, &mut backoff, stop).await;
                }
            }
        }
    }

    /// Learns from the store what there is.
    pub(super) async fn look(&mut self) -> Result<(), Trouble> {
        self.tended.clear();
        for generation in self.place.projections().generations().await? {
            if generation.projection == self.place.name() {
                self.tended.push(Tended::new(self.place, generation, self.fence).await?);
            }
        }
        // The first step says how far it has come, for that also compares it with the log.
        self.place.shown.send_replace(None);
        Ok(())
    }

    /// One step of everything that there is to do.
    async fn turn(&mut self) -> Result<Turn, Trouble> {
        if self.retries {
            self.retry_once().await?;
            self.retries = false;
        }
        let mut busy = self.is_due() && self.take_up().await?;
        if self.is_outdated() && self.goal.is_none() && !busy {
            return Ok(Turn::Over);
        }
        self.begin_if_newer().await?;
        let live = self.feed(Slot::Live, None).await?;
        let next = self.feed(Slot::Next, self.bound(Slot::Next)).await?;
        let prior = match self.goal {
            Some(Goal { check: Check::None, .. }) => self.feed(Slot::Prior, self.bound(Slot::Prior)).await?,
            Some(_) | None => Moved::Paused,
        };
        let meant = if prior == Moved::Paused { next } else { prior };
        busy |= self.pursue(meant).await?;
        if self.is_asked().await? {
            return Ok(Turn::Over);
        }
        busy |= [live, next, prior].iter().any(|moved| matches!(moved, Moved::Far | Moved::ToHead));
        Ok(if busy { Turn::Busy } else { Turn::Idle })
    }

    /// Whether it is time to look for wishes.
    fn is_due(&mut self) -> bool {
        let due = self.looked.is_none_or(|looked| looked.elapsed() >= self.place.settings.wishes_every);
        if due {
            self.looked = Some(Instant::now());
        }
        due
    }

    /// Whether somebody who has much less waits for this projection, and may have it: nothing is being built.
    async fn is_asked(&mut self) -> Result<bool, Trouble> {
        let is_built = self.goal.is_some() || !self.tended.iter().all(Tended::is_tailing);
        if is_built || self.turned.elapsed() < self.place.settings.lease_ttl / 2 {
            return Ok(false);
        }
        self.turned = Instant::now();
        self.share.gives_way(self.place).await
    }

    /// Whoever becomes the owner may know what the one before did not.
    async fn retry_once(&mut self) -> Result<(), Trouble> {
        let place = self.place;
        for tended in self.tended.iter_mut().filter(|tended| !tended.parked.is_empty()) {
            let paused = tended.generation.paused.as_deref();
            let goes_on = paused.is_none_or(|reason| reason.starts_with(TOO_MANY_PARKED));
            if goes_on && tended.is_tailing() && tended.generation.revision == place.layout.revision {
                let retried = parking::retry(place, tended, None).await?;
                tracing::info!(projection = place.name(), ?retried, "the parked were tried again");
            }
        }
        Ok(())
    }

    /// Whether the rows are of a newer revision: those who understand them do the work, but for what somebody wishes.
    fn is_outdated(&self) -> bool {
        let newest = self.tended.iter().filter(|tended| tended.generation.slot != Slot::Prior);
        newest.map(|tended| tended.generation.revision).max() > Some(self.place.layout.revision)
    }

    /// Code that is newer than the live rows builds its own beside them.
    async fn begin_if_newer(&mut self) -> Result<(), Trouble> {
        let revision = self.place.layout.revision;
        let outdated = self.tended(Slot::Live).is_some_and(|live| live.generation.revision < revision);
        if !outdated || self.goal.is_some() || self.holds_back {
            return Ok(());
        }
        let next = self.tended(Slot::Next).filter(|next| next.generation.revision == revision);
        let number = match next.map(|next| next.generation.number) {
            Some(number) => number,
            None => self.begin().await?,
        };
        // Writers of an inline projection that are older would be locked out by the switch: somebody says when.
        let then = match self.place.layout.mode {
            ProjectionMode::Async => Then::Switch,
            ProjectionMode::Inline => Then::Keep,
        };
        self.goal = Some(Goal::build(None, number, then));
        self.holds_back = true;
        Ok(())
    }

    /// A generation that is to replace the live one meets it where it stands.
    fn bound(&self, slot: Slot) -> Option<Position> {
        self.goal.as_ref().filter(|_| self.place.layout.mode == ProjectionMode::Async)?;
        let live = self.comparable(self.tended(slot)?)?;
        Some(live.generation.checkpoint.position)
    }

    /// One step of a generation.
    pub(super) async fn feed(&mut self, slot: Slot, up_to: Option<Position>) -> Result<Moved, Trouble> {
        let place = self.place;
        let Some(tended) = self.tended_mut(slot) else { return Ok(Moved::Paused) };
        if !is_fed(place, &tended.generation) {
            return Ok(Moved::Paused);
        }
        let moved = match tended.generation.phase {
            Phase::Walking { after, .. } => walk::step(place, tended, after).await?,
            Phase::Tailing => tail::step(place, tended, up_to).await?,
        };
        self.show();
        Ok(moved)
    }

    pub(super) fn tended_mut(&mut self, slot: Slot) -> Option<&mut Tended> {
        self.tended.iter_mut().find(|tended| tended.generation.slot == slot)
    }

    pub(super) fn tended(&self, slot: Slot) -> Option<&Tended> {
        self.tended.iter().find(|tended| tended.generation.slot == slot)
    }

    /// Tells those who wait in this process how far the live generation has come.
    fn show(&self) {
        let live = self.tended(Slot::Live);
        let live = live.filter(|live| live.is_tailing() && !is_diverged(&live.generation));
        let position = live.map(|live| live.generation.checkpoint.position);
        self.place.shown.send_if_modified(|shown| std::mem::replace(shown, position) != position);
    }

    /// Makes room for commands.
    async fn take_a_break(&mut self, stop: &CancellationToken) {
        let place = self.place;
        tokio::select! {
            () = place.breaks.take(&place.shown, &place.awaited) => {}
            () = place.nudge.notified() => self.looked = None,
            () = stop.cancelled() => {}
        }
    }

    /// Waits until there may be something to do.
    async fn rest(&mut self, stop: &CancellationToken) {
        let is_followed = |tended: &&Tended| {
            tended.generation.slot != Slot::Prior && is_fed(self.place, &tended.generation)
        };
        let followed = self.tended.iter().filter(is_followed);
        let followed = followed.map(|tended| tended.generation.checkpoint.position).min();
        let wakes = async {
            match followed {
                Some(position) => self.place.store.beyond(position).await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = wakes => {}
            () = sleep(self.place.settings.wishes_every) => {}
            () = self.place.nudge.notified() => self.looked = None,
            () = stop.cancelled() => {}
        }
    }

    async fn recover(&self, trouble: &Trouble, backoff: &mut Backoff, stop: &CancellationToken) {
        let place = self.place;
        place.counters.failure();
        place.shown.send_replace(None);
        let (pause, error) = (backoff.pause(), source_of(trouble));
        tracing::warn!(projection = place.name(), error, ?pause, "a step of a projection failed");
        tokio::select! {
            () = sleep(pause) => place.counters.retry(),
            () = stop.cancelled() => {}
        }
    }
}

/// Whether this binary's code makes the rows of a generation, and nothing holds it.
fn is_fed<E: Send + Sync + 'static>(place: &Workplace<E>, generation: &Generation) -> bool {
    let by_appends = place.layout.mode == ProjectionMode::Inline && generation.slot == Slot::Live;
    generation.revision == place.layout.revision && generation.paused.is_none() && !by_appends
}

/// An error with its causes.
fn source_of(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
