//! What happened lately, in memory, for all who listen: contiguous, bounded, found by position.
//!
//! It knows the place before its first event, so a listener is let in only if the ring holds what she has seen.

use std::collections::VecDeque;
use std::sync::Arc;

use eventstore::{AggregateId, Checkpoint, EventFilter};

use super::event::FeedEvent;
use super::filter;

/// How many events a listener takes at once.
const TAKEN_MAX: usize = 64;

/// How many events are looked at for a listener at once, with the ring locked.
const SCANNED_MAX: usize = 1024;

/// How many erasures are remembered by name.
const ERASED_MAX: usize = 1024;

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub struct RingBounds {
    /// In events.
    pub events_max: usize,
    /// In bytes, about.
    pub bytes_max: usize,
}

impl Default for RingBounds {
    /// A few seconds of the most that can be written.
    fn default() -> Self {
        Self { events_max: 16 * 1024, bytes_max: 16 * 1024 * 1024 }
    }
}

/// Recent events.
#[derive(Debug)]
pub(super) struct Ring {
    bounds: RingBounds,
    /// The place before the first event; `None` while nobody reads the log.
    base: Option<Checkpoint>,
    events: VecDeque<Arc<FeedEvent>>,
    bytes: usize,
    epoch: u64,
    /// How many erasures have passed, and whose the latest were.
    erasures: u64,
    erased: VecDeque<AggregateId>,
}

/// What the ring has for somebody who has seen everything up to a place.
#[derive(Debug)]
pub(super) enum Taken {
    /// These, or none of what it has looked at.
    Events(Batch),
    /// Nothing yet.
    End,
    /// Nothing yet: the place lies beyond its end.
    NotYet,
    /// It does not hold the place. The store has to be asked whether that is one at all.
    Elsewhere,
    /// It begins after the place: what was there has made room.
    Behind,
}

/// Events on their way to one listener.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) events: VecDeque<Arc<FeedEvent>>,
    /// Everything up to here has been looked at; `None` in a batch that was never filled.
    pub(super) scanned_to: Option<Checkpoint>,
    /// As of which erasure they were decoded.
    pub(super) erasures: u64,
}

impl Ring {
    pub(super) fn new(bounds: RingBounds) -> Self {
        let (events, erased) = (VecDeque::new(), VecDeque::new());
        Self { bounds, base: None, events, bytes: 0, epoch: 0, erasures: 0, erased }
    }

    /// Forgets everything and goes on after a place, or stops reading. Whoever is further on has to ask the store whether
    /// her place is still there; and what was erased in between has not passed here.
    pub(super) fn reset(&mut self, base: Option<Checkpoint>) {
        let Self { bounds, epoch, erasures, .. } = *self;
        *self = Self { base, epoch: epoch + 1, erasures: erasures + 1, ..Self::new(bounds) };
    }

    /// The place of the last event; `None` while nobody reads the log.
    pub(super) fn end(&self) -> Option<Checkpoint> {
        let base = self.base?;
        Some(self.events.back().map_or(base, |last| last.checkpoint(base.log_id)))
    }

    /// Changes with each [`Ring::reset`].
    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Grows with each erasure that has passed.
    pub(super) fn erasures(&self) -> u64 {
        self.erasures
    }

    /// Who has been erased since there were so many erasures; `None` if that were too many to remember.
    pub(super) fn erased_since(&self, erasures: u64) -> Option<impl Iterator<Item = AggregateId> + Clone> {
        let missed = usize::try_from(self.erasures.checked_sub(erasures)?).ok()?;
        let known = self.erased.len().checked_sub(missed)?;
        Some(self.erased.range(known..).copied())
    }

    /// Brings a batch to this moment: what was decoded before an erasure is not told any more. If too many have passed to
    /// know whose they were, nothing is left of it.
    pub(super) fn refresh(&self, batch: &mut Batch) {
        if batch.erasures == self.erasures {
            return;
        }
        let Some(erased) = self.erased_since(batch.erasures) else {
            *batch = Batch::default();
            return;
        };
        for event in &mut batch.events {
            if erased.clone().any(|erased| erased == event.recorded().aggregate_id) {
                *event = Arc::new(event.redacted());
            }
        }
        batch.erasures = self.erasures;
    }

