//! A generation in the hands of its owner: where it stands, who is parked in it, and how fast it goes.

use std::collections::HashSet;

use eventstore::{
    AggregateId, Fence, Generation, NewParked, Phase, Position, Progress, ProjectionBatch, ProjectionRow,
    Writing,
};

use super::pace::Pace;
use super::walk::Walk;
use super::workplace::{Trouble, Workplace};

/// Parked events that are read at once.
const PARKED_PAGE: u32 = 1000;

/// A generation in the hands of its owner.
#[derive(Debug)]
pub(super) struct Tended {
    pub(super) generation: Generation,
    pub(super) fence: Fence,
    pub(super) parked: HashSet<AggregateId>,
    pub(super) pace: Pace,
    pub(super) walk: Walk,
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moved {
    /// As much as a step takes: there is more.
    Far,
    /// Up to the head as it was.
    ToHead,
    /// Nothing: it stood at the head.
    Idle,
    /// Nothing: it is not to go on.
    Paused,
}

impl Tended {
    pub(super) async fn new<E: Send + Sync + 'static>(
        place: &Workplace<E>,
        generation: Generation,
        fence: Fence,
    ) -> Result<Self, Trouble> {
        let mut parked = HashSet::new();
        if generation.parked_streams > 0 {
            let mut after = Position::START;
            loop {
                let store = place.projections();
                let page = store.parked(place.name(), generation.slot, None, after, PARKED_PAGE).await?;
                let Some(last) = page.last() else { break };
                after = last.event.position;
                parked.extend(page.iter().map(|parked| parked.event.aggregate_id));
            }
        }
        Ok(Self { generation, fence, parked, pace: Pace::new(&place.settings), walk: Walk::default() })
    }

    pub(super) fn progress(&self) -> Progress {
        Progress { checkpoint: self.generation.checkpoint, phase: self.generation.phase }
    }

    pub(super) fn is_tailing(&self) -> bool {
        self.generation.phase == Phase::Tailing
    }

    /// A batch that changes nothing yet and stays where it is.
    pub(super) fn batch<E>(&self, place: &Workplace<E>) -> ProjectionBatch {
        ProjectionBatch {
            layout: place.layout,
            slot: self.generation.slot,
            fence: self.fence,
            from: self.progress(),
            to: self.progress(),
            streams: Vec::new(),
            rows: Vec::new(),
            park: Vec::new(),
            unpark: Vec::new(),
            writing: Writing::Upsert,
        }
    }

    /// The generation has taken a step.
    pub(super) fn moved(&mut self, to: Progress, park: &[NewParked]) {
        (self.generation.checkpoint, self.generation.phase) = (to.checkpoint, to.phase);
        self.parked.extend(park.iter().map(|parked| parked.aggregate_id));
    }

    /// Stops it with a reason, loudly.
    pub(super) async fn pause<E: Send + Sync + 'static>(
        &mut self,
        place: &Workplace<E>,
        reason: String,
    ) -> Result<(), Trouble> {
        let slot = self.generation.slot;
        place.projections().pause(place.name(), self.fence, slot, Some(&reason)).await?;
        tracing::error!(projection = place.name(), slot = slot.as_str(), reason, "a projection is paused");
        self.generation.paused = Some(reason);
        Ok(())
    }

    /// Pauses it if more is parked than a few bad events would explain.
    pub(super) async fn pause_if_too_much_is_parked<E: Send + Sync + 'static>(
        &mut self,
        place: &Workplace<E>,
    ) -> Result<(), Trouble> {
        let (count, max) = (self.parked.len(), place.settings.parked_streams_max);
        if count <= max || self.generation.paused.is_some() {
            return Ok(());
        }
        let reason = format!(
            "{TOO_MANY_PARKED}: {count} streams are parked, more than {max}. Find out why, then retry or drop them"
        );
        self.pause(place, reason).await
    }
}

/// How the reason of a pause begins that ends by itself when enough is parked no longer.
pub(super) const TOO_MANY_PARKED: &str = "TOO_MANY_PARKED";

/// Everything that a step writes about streams, and whom it writes about.
pub(super) fn streams_of(
    rows: &[ProjectionRow],
    more: impl IntoIterator<Item = AggregateId>,
) -> Vec<AggregateId> {
    let about = rows.iter().filter(|row| super::rows::is_about_streams(row.table));
    let mut streams: Vec<_> = about.filter_map(|row| super::rows::subject_of(&row.change)).collect();
    streams.extend(more);
    streams.sort_unstable();
    streams.dedup();
    streams
}
