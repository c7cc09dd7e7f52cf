//! Where the clock goes.

use std::fmt;
use std::time::SystemTime;

/// So much is believed of a clock that jumps forward: an hour.
const BELIEVED_SECONDS: i64 = 3600;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Jump {
    from: Place,
    to: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Wrong by so many seconds.
    Off(i64),
    /// The second of January 1970.
    BeforeAll,
}

/// Each begins where the one before it ended, and the first where the last did.
pub(super) const JUMPS: [Jump; 6] = [
    Jump { from: Place::Off(0), to: Place::Off(-7200) },
    Jump { from: Place::Off(-7200), to: Place::Off(-5400) },
    Jump { from: Place::Off(-5400), to: Place::BeforeAll },
    Jump { from: Place::BeforeAll, to: Place::Off(0) },
    Jump { from: Place::Off(0), to: Place::Off(3 * 86_400) },
    Jump { from: Place::Off(3 * 86_400), to: Place::Off(0) },
];

/// There and back: what a control is seen by.
pub(super) const A_LONG_ONE: [Jump; 2] = [JUMPS[4], JUMPS[5]];

impl Jump {
    /// By how much the clock is wrong after it.
    pub(super) fn seconds(self) -> i64 {
        self.to.seconds()
    }

    /// Whether somebody has to say that it is right.
    pub(super) fn is_long(self) -> bool {
        self.to.seconds() - self.from.seconds() > BELIEVED_SECONDS
    }
}

impl Place {
    fn seconds(self) -> i64 {
        match self {
            Self::Off(seconds) => seconds,
            Self::BeforeAll => {
                let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
                86_400 - now.as_secs().cast_signed()
            }
        }
    }
}

impl fmt::Display for Jump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "from {:?} to {:?}", self.from, self.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_of_them_are_not_to_be_believed_and_they_make_a_round() {
        let long: Vec<_> = JUMPS.iter().map(|jump| jump.is_long()).collect();
        assert_eq!(long, [false, false, false, true, true, false]);
        assert!(JUMPS.windows(2).all(|pair| pair[0].to == pair[1].from));
        assert_eq!(A_LONG_ONE.map(Jump::is_long), [true, false]);
        assert_eq!(JUMPS.first().map(|jump| jump.from), JUMPS.last().map(|jump| jump.to));
    }
}