    /// The next event. An erasure takes what is personal of hers out of everything that is kept.
    pub(super) fn push(&mut self, event: Arc<FeedEvent>) {
        if event.is_erasure() {
            self.redact(event.recorded().aggregate_id);
        }
        self.bytes += event.size();
        self.events.push_back(event);
        while self.events.len() > self.bounds.events_max || self.bytes > self.bounds.bytes_max {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        if let (Some(oldest), Some(base)) = (self.events.pop_front(), self.base.as_mut()) {
            self.bytes -= oldest.size();
            *base = oldest.checkpoint(base.log_id);
        }
    }

    fn redact(&mut self, erased: AggregateId) {
        self.erasures += 1;
        self.erased.push_back(erased);
        if self.erased.len() > ERASED_MAX {
            self.erased.pop_front();
        }
        for event in self.events.iter_mut().filter(|event| event.recorded().aggregate_id == erased) {
            *event = Arc::new(event.redacted());
        }
    }

    /// What comes after a place. `trusted` is the epoch in which the store was last asked for it.
    pub(super) fn take(&self, from: &Checkpoint, trusted: Option<u64>, filter: &EventFilter) -> Taken {
        let Some(next) = self.next_after(from) else {
            let behind = self.base.is_some_and(|base| from.position < base.position);
            let ahead = self.end().is_none_or(|end| end.position < from.position);
            return match ahead && trusted == Some(self.epoch) {
                true => Taken::NotYet,
                false if behind => Taken::Behind,
                false => Taken::Elsewhere,
            };
        };
        if next == self.events.len() {
            return Taken::End;
        }
        let mut batch = Batch { erasures: self.erasures, ..Batch::default() };
        for event in self.events.range(next..).take(SCANNED_MAX) {
            batch.scanned_to = Some(event.checkpoint(from.log_id));
            if filter::lets_through(filter, event.recorded()) {
                batch.events.push_back(Arc::clone(event));
            }
            if batch.events.len() == TAKEN_MAX {
                break;
            }
        }
        Taken::Events(batch)
    }

    /// The index of the event after a place, if the ring holds that very place.
    fn next_after(&self, from: &Checkpoint) -> Option<usize> {
        let base = self.base.as_ref()?;
        if base == from {
            return Some(0);
        }
        let offset = from.position.0.checked_sub(base.position.0 + 1)?;
        let index = usize::try_from(offset).ok()?;
        (self.events.get(index)?.checkpoint(base.log_id) == *from).then_some(index + 1)
    }
}

#[cfg(test)]
mod tests {
    use eventstore::{EventId, LogId, Metadata, Position, RecordedEvent, Version};
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::*;
    use crate::queries::ListedEvent;

    const LOG: LogId = LogId(Uuid::from_u128(1));
    const ALICE: AggregateId = AggregateId(Uuid::from_u128(2));
    const BOB: AggregateId = AggregateId(Uuid::from_u128(3));

    fn place(position: u64) -> Checkpoint {
        let event_id = Some(EventId(Uuid::from_u128(position.into()))).filter(|_| position > 0);
        Checkpoint { log_id: LOG, position: Position(position), event_id }
    }

    fn event(position: u64, aggregate_id: AggregateId, event_type: &str) -> Arc<FeedEvent> {
        let recorded = RecordedEvent {
            position: Position(position),
            recorded_at: Timestamp::UNIX_EPOCH,
            aggregate_type: "user".to_owned(),
            aggregate_id,
            version: Version(1),
            event_id: EventId(Uuid::from_u128(position.into())),
            event_type: event_type.to_owned(),
            schema_version: 1,
            data: "{}".to_owned(),
            sealed: Some(vec![0; 100]),
            metadata: Metadata::default(),
        };
        Arc::new(FeedEvent(ListedEvent::Unreadable(Box::new(recorded))))
    }

    fn ring_of(events_max: usize, positions: std::ops::RangeInclusive<u64>) -> Ring {
        let mut ring = Ring::new(RingBounds { events_max, ..RingBounds::default() });
        ring.reset(Some(place(positions.start() - 1)));
        for position in positions {
            ring.push(event(position, if position % 2 == 0 { ALICE } else { BOB }, "user.activated"));
        }
        ring
    }

