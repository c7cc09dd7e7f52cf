//! Where a user stands: three independent facts, and the one status that callers see of them.

/// What holds of a user. Deleting does not forget a suspension and suspending does not forget an inactivity, so that
/// restoring and reinstating bring back the status before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Standing {
    /// Deactivated.
    pub inactive: bool,
    /// Suspended, for a reason that the event tells.
    pub suspended: bool,
    /// Deleted, and not restored.
    pub deleted: bool,
}

const INACTIVE: i16 = 1;
const SUSPENDED: i16 = 2;
const DELETED: i16 = 4;

impl Standing {
    /// None of it: a user in good standing.
    pub const ACTIVE: Self = Self { inactive: false, suspended: false, deleted: false };

    /// The strongest of what holds: deleted, else suspended, else inactive.
    pub fn status(self) -> Status {
        match self {
            Self { deleted: true, .. } => Status::Deleted,
            Self { suspended: true, .. } => Status::Suspended,
            Self { inactive: true, .. } => Status::Inactive,
            Self { inactive: false, suspended: false, deleted: false } => Status::Active,
        }
    }

    /// As a small number for a column: 1 inactive, 2 suspended, 4 deleted, added up.
    pub fn to_bits(self) -> i16 {
        i16::from(self.inactive) * INACTIVE
            + i16::from(self.suspended) * SUSPENDED
            + i16::from(self.deleted) * DELETED
    }

    /// Back from the column; `None` for a number that `to_bits` never gives.
    pub fn from_bits(bits: i16) -> Option<Self> {
        let known = INACTIVE | SUSPENDED | DELETED;
        (bits & !known == 0).then_some(Self {
            inactive: bits & INACTIVE != 0,
            suspended: bits & SUSPENDED != 0,
            deleted: bits & DELETED != 0,
        })
    }
}

/// What callers see of a user's standing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// In good standing.
    Active,
    /// Deactivated; can be activated.
    Inactive,
    /// Suspended; can be reinstated.
    Suspended,
    /// Deleted; can be restored or erased.
    Deleted,
    /// Gone for good: only ids, kinds and times of what happened remain.
    Erased,
}

impl Status {
    /// All of them, in the order of the contract.
    pub const ALL: [Self; 5] = [Self::Active, Self::Inactive, Self::Suspended, Self::Deleted, Self::Erased];

    /// As events and tables write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Suspended => "suspended",
            Self::Deleted => "deleted",
            Self::Erased => "erased",
        }
    }

    /// Back from what `as_str` gives.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_standing_survives_its_column() {
        for bits in 0..8 {
            assert_eq!(Standing::from_bits(bits).map(Standing::to_bits), Some(bits));
        }
        assert_eq!(Standing::from_bits(8), None);
        assert_eq!(Standing::from_bits(-1), None);
    }

    #[test]
    fn deleted_wins_over_suspended_wins_over_inactive() {
        let statuses: Vec<_> = (0..8).filter_map(Standing::from_bits).map(|s| s.status().as_str()).collect();
        assert_eq!(
            statuses,
            ["active", "inactive", "suspended", "suspended", "deleted", "deleted", "deleted", "deleted"]
        );
    }

    #[test]
    fn every_status_is_read_back() {
        for status in Status::ALL {
            assert_eq!(Status::parse(status.as_str()), Some(status));
        }
        assert_eq!(Status::parse("ACTIVE"), None);
    }
}
