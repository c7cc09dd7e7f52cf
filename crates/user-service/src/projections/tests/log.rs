//! Random logs of several users, and what the decoder makes of them, while their keys are there and when they are gone.

use std::collections::BTreeMap;

use cqrs::{Decider, Recorded};
use eventstore::{AggregateId, EventId, Metadata, Position, RecordedEvent};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use user_domain::{Personal, User, UserEvent, Users, histories};
use uuid::Uuid;

use crate::projections::DecodedUserEvent;
use crate::vault::VaultRoot;

/// The histories of several users in one log: their events in turns, a day and a bit apart.
pub(super) fn logs() -> impl Strategy<Value = Vec<Recorded<UserEvent>>> {
    prop::collection::vec(histories::history(), 1..4).prop_map(|histories| {
        let mut streams: Vec<_> = histories.into_iter().map(Vec::into_iter).collect();
        let mut log = Vec::new();
        while streams.iter().any(|stream| !stream.as_slice().is_empty()) {
            for (stream, id) in streams.iter_mut().zip(1_u128..) {
                let position = log.len() + 1;
                log.extend(
                    stream.next().map(|recorded| at(position, AggregateId(Uuid::from_u128(id)), recorded)),
                );
            }
        }
        log
    })
}

fn at(position: usize, aggregate_id: AggregateId, recorded: Recorded<UserEvent>) -> Recorded<UserEvent> {
    let hours = 31 * i64::try_from(position).expect("it is short");
    Recorded {
        aggregate_id,
        position: Position(position as u64),
        recorded_at: Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hours),
        ..recorded
    }
}

/// What the decoder makes of a log, while nobody's key is gone or when the keys of the erased are.
pub(super) fn decoded(log: &[Recorded<UserEvent>], gone: &[AggregateId]) -> Vec<DecodedUserEvent> {
    let mut users: BTreeMap<AggregateId, User> = BTreeMap::new();
    log.iter()
        .map(|recorded| {
            let before = users.remove(&recorded.aggregate_id).unwrap_or_default();
            let after = Users::evolve(before, recorded);
            let event = decode(recorded, &after, gone.contains(&recorded.aggregate_id));
            users.insert(recorded.aggregate_id, after);
            event
        })
        .collect()
}

fn decode(recorded: &Recorded<UserEvent>, after: &User, key_is_gone: bool) -> DecodedUserEvent {
    let encoded = recorded.event.encode();
    let personal = match &encoded.personal {
        None => Personal::None,
        Some(_) if key_is_gone => Personal::Erased,
        Some(text) => Personal::Present(text),
    };
    let (event_type, schema_version) = (recorded.event.event_type(), recorded.event.schema_version());
    let event = UserEvent::decode(event_type, schema_version, &encoded.data, personal).expect("it is ours");
    let sealed = encoded.personal.is_some() && !key_is_gone;
    let claims = Users::claims(after).into_iter().filter(|_| sealed);
    let root = VaultRoot::for_test();
    DecodedUserEvent {
        claims: claims.map(|claim| (claim.scope.to_owned(), root.claim_key(&claim))).collect(),
        raw: RecordedEvent {
            position: recorded.position,
            recorded_at: recorded.recorded_at,
            aggregate_type: Users::AGGREGATE_TYPE.to_owned(),
            aggregate_id: recorded.aggregate_id,
            version: recorded.version,
            event_id: EventId(Uuid::from_u128(recorded.position.0.into())),
            event_type: event_type.to_owned(),
            schema_version,
            data: encoded.data,
            sealed: encoded.personal.map(String::into_bytes),
            metadata: Metadata::default(),
        },
        happened: Recorded { event, ..recorded.clone() },
    }
}

pub(super) fn erased(log: &[Recorded<UserEvent>]) -> Vec<AggregateId> {
    let erasures = log.iter().filter(|recorded| matches!(recorded.event, UserEvent::UserErased(_)));
    erasures.map(|recorded| recorded.aggregate_id).collect()
}