    fn taken(ring: &Ring, from: u64, filter: &EventFilter) -> (Vec<u64>, u64) {
        match ring.take(&place(from), None, filter) {
            Taken::Events(batch) => {
                let events = batch.events.iter().map(|event| event.recorded().position.0).collect();
                (events, batch.scanned_to.expect("it was filled").position.0)
            }
            other => panic!("nothing is taken: {other:?}"),
        }
    }

    #[test]
    fn who_has_seen_a_place_gets_what_comes_after_it() {
        let ring = ring_of(10, 5..=8);
        let all = EventFilter::default();
        assert_eq!(taken(&ring, 4, &all), (vec![5, 6, 7, 8], 8));
        assert_eq!(taken(&ring, 6, &all), (vec![7, 8], 8));
        assert!(matches!(ring.take(&place(8), None, &all), Taken::End));
        assert!(matches!(ring.take(&place(3), None, &all), Taken::Behind), "that is history");
    }

    #[test]
    fn what_the_filter_keeps_back_is_looked_at_all_the_same() {
        let ring = ring_of(10, 1..=7);
        let hers = EventFilter { aggregate_ids: vec![ALICE], ..EventFilter::default() };
        assert_eq!(taken(&ring, 0, &hers), (vec![2, 4, 6], 7));
        assert_eq!(taken(&ring, 6, &hers), (vec![], 7));
    }

    #[test]
    fn the_oldest_make_room_by_count_and_by_size() {
        let ring = ring_of(3, 1..=8);
        assert_eq!(taken(&ring, 5, &EventFilter::default()), (vec![6, 7, 8], 8));
        assert!(matches!(ring.take(&place(4), None, &EventFilter::default()), Taken::Behind));
        let size = event(1, ALICE, "user.activated").size();
        let mut small = Ring::new(RingBounds { events_max: 100, bytes_max: 2 * size });
        small.reset(Some(place(0)));
        for position in 1..=9 {
            small.push(event(position, ALICE, "user.activated"));
        }
        assert_eq!(taken(&small, 7, &EventFilter::default()), (vec![8, 9], 9));
        assert_eq!(small.bytes, 2 * size);
    }

    #[test]
    fn another_event_at_the_place_is_not_the_place() {
        let ring = ring_of(10, 1..=3);
        let all = EventFilter::default();
        let other = Checkpoint { event_id: Some(EventId(Uuid::from_u128(99))), ..place(2) };
        assert!(matches!(ring.take(&other, Some(ring.epoch()), &all), Taken::Elsewhere));
        let elsewhere = Checkpoint { log_id: LogId(Uuid::from_u128(99)), ..place(2) };
        assert!(matches!(ring.take(&elsewhere, Some(ring.epoch()), &all), Taken::Elsewhere));
    }

    #[test]
    fn who_is_ahead_waits_only_if_the_store_knows_her_place() {
        let mut ring = ring_of(10, 1..=3);
        let all = EventFilter::default();
        assert!(matches!(ring.take(&place(5), None, &all), Taken::Elsewhere));
        let trusted = Some(ring.epoch());
        assert!(matches!(ring.take(&place(5), trusted, &all), Taken::NotYet));
        ring.reset(Some(place(2)));
        assert!(matches!(ring.take(&place(5), trusted, &all), Taken::Elsewhere), "the log may be another");
        assert!(matches!(ring.take(&place(2), trusted, &all), Taken::End));
    }

    #[test]
    fn an_erasure_takes_her_out_of_what_is_kept() {
        let mut ring = ring_of(10, 1..=4);
        let before = ring.events.clone();
        let erasures = ring.erasures();
        ring.push(event(5, ALICE, "user.erased"));
        let mut taken = Batch { events: before.clone(), scanned_to: Some(place(4)), erasures };
        ring.refresh(&mut taken);
        let fresh = |index: usize| Arc::ptr_eq(&before[index], &taken.events[index]);
        assert_eq!(
            [fresh(0), fresh(1), fresh(2), fresh(3)],
            [true, false, true, false],
            "also what was taken"
        );
        let same = |index: usize| Arc::ptr_eq(&before[index], &ring.events[index]);
        assert_eq!([same(0), same(1), same(2), same(3)], [true, false, true, false]);
        ring.reset(Some(place(5)));
        ring.refresh(&mut taken);
        assert!(
            taken.events.is_empty() && taken.scanned_to.is_none(),
            "nobody knows who was erased in between"
        );
    }
}
