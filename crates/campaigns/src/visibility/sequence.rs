//! What a reader may see: 1, 2, 3 … without gaps, each once. And a digest by which two of them can be compared.

use std::fmt;

use uuid::Uuid;

use crate::verdict::Findings;

/// Positions as one reader sees them.
#[derive(Debug, Default)]
pub(super) struct Sequence {
    last: u64,
    pub(super) findings: Findings,
}

impl Sequence {
    /// The reader was shown this position.
    pub(super) fn see(&mut self, position: u64) {
        if position <= self.last {
            self.findings
                .add("a reader saw an event again, or too late", format!("{position} after {}", self.last));
        } else if position > self.last + 1 {
            self.findings.add("a reader missed events", format!("{} to {}", self.last + 1, position - 1));
        }
        self.last = self.last.max(position);
    }

    pub(super) fn last(&self) -> u64 {
        self.last
    }
}

/// A set of events at their positions, in a few bytes and in any order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Digest {
    count: u64,
    sum: u128,
}

impl Digest {
    pub(super) fn add(&mut self, position: u64, event_id: Uuid) {
        // The ids are random, so their multiples by different positions do not cancel out by chance.
        self.count += 1;
        self.sum = self.sum.wrapping_add(event_id.as_u128().wrapping_mul(u128::from(position) * 2 + 1));
    }

    pub(super) fn add_all(&mut self, other: Self) {
        self.count += other.count;
        self.sum = self.sum.wrapping_add(other.sum);
    }

    pub(super) fn count(self) -> u64 {
        self.count
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} events, {:016x}", self.count, self.sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(positions: &[u64]) -> u64 {
        let mut sequence = Sequence::default();
        for position in positions {
            sequence.see(*position);
        }
        sequence.findings.count()
    }

    #[test]
    fn gaps_doubles_and_latecomers_are_found() {
        assert_eq!(seen(&[1, 2, 3]), 0);
        assert_eq!(seen(&[2]), 1, "the first is missing");
        assert_eq!(seen(&[1, 3, 4]), 1);
        assert_eq!(seen(&[1, 1]), 1);
        assert_eq!(seen(&[1, 3, 2, 4]), 2, "missed, then too late");
    }

    #[test]
    fn a_digest_tells_places_apart_and_orders_not() {
        let (a, b) = (Uuid::from_u128(5), Uuid::from_u128(9));
        let of = |events: &[(u64, Uuid)]| {
            let mut digest = Digest::default();
            for (position, id) in events {
                digest.add(*position, *id);
            }
            digest
        };
        assert_eq!(of(&[(1, a), (2, b)]), of(&[(2, b), (1, a)]));
        assert_ne!(of(&[(1, a), (2, b)]), of(&[(2, a), (1, b)]));
        assert_ne!(of(&[(1, a)]), of(&[(1, a), (1, a)]));
    }
}
