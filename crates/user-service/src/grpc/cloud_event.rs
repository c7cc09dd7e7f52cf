//! An event in the shape of `CloudEvents` 1.0, as JSON: what is the same everywhere outside, what is ours in `data`.

use eventstore::LogId;
use serde::Serialize;
use user_api::v1;
use uuid::Uuid;

use super::user_event;
use crate::feed::FeedEvent;

/// The attributes of the specification, and of its extension `sequence`.
#[derive(Debug, Serialize)]
pub(super) struct CloudEvent<'a> {
    specversion: &'static str,
    id: Uuid,
    /// With `id` it names the event for ever.
    source: String,
    r#type: &'a str,
    subject: Uuid,
    time: String,
    datacontenttype: &'static str,
    /// The position, with zeros in front: the extension wants it ordered as text.
    sequence: String,
    data: v1::UserEvent,
}

impl<'a> CloudEvent<'a> {
    pub(super) fn of(log_id: LogId, event: &'a FeedEvent) -> Self {
        let recorded = event.recorded();
        Self {
            specversion: "1.0",
            id: recorded.event_id.0,
            source: format!("/logs/{log_id}"),
            r#type: &recorded.event_type,
            subject: recorded.aggregate_id.0,
            time: recorded.recorded_at.to_string(),
            datacontenttype: "application/json",
            sequence: format!("{:020}", recorded.position.0),
            data: user_event::listed(event.0.clone()),
        }
    }
}
