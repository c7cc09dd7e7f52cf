//! Which events a caller wants to see: parsed once for lists, exports and feeds.

use buffa::EnumValue;
use eventstore::{AggregateId, Direction, EventFilter};
use user_api::v1;
use user_domain::{ApiTokenEvent, UserEvent};
use uuid::Uuid;

use super::caller_metadata;
use super::fields::Fields;
use crate::queries::{EventQuestion, Period};

const TYPES_MAX: usize = 50;
const USERS_MAX: usize = 100;

/// Which events are asked for, and in which order.
pub(super) fn question(
    fields: &mut Fields,
    asked: Option<&v1::EventFilter>,
    order: EnumValue<v1::EventOrder>,
    usual: Direction,
) -> EventQuestion {
    let direction = match order.as_known() {
        Some(v1::EventOrder::Unspecified) => usual,
        Some(v1::EventOrder::OldestFirst) => Direction::OldestFirst,
        Some(v1::EventOrder::NewestFirst) => Direction::NewestFirst,
        None => {
            fields.wrong("order", "UNKNOWN_ORDER", "must be oldest first or newest first");
            usual
        }
    };
    EventQuestion { filter: event_filter(fields, asked), period: period(fields, asked), direction }
}

/// What events must be like, but for their times; all of them when nothing is asked.
pub(super) fn event_filter(fields: &mut Fields, asked: Option<&v1::EventFilter>) -> EventFilter {
    let Some(asked) = asked else { return EventFilter::default() };
    EventFilter {
        event_types: types(fields, &asked.types),
        aggregate_type: None,
        aggregate_ids: user_ids(fields, &asked.user_ids),
        actor: Some(asked.actor.clone()).filter(|actor| !actor.is_empty()),
        correlation_id: correlation_id(fields, &asked.correlation_id),
    }
}

fn types(fields: &mut Fields, asked: &[String]) -> Vec<String> {
    // Each is compared with each event.
    if asked.len() > TYPES_MAX {
        fields.wrong("filter.types", "TOO_MANY_TYPES", "must be at most 50");
    }
    let known = [UserEvent::TYPES, ApiTokenEvent::TYPES].concat();
    if asked.iter().any(|name| !known.contains(&name.as_str())) {
        let known = known.join(", ");
        fields.wrong("filter.types", "UNKNOWN_EVENT_TYPE", &format!("must be among {known}"));
    }
    asked.to_vec()
}

fn user_ids(fields: &mut Fields, asked: &[String]) -> Vec<AggregateId> {
    if asked.len() > USERS_MAX {
        fields.wrong("filter.user_ids", "TOO_MANY_USERS", "must be at most 100");
    }
    let ids: Option<Vec<_>> = asked.iter().map(|text| caller_metadata::uuid(text).map(AggregateId)).collect();
    if ids.is_none() {
        fields.wrong("filter.user_ids", "MALFORMED_UUID", "must be UUIDs: 36 characters with hyphens");
    }
    ids.unwrap_or_default()
}

fn correlation_id(fields: &mut Fields, asked: &str) -> Option<Uuid> {
    if asked.is_empty() {
        return None;
    }
    let id = caller_metadata::uuid(asked);
    if id.is_none() {
        fields.wrong("filter.correlation_id", "MALFORMED_UUID", "must be a UUID");
    }
    id
}

/// Between which moments events were recorded.
fn period(fields: &mut Fields, asked: Option<&v1::EventFilter>) -> Period {
    let Some(asked) = asked else { return Period::default() };
    let period = Period {
        from: fields.time("filter.from_time", asked.from_time.as_option()),
        until: fields.time("filter.until_time", asked.until_time.as_option()),
    };
    if period.from.zip(period.until).is_some_and(|(from, until)| from >= until) {
        fields.wrong("filter.until_time", "EMPTY_PERIOD", "must be later than from_time");
    }
    period
}
