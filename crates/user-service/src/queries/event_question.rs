//! Which events, in which order, and which page of them.

use eventstore::{Direction, EventFilter, RecordedEvent};

use super::{ListedEvent, PageToken, Period};

/// Which events, and in which order. By default all of them, oldest first.
#[derive(Clone, Debug, Default)]
pub struct EventQuestion {
    /// What they must be like.
    pub filter: EventFilter,
    /// When they were recorded.
    pub period: Period,
    /// From which end.
    pub direction: Direction,
}

/// Which page.
#[derive(Clone, Copy, Debug)]
pub struct PageOf<'a> {
    /// How many events at most; more than 0.
    pub size: u32,
    /// What the page before gave; empty for the first.
    pub token: &'a str,
    /// What tokens of this question are bound to.
    pub binding: PageToken<'a>,
}

/// A page of what happened. It may be short, even empty, although more follow: a page costs so much and no more.
#[derive(Clone, Debug)]
pub struct EventsPage {
    /// In the order of the question.
    pub events: Vec<ListedEvent>,
    /// For the next page; `None` when this is the last.
    pub next: Option<String>,
}

impl EventQuestion {
    /// Whether an event of the right stream is one of them.
    pub(super) fn wants(&self, event: &RecordedEvent) -> bool {
        let EventFilter { event_types, aggregate_type, aggregate_ids, actor, correlation_id } = &self.filter;
        self.period.includes(event)
            && (event_types.is_empty() || event_types.contains(&event.event_type))
            && aggregate_type.as_ref().is_none_or(|wanted| *wanted == event.aggregate_type)
            && (aggregate_ids.is_empty() || aggregate_ids.contains(&event.aggregate_id))
            && actor.as_ref().is_none_or(|wanted| event.metadata.actor.as_ref() == Some(wanted))
            && correlation_id.is_none_or(|wanted| event.metadata.correlation_id == Some(wanted))
    }

    /// Whether every event is.
    pub(super) fn wants_all(&self) -> bool {
        self.filter == EventFilter::default() && self.period == Period::default()
    }
}
