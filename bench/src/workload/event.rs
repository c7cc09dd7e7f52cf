//! The event rows: types, open parts and lengths of sealed parts as the service writes them.

use eventstore::{EventId, NewEvent};
use fastrand::Rng;
use uuid::Uuid;

use super::Kind;

const CREATED: &str = r#"{"status":"active","credential":{"version":1,"algorithm":"argon2id"}}"#;
const PASSWORD: &str = r#"{"kind":"self","from":{"version":1,"algorithm":"argon2id"},"to":{"version":2,"algorithm":"argon2id"}}"#;

/// A nonce, the personal part with old and new value, the claims that the user holds, a tag. The service's own, for
/// names of a usual length.
const CREATED_BYTES: usize = 290;
const CHANGED_BYTES: usize = 230;

pub(super) fn event(kind: Kind, random: &mut Rng) -> NewEvent {
    let (event_type, data, sealed) = match kind {
        Kind::Create => ("user.created", CREATED, Some(CREATED_BYTES)),
        Kind::ChangeEmail => ("user.email_changed", "{}", Some(CHANGED_BYTES)),
        Kind::ChangePassword => ("user.password_changed", PASSWORD, None),
        Kind::UpdateProfile => ("user.profile_updated", "{}", Some(CHANGED_BYTES)),
    };
    NewEvent {
        event_id: EventId(Uuid::from_u128(random.u128(..))),
        event_type,
        schema_version: 1,
        data: data.to_owned(),
        sealed: sealed.map(|bytes| noise(bytes, random)),
    }
}

/// Random bytes: like everything encrypted they cannot be compressed.
pub(super) fn noise(bytes: usize, random: &mut Rng) -> Vec<u8> {
    let mut noise = vec![0; bytes];
    random.fill(&mut noise);
    noise
}
