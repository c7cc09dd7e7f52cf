//! In which order users are listed, where each stands in it, and between which times they were created.
//!
//! The store and this file order alike: texts byte by byte, times to the microsecond, ties by id.

use std::cmp::Ordering;

use eventstore::{EventStore, ReadError, Value};
use jiff::{SignedDuration, Timestamp};
use user_domain::LiveUser;
use uuid::Uuid;

/// What users are sorted by. Ties are broken by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortKey {
    /// When they were created: in the order in which the log tells of it.
    CreatedAt,
    /// When their last event was recorded.
    UpdatedAt,
    /// Their address, in any case.
    Email,
    /// Their name here, in any case.
    Username,
}

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sorting {
    /// The smallest first.
    Ascending,
    /// The greatest first.
    Descending,
}

/// In which order users are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserOrder {
    /// By what.
    pub key: SortKey,
    /// Which way.
    pub sorting: Sorting,
}

/// The place of a user in an order.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchPlace {
    /// What she is sorted by: a text, a time, a position.
    pub key: Value,
    /// Who she is.
    pub id: Uuid,
}

/// When users were created, in whole microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CreatedBetween {
    from: Option<Timestamp>,
    until: Option<Timestamp>,
}

impl CreatedBetween {
    /// At or after a time, and before another one. Users are created at whole microseconds, so a bound between two of them
    /// is as good as the later one.
    #[must_use]
    pub fn new(from: Option<Timestamp>, until: Option<Timestamp>) -> Self {
        Self { from: from.map(rounded_up), until: until.map(rounded_up) }
    }

    /// Whether anybody is left out.
    #[must_use]
    pub fn is_bounded(self) -> bool {
        self.from.is_some() || self.until.is_some()
    }

    /// Whether that was the time.
    #[must_use]
    pub fn holds(self, time: Timestamp) -> bool {
        self.from.is_none_or(|from| time >= from) && self.until.is_none_or(|until| time < until)
    }

    /// As a token is bound to it.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 16] {
        let micros = |time: Option<Timestamp>| time.map_or(i64::MIN, Timestamp::as_microsecond).to_be_bytes();
        let [from, until] = [micros(self.from), micros(self.until)];
        std::array::from_fn(|n| if n < 8 { from[n] } else { until[n - 8] })
    }

    /// The positions of those times: users were created at these.
    pub async fn positions(self, store: &dyn EventStore) -> Result<CreatedFrom, ReadError> {
        let mut bounds = [0, i64::MAX];
        for (bound, time) in bounds.iter_mut().zip([self.from, self.until]) {
            let Some(time) = time else { continue };
            let before = time.checked_sub(SignedDuration::from_micros(1)).unwrap_or(time);
            *bound = i64::try_from(store.position_at(before).await?.0).map_or(i64::MAX, |last| last + 1);
        }
        let [from, until] = bounds;
        Ok(CreatedFrom { from, until })
    }
}

/// At which positions of the log users were created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreatedFrom {
    /// From this one on,
    pub from: i64,
    /// up to and without this one.
    pub until: i64,
}

fn rounded_up(time: Timestamp) -> Timestamp {
    let whole = Timestamp::from_microsecond(time.as_microsecond()).unwrap_or(time);
    let later = if whole < time { whole.checked_add(SignedDuration::from_micros(1)) } else { Ok(whole) };
    later.unwrap_or(whole)
}

impl UserOrder {
    /// The order that the read model's own row has.
    pub const NEWEST_FIRST: Self = Self { key: SortKey::CreatedAt, sorting: Sorting::Descending };

    /// Where a user stands who was created at a position.
    #[must_use]
    pub fn place_of(self, user: &LiveUser, created: i64) -> SearchPlace {
        let key = match self.key {
            SortKey::CreatedAt => Value::BigInt(created),
            SortKey::UpdatedAt => Value::Time(user.updated_at),
            SortKey::Email => Value::Text(user.email.compare_key()),
            SortKey::Username => Value::Text(user.username.compare_key()),
        };
        SearchPlace { key, id: user.id.0 }
    }

    /// Which of two places comes first.
    #[must_use]
    pub fn compare(self, one: &SearchPlace, other: &SearchPlace) -> Ordering {
        let by_key = match (&one.key, &other.key) {
            (Value::Text(one), Value::Text(other)) => one.cmp(other),
            (Value::Time(one), Value::Time(other)) => one.cmp(other),
            (Value::BigInt(one), Value::BigInt(other)) => one.cmp(other),
            (one, other) => panic!("users are not sorted by {one:?} and {other:?}"),
        };
        let ascending = by_key.then_with(|| one.id.cmp(&other.id));
        match self.sorting {
            Sorting::Ascending => ascending,
            Sorting::Descending => ascending.reverse(),
        }
    }

    /// A place that nobody has, before everybody who was created then.
    pub(super) fn before_all(self, created: CreatedFrom) -> SearchPlace {
        let is_time = match self.key {
            SortKey::CreatedAt => {
                let bound = match self.sorting {
                    Sorting::Ascending => created.from,
                    Sorting::Descending => created.until,
                };
                return SearchPlace { key: Value::BigInt(bound), id: Uuid::nil() };
            }
            SortKey::UpdatedAt => true,
            SortKey::Email | SortKey::Username => false,
        };
        let (text, time, id) = match self.sorting {
            Sorting::Ascending => ("", Timestamp::UNIX_EPOCH, Uuid::nil()),
            // The last code point is assigned to nothing, so no value begins with it.
            Sorting::Descending => ("\u{10ffff}", Timestamp::MAX, Uuid::max()),
        };
        SearchPlace { key: if is_time { Value::Time(time) } else { Value::Text(text.to_owned()) }, id }
    }

    /// Whether nobody who was created then stands behind a place.
    pub(super) fn is_over(self, created: CreatedFrom, place: &SearchPlace) -> bool {
        let (SortKey::CreatedAt, Value::BigInt(reached)) = (self.key, &place.key) else { return false };
        match self.sorting {
            Sorting::Ascending => *reached >= created.until,
            Sorting::Descending => *reached < created.from,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_between_two_microseconds_is_the_later_one() {
        let time = |text: &str| text.parse::<Timestamp>().expect("it is a time");
        let between = time("2026-01-01T00:00:00.0000015Z");
        let (early, late) = (time("2026-01-01T00:00:00.000001Z"), time("2026-01-01T00:00:00.000002Z"));
        let from = CreatedBetween::new(Some(between), None);
        assert!(!from.holds(early) && from.holds(late));
        let until = CreatedBetween::new(None, Some(between));
        assert!(until.holds(early) && !until.holds(late));
        let whole = CreatedBetween::new(Some(early), Some(late));
        assert!(whole.holds(early) && !whole.holds(late));
    }
}
