//! Whether an event that is in memory is one of those that a listener wants: the same question that the store answers
//! for history.

use eventstore::{EventFilter, RecordedEvent};

pub(super) fn lets_through(filter: &EventFilter, event: &RecordedEvent) -> bool {
    let EventFilter { event_types, aggregate_type, aggregate_ids, actor, correlation_id } = filter;
    (event_types.is_empty() || event_types.contains(&event.event_type))
        && aggregate_type.as_ref().is_none_or(|wanted| *wanted == event.aggregate_type)
        && (aggregate_ids.is_empty() || aggregate_ids.contains(&event.aggregate_id))
        && actor.as_ref().is_none_or(|wanted| event.metadata.actor.as_ref() == Some(wanted))
        && correlation_id.is_none_or(|wanted| event.metadata.correlation_id == Some(wanted))
}

/// Whether it wants everything.
pub(super) fn is_open(filter: &EventFilter) -> bool {
    *filter == EventFilter::default()
}
