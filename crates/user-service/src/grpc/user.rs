//! A user as the contract shows her.

use buffa::{Inline, MessageField};
use buffa_types::google::protobuf::Timestamp as WireTimestamp;
use eventstore::{AggregateId, Position, Version};
use jiff::Timestamp;
use user_api::v1;
use user_domain::{ErasedUser, LiveUser, Status, User};

use crate::queries::Past;

/// A message inside a message, as the generated code holds it.
pub(super) type Field<T> = MessageField<T, Inline<T>>;

/// The user that a command led to. Before her first event there is nothing to show.
pub(super) fn shown(user: &User) -> Field<v1::User> {
    match user {
        User::Absent => MessageField::none(),
        User::Live(user) => MessageField::some(live(user)),
        User::Erased(user) => MessageField::some(erased(user, Some(user.updated_at))),
    }
}

/// The same for who may not see her: what she is called is left out.
pub(super) fn impersonal(user: &User) -> Field<v1::User> {
    let shown = shown(user).into_option();
    shown.map_or_else(MessageField::none, |shown| {
        let v1::User { id, status, created_at, updated_at, deleted_at, etag, .. } = shown;
        let user = v1::User { id, status, created_at, updated_at, deleted_at, etag, ..v1::User::default() };
        MessageField::some(user)
    })
}

/// A user of the past. Of one who has been erased since, not even her status at the time is told.
pub(super) fn past(past: &Past) -> Field<v1::User> {
    match &past.user {
        User::Absent | User::Live(_) => shown(&past.user),
        User::Erased(user) => MessageField::some(erased(user, past.erased_at)),
    }
}

/// Where her last event stands. The command may have found the log further on and changed nothing.
pub(super) fn position(user: &User, otherwise: Position) -> Position {
    match user {
        User::Absent => otherwise,
        User::Live(user) => user.position,
        User::Erased(user) => user.position,
    }
}

pub(super) fn live(user: &LiveUser) -> v1::User {
    v1::User {
        id: user.id.to_string(),
        email: user.email.as_str().to_owned(),
        username: user.username.as_str().to_owned(),
        first_name: user.first_name.as_ref().map(|name| name.as_str().to_owned()),
        last_name: user.last_name.as_ref().map(|name| name.as_str().to_owned()),
        avatar_url: user.avatar_url.as_ref().map(|url| url.as_str().to_owned()),
        status: status(user.status()).into(),
        created_at: time(user.created_at),
        updated_at: time(user.updated_at),
        deleted_at: user.deleted_at.map_or_else(MessageField::none, time),
        etag: etag(user.id, user.version),
    }
}

fn erased(user: &ErasedUser, erased_at: Option<Timestamp>) -> v1::User {
    v1::User {
        id: user.id.to_string(),
        status: v1::UserStatus::Erased.into(),
        created_at: time(user.created_at),
        updated_at: time(user.updated_at),
        deleted_at: erased_at.map_or_else(MessageField::none, time),
        etag: etag(user.id, user.version),
        ..v1::User::default()
    }
}

pub(super) fn time(time: Timestamp) -> Field<WireTimestamp> {
    MessageField::some(time.into())
}

fn status(status: Status) -> v1::UserStatus {
    match status {
        Status::Active => v1::UserStatus::Active,
        Status::Inactive => v1::UserStatus::Inactive,
        Status::Suspended => v1::UserStatus::Suspended,
        Status::Deleted => v1::UserStatus::Deleted,
        Status::Erased => v1::UserStatus::Erased,
    }
}

/// Names one version of one user.
pub(super) fn etag(id: AggregateId, version: Version) -> String {
    format!("{:x}-{:08x}", version.0, mark(id))
}

/// The version that an etag names, if it is one of this user.
pub(super) fn etag_version(etag: &str, id: AggregateId) -> Option<Version> {
    let (version, _) = etag.split_once('-')?;
    let version = Version(u64::from_str_radix(version, 16).ok()?);
    (self::etag(id, version) == etag).then_some(version)
}

/// The random end of an id: enough to tell another user's etag.
#[expect(clippy::cast_possible_truncation, reason = "the last 32 bits are what is wanted")]
fn mark(id: AggregateId) -> u32 {
    id.0.as_u128() as u32
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn an_etag_names_a_version_of_its_own_user() {
        let (alice, bob) = (AggregateId(Uuid::from_u128(1)), AggregateId(Uuid::from_u128(2)));
        let tag = etag(alice, Version(26));
        assert_eq!(tag, "1a-00000001");
        assert_eq!(etag_version(&tag, alice), Some(Version(26)));
        assert_eq!(etag_version(&tag, bob), None);
        for wrong in ["", "-", "1a", "1A-00000001", "01a-00000001", "+1a-00000001", "g-00000001"] {
            assert_eq!(etag_version(wrong, alice), None, "{wrong}");
        }
    }
}
