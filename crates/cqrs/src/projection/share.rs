//! How the work is spread over the instances: whoever has at least two projections fewer than another gets in line behind
//! her, and she gives one away. A difference of one is left alone, so that nothing goes back and forth.
//!
//! The place in line is a lease of its own beside that of the projection. It goes with whoever dies in it, and while
//! somebody is in line nobody else takes what becomes free.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use eventstore::{Fence, Lease, ProjectionError};
use uuid::Uuid;

use super::workplace::{Trouble, Workplace};

/// No name of a projection ends like this.
const IN_LINE: &str = " (next)";

/// What this process has of all the work.
#[derive(Clone, Debug, Default)]
pub(super) struct Share(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// Projections that it has, or is about to ask for.
    has: AtomicU32,
    /// When it gave one away.
    gave: Mutex<Option<Instant>>,
}

/// One of those that a process has, for as long as this lives.
pub(super) struct Had(Share);

impl Share {
    /// One more, and how many others there are.
    pub(super) fn join(&self) -> (Had, u32) {
        let others = self.0.has.fetch_add(1, Ordering::Relaxed);
        (Had(self.clone()), others)
    }

    /// Whether the owner had better leave this projection to whoever is in line. One at a time, and the next when whoever
    /// got it has had the time to take it: else two who leave at once would leave too much.
    pub(super) async fn gives_way<E: Send + Sync + 'static>(
        &self,
        place: &Workplace<E>,
    ) -> Result<bool, Trouble> {
        let leases = Leases::look(place).await?;
        let me = place.settings.holder;
        let next = leases.in_line(place.name()).map(|next| next.fence.holder);
        let is_asked = next.is_some_and(|next| next != me && leases.has_too_much(me, next));
        Ok(is_asked && self.may_give(place.settings.lease_ttl))
    }

    fn may_give(&self, pause: Duration) -> bool {
        let mut gave = self.0.gave.lock().unwrap_or_else(PoisonError::into_inner);
        let may = gave.is_none_or(|gave| gave.elapsed() >= pause);
        if may {
            *gave = Some(Instant::now());
        }
        may
    }
}

impl Drop for Had {
    fn drop(&mut self) {
        self.0.0.has.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Who has what, and who is in line for it, at one moment.
pub(super) struct Leases(Vec<Lease>);

/// What a process makes of a projection that it does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nobody has it, nor waits for it.
    Free,
    /// Somebody has it who has too much.
    Owed,
    /// It is in good hands, or somebody else is in line.
    Kept,
}

impl Leases {
    pub(super) async fn look<E: Send + Sync + 'static>(
        place: &Workplace<E>,
    ) -> Result<Self, ProjectionError> {
        let mut leases = place.projections().leases().await?;
        leases.retain(|lease| !lease.expired);
        Ok(Self(leases))
    }

    /// How a projection stands to a process.
    pub(super) fn standing(&self, projection: &str, me: Uuid) -> Standing {
        let other =
            |lease: Option<&Lease>| lease.map(|lease| lease.fence.holder).filter(|holder| *holder != me);
        match (other(self.of(projection)), other(self.in_line(projection))) {
            (None, None) => Standing::Free,
            (Some(owner), None) if self.has_too_much(owner, me) => Standing::Owed,
            (Some(_) | None, _) => Standing::Kept,
        }
    }

    fn of(&self, projection: &str) -> Option<&Lease> {
        self.0.iter().find(|lease| lease.projection == projection)
    }

    fn in_line(&self, projection: &str) -> Option<&Lease> {
        self.0.iter().find(|lease| lease.projection.strip_suffix(IN_LINE) == Some(projection))
    }

    /// Whether the one should give something to the other.
    fn has_too_much(&self, one: Uuid, other: Uuid) -> bool {
        let owns =
            |lease: &&Lease, holder| lease.fence.holder == holder && !lease.projection.ends_with(IN_LINE);
        let count = |holder| self.0.iter().filter(|lease| owns(lease, holder)).count();
        count(one) >= count(other) + 2
    }
}

/// Our place in line for a projection.
#[derive(Debug, Default)]
pub(super) struct Line(Option<Fence>);

impl Line {
    /// Gets in line, or stays there.
    pub(super) async fn enter<E: Send + Sync + 'static>(
        &mut self,
        place: &Workplace<E>,
    ) -> Result<(), Trouble> {
        let settings = &place.settings;
        let (projections, line) = (place.projections(), in_line(place));
        self.0 = projections.lease(&line, settings.holder, &settings.label, settings.lease_ttl).await?;
        Ok(())
    }

    /// So that nobody waits for us in vain. One that cannot be given back expires.
    pub(super) async fn leave<E: Send + Sync + 'static>(&mut self, place: &Workplace<E>) {
        if let Some(fence) = self.0.take() {
            place.release(&in_line(place), fence).await;
        }
    }
}

fn in_line<E: Send + Sync + 'static>(place: &Workplace<E>) -> String {
    format!("{}{IN_LINE}", place.name())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    const ME: u128 = 1;

    fn leases(held: &[(&str, u128)]) -> Leases {
        let lease = |(projection, holder): &(&str, u128)| Lease {
            projection: (*projection).to_owned(),
            fence: Fence { holder: Uuid::from_u128(*holder), epoch: 1 },
            label: String::new(),
            expires_at: Timestamp::UNIX_EPOCH,
            expired: false,
        };
        Leases(held.iter().map(lease).collect())
    }

    fn standing(held: &[(&str, u128)]) -> Standing {
        leases(held).standing("a", Uuid::from_u128(ME))
    }

    #[test]
    fn what_nobody_has_is_free() {
        assert_eq!(standing(&[]), Standing::Free);
        assert_eq!(standing(&[("b", 2), ("c", 2), ("c (next)", 3)]), Standing::Free);
        assert_eq!(standing(&[("a (next)", ME)]), Standing::Free);
    }

    #[test]
    fn who_has_two_more_owes_one() {
        assert_eq!(standing(&[("a", 2), ("b", 2)]), Standing::Owed);
        assert_eq!(standing(&[("a", 2), ("b", 2), ("a (next)", ME)]), Standing::Owed);
        assert_eq!(standing(&[("a", 2), ("b", 2), ("c", 2), ("d", ME)]), Standing::Owed);
    }

    #[test]
    fn one_more_is_left_alone_and_so_is_what_somebody_else_waits_for() {
        assert_eq!(standing(&[("a", 2)]), Standing::Kept);
        assert_eq!(standing(&[("a", 2), ("b", 2), ("c", ME)]), Standing::Kept);
        assert_eq!(standing(&[("a", 2), ("b", 2), ("a (next)", 3)]), Standing::Kept);
        assert_eq!(standing(&[("a (next)", 3)]), Standing::Kept);
    }

    #[test]
    fn a_place_in_line_counts_for_nobody() {
        assert_eq!(standing(&[("a", 2), ("b (next)", 2)]), Standing::Kept);
    }

    #[test]
    fn one_is_given_at_a_time() {
        let share = Share::default();
        assert!(share.may_give(Duration::from_hours(1)));
        assert!(!share.may_give(Duration::from_hours(1)));
        assert!(share.may_give(Duration::ZERO));
    }
}
