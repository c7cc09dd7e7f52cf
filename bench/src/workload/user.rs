//! A user as a caller knows her: enough to make her next command and her row.

use eventstore::{AggregateId, ClaimKey};
use fastrand::Rng;
use uuid::{Builder, Uuid};

use super::Kind;

/// Her state after some command.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) id: AggregateId,
    pub(crate) version: u64,
    pub(crate) email_key: ClaimKey,
    pub(crate) username_key: ClaimKey,
    /// What her username could be confused with.
    pub(crate) likeness_key: ClaimKey,
    /// Count of her passwords.
    pub(crate) credential: i64,
    /// A random number from which her first name is made.
    pub(crate) profile: u32,
}

/// The first millisecond of 2026. Ids count on from here, so that they come in the order of their making.
const EPOCH_MILLIS: u64 = 1_767_225_600_000;

impl User {
    /// The user after a command on her, or a new one.
    pub(super) fn after(kind: Kind, before: Option<&Self>, random: &mut Rng) -> Self {
        let key = |random: &mut Rng| ClaimKey(Uuid::from_u128(random.u128(..)));
        let Some(before) = before else { return Self::new(random) };
        let mut after = Self { version: before.version + 1, ..before.clone() };
        match kind {
            Kind::Create => {}
            Kind::ChangeEmail => after.email_key = key(random),
            Kind::ChangePassword => after.credential += 1,
            Kind::UpdateProfile => after.profile = random.u32(..),
        }
        after
    }

    fn new(random: &mut Rng) -> Self {
        let mut bytes = [0; 10];
        random.fill(&mut bytes);
        let id = Builder::from_unix_timestamp_millis(millis(), &bytes).into_uuid();
        Self {
            id: AggregateId(id),
            version: 1,
            email_key: ClaimKey(Uuid::from_u128(random.u128(..))),
            username_key: ClaimKey(Uuid::from_u128(random.u128(..))),
            likeness_key: ClaimKey(Uuid::from_u128(random.u128(..))),
            credential: 1,
            profile: random.u32(..),
        }
    }

    /// An address that changes when its claim does.
    pub(crate) fn email(&self) -> String {
        spelled("person.", self.email_key.0, "@example.org")
    }

    pub(crate) fn username(&self) -> String {
        spelled("person_", self.username_key.0, "")
    }

    pub(crate) fn first_name(&self) -> String {
        spelled("Ada ", Uuid::from_u128(self.profile.into()), "")
    }
}

/// Eight digits between two words. By hand: callers share the machine with what is measured, and `format!` takes a
/// third of the time that a command may take there.
fn spelled(before: &str, key: Uuid, after: &str) -> String {
    let mut text = String::with_capacity(before.len() + 8 + after.len());
    text.push_str(before);
    for byte in &key.as_bytes()[12..] {
        for nibble in [byte >> 4, byte & 15] {
            text.push(char::from(b"0123456789abcdef"[usize::from(nibble)]));
        }
    }
    text.push_str(after);
    text
}

/// The process's own clock, counted from a fixed day: order is all that matters.
fn millis() -> u64 {
    use std::sync::OnceLock;
    use std::time::Instant;
    static START: OnceLock<Instant> = OnceLock::new();
    let passed = START.get_or_init(Instant::now).elapsed();
    EPOCH_MILLIS + u64::try_from(passed.as_millis()).unwrap_or(0)
}
