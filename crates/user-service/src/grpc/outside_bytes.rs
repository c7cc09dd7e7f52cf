//! What holds of every text in a request and its headers, whatever was sent: reading it ends, with a value or with words
//! about what is wrong with it.

use eventstore::{AggregateId, Version};
use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;
use user_api::v1;
use user_domain::outside::{bytes, text};
use uuid::Uuid;

use super::caller_metadata::{ACTOR, AGENT, CAUSATION, CORRELATION, FORWARDED, REQUEST, SOURCE, Said};
use super::event_filter::event_filter;
use super::fields::Fields;
use super::{list_users, server_sent_events, user};

const IDS: &[&str] =
    &["01890000-0000-7000-8000-000000000000", "{01890000-0000-7000-8000-000000000000}", "١٢٣"];
const ETAGS: &[&str] = &["1-00000000", "ffffffffffffffff-00000000", "0-0", "+1-00000000"];
const ORDERS: &[&str] = &["created_at", "email desc", "username  asc", "updated_at desc desc"];
const SAID: &[&str] = &[
    "alice",
    "10.0.0.1, 10.0.0.2",
    "[::1]:8080",
    "::ffff:10.0.0.1",
    "01890000-0000-7000-8000-000000000000",
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "Mozilla/5.0 (X11; Linux x86_64)",
];
const QUERIES: &[&str] = &[
    "type=user.created&user_id=x",
    "after_position=18446744073709551615",
    "snapshot=true&resume_token=%00",
    "a=%ff",
];
const HEADERS: [&str; 8] = [ACTOR, REQUEST, CORRELATION, CAUSATION, SOURCE, FORWARDED, AGENT, "traceparent"];

const SHE: AggregateId = AggregateId(Uuid::nil());

proptest! {
    #[test]
    fn outside_bytes_are_an_id_or_none(input in text(IDS)) {
        let mut fields = Fields::default();
        if let Some(id) = fields.id(&input) {
            prop_assert_eq!(id.0.to_string(), input.to_ascii_lowercase());
        }
    }

    #[test]
    fn outside_bytes_are_an_etag_or_none(input in text(ETAGS), version in any::<u64>()) {
        if let Some(version) = user::etag_version(&input, SHE) {
            prop_assert_eq!(user::etag(SHE, version), input, "there is one spelling");
        }
        let given = user::etag(SHE, Version(version));
        prop_assert_eq!(user::etag_version(&given, SHE), Some(Version(version)));
    }

    #[test]
    fn outside_bytes_are_an_order_and_a_filter_or_none(input in text(ORDERS), other in text(IDS)) {
        let mut fields = Fields::default();
        list_users::order(&mut fields, &input);
        let filter = v1::EventFilter {
            types: vec![input.clone()],
            user_ids: vec![other.clone()],
            actor: input,
            correlation_id: other,
            ..Default::default()
        };
        event_filter(&mut fields, Some(&filter));
        prop_assert!(fields.done().is_err(), "it is no type of an event");
    }

    #[test]
    fn outside_bytes_are_headers_of_a_caller_or_none(
        headers in prop::collection::vec((prop::sample::select(&HEADERS), bytes(SAID)), 0..10),
    ) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                map.append(HeaderName::from_static(name), value);
            }
        }
        let said = Said::parse(&mut Fields::default(), &map);
        // What goes into the log for ever is short, and can be shown as it is.
        for text in [said.actor, said.origin.source_address, said.origin.user_agent].into_iter().flatten() {
            prop_assert!(text.len() <= 500 && text.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{text:?}");
        }
    }

    #[test]
    fn outside_bytes_are_a_query_of_a_feed_or_none(input in text(QUERIES)) {
        server_sent_events::asked(&mut Fields::default(), &input);
    }

    #[test]
    fn any_number_is_a_time_or_none(seconds in any::<i64>(), nanos in any::<i32>()) {
        let time = buffa_types::google::protobuf::Timestamp { seconds, nanos, ..Default::default() };
        let read = jiff::Timestamp::try_from(time);
        prop_assert!(read.is_err() || (-62_135_596_800..=253_402_300_799).contains(&seconds));
    }
}
