//! What the doctor says: what is wrong and what to do about it, and what is worth knowing. Ids, names and numbers only.

use std::collections::BTreeSet;
use std::fmt;

use cqrs::projection::{Difference, NotComparable};
use eventstore::{AggregateId, Position};
use thiserror::Error;

/// What the doctor found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Events that were read.
    pub events: u64,
    /// Users who live, deleted ones included.
    pub users: u64,
    /// Everything up to here was looked at.
    pub position: Position,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// What is not wrong, and worth knowing.
    pub remarks: Vec<Remark>,
    /// How much was looked at.
    pub extent: Extent,
}

/// How much was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Extent {
    /// Everything.
    #[default]
    Whole,
    /// Some users.
    Sample,
}

/// Something about the projections that is not wrong.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Remark {
    /// Nothing of it was compared.
    #[error("projection {projection}: its rows are not compared: {reason}")]
    NotCompared {
        /// Which.
        projection: String,
        /// Why.
        reason: NotComparable,
    },
    /// Rows of some users were not compared.
    #[error("projection {projection}: the rows of {users} users are not compared, of user {first}: {reason}")]
    UsersNotCompared {
        /// Which.
        projection: String,
        /// How many.
        users: usize,
        /// One of them.
        first: AggregateId,
        /// Why hers were not.
        reason: NotComparable,
    },
    /// What it counts was not compared.
    #[error("projection {projection}: its counts are not compared: {reason}")]
    CountsNotCompared {
        /// Which.
        projection: String,
        /// Why.
        reason: NotComparable,
    },
    /// Rows follow from the log, and that is wrong already.
    #[error("the rows of projections are not compared: the log itself is wrong")]
    LogIsWrong,
    /// It is behind.
    #[error("projection {projection}: {events} events behind, {seconds} s. Does a service run?")]
    Lags {
        /// Which.
        projection: String,
        /// By how much.
        events: u64,
        /// Since when.
        seconds: u64,
    },
    /// It does not go on.
    #[error("projection {projection}: it is paused: {reason}")]
    Paused {
        /// Which.
        projection: String,
        /// Why.
        reason: String,
    },
    /// Events wait for being projected.
    #[error("projection {projection}: {users} users are parked, see `projection parked list {projection}`")]
    Parked {
        /// Which.
        projection: String,
        /// How many.
        users: u64,
    },
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Finding {
    /// I5.
    #[error("position {expected} is missing: the next event stands at {found}")]
    PositionGap {
        /// Where an event should stand.
        expected: u64,
        /// Where the next one stands.
        found: u64,
    },
    /// I4.
    #[error("stream {id}: version {expected} is missing: the next event is version {found}")]
    VersionGap {
        /// Whose stream.
        id: AggregateId,
        /// Which version should come.
        expected: u64,
        /// Which one comes.
        found: u64,
    },
    /// The log's times go backwards.
    #[error("position {position}: recorded before the event in front of it")]
    TimeBackwards {
        /// Where.
        position: u64,
    },
    /// An event cannot be read.
    #[error("position {position}: {cause}")]
    Unreadable {
        /// Where.
        position: u64,
        /// Why.
        cause: String,
    },
    /// I6.
    #[error("user {id}: her row differs from her events in {column}")]
    RowDiffers {
        /// Whose row.
        id: AggregateId,
        /// The first column that differs.
        column: &'static str,
    },
    /// I6.
    #[error("user {id}: she lives and has no row")]
    RowMissing {
        /// Whose row.
        id: AggregateId,
    },
    /// I6 and erasure.
    #[error("user {id}: there is a row of hers, and no live user")]
    RowOrphaned {
        /// Whose row.
        id: AggregateId,
    },
    /// I6.
    #[error("user {id}: her rows in projection {projection} differ from her events: {}", listed(differences))]
    ProjectionDiffers {
        /// Whose rows.
        id: AggregateId,
        /// Where.
        projection: &'static str,
        /// How.
        differences: BTreeSet<Difference>,
    },
    /// I6.
    #[error("the counts in projection {projection} differ from the log: {}", listed(differences))]
    CountsDiffer {
        /// Where.
        projection: &'static str,
        /// How.
        differences: BTreeSet<Difference>,
    },
    /// I9.
    #[error("user {id}: she lives and has no key, or no credential")]
    SecretMissing {
        /// Whose key.
        id: AggregateId,
    },
    /// I9.
    #[error("user {id}: there is a key of hers, and no live user")]
    SecretOrphaned {
        /// Whose key.
        id: AggregateId,
    },
    /// I9.
    #[error("user {id}: none of the given master keys opens her key")]
    SecretUnreadable {
        /// Whose key.
        id: AggregateId,
    },
    /// I9.
    #[error("user {id}: the vault has credential {found}, her events speak of {expected}")]
    CredentialDiffers {
        /// Whose credential.
        id: AggregateId,
        /// What the events say.
        expected: u32,
        /// What the vault has.
        found: u32,
    },
    /// I7.
    #[error("user {id}: she does not own the claim of her {scope}")]
    ClaimMissing {
        /// Who should.
        id: AggregateId,
        /// Of what.
        scope: String,
    },
    /// I7.
    #[error("user {id}: she owns a claim that her events do not speak of")]
    ClaimOrphaned {
        /// Who does.
        id: AggregateId,
    },
    /// I7.
    #[error("users {id} and {other} both live with the same {scope}")]
    ClaimShared {
        /// One.
        id: AggregateId,
        /// The other.
        other: AggregateId,
        /// What they share.
        scope: String,
    },
    /// I9.
    #[error("token {id}: it lives, and the vault does not know it")]
    TokenRowMissing {
        /// Which token.
        id: AggregateId,
    },
    /// I9.
    #[error("token {id}: what the vault says of it is not what its events say")]
    TokenRowDiffers {
        /// Which token.
        id: AggregateId,
    },
    /// I9.
    #[error("token {id}: the vault admits it, and it was never created, or has been revoked")]
    TokenRowOrphaned {
        /// Which token.
        id: AggregateId,
    },
}

impl Finding {
    /// What to do about it.
    #[must_use]
    pub fn repair(&self) -> &'static str {
        match self {
            Self::PositionGap { .. } | Self::VersionGap { .. } | Self::TimeBackwards { .. } => {
                "the log has been changed from outside: restore a backup"
            }
            Self::Unreadable { .. } => {
                "if the type is unknown, use a newer binary; else the log has been changed from outside: restore a backup"
            }
            Self::RowDiffers { .. } | Self::RowMissing { .. } | Self::RowOrphaned { .. } => {
                "`doctor --repair` makes the row anew from the log"
            }
            Self::ProjectionDiffers { .. } => "`doctor --repair` makes her rows anew from the log",
            Self::CountsDiffer { .. } => "`doctor --repair` builds the projection anew, beside the live one",
            Self::SecretMissing { .. } | Self::CredentialDiffers { .. } => {
                "the vault and the log are of different times: restore both from the same backup"
            }
            Self::SecretUnreadable { .. } => {
                "give the older master keys as well; if that does not help, restore log and vault from the same backup"
            }
            Self::SecretOrphaned { .. } => "delete the key: its user is gone",
            Self::ClaimMissing { .. } | Self::ClaimOrphaned { .. } => {
                "claims are not mended: restore a backup, or ask for help with this line"
            }
            Self::ClaimShared { .. } => "change the value of one of the two users",
            Self::TokenRowMissing { .. } => "it admits nobody: revoke it, and create another",
            Self::TokenRowDiffers { .. } => {
                "the vault has been changed from outside: revoke the token, and create another"
            }
            Self::TokenRowOrphaned { .. } => "delete its row from api_token: whoever has the token may call",
        }
    }

    /// Whose rows cannot be judged, nor made anew, before it is repaired: what they follow from is not all there.
    pub(super) fn unsettles(&self) -> Option<AggregateId> {
        match self {
            Self::SecretMissing { id }
            | Self::SecretOrphaned { id }
            | Self::SecretUnreadable { id }
            | Self::CredentialDiffers { id, .. } => Some(*id),
            Self::PositionGap { .. }
            | Self::VersionGap { .. }
            | Self::TimeBackwards { .. }
            | Self::Unreadable { .. }
            | Self::RowDiffers { .. }
            | Self::RowMissing { .. }
            | Self::RowOrphaned { .. }
            | Self::ProjectionDiffers { .. }
            | Self::CountsDiffer { .. }
            | Self::ClaimMissing { .. }
            | Self::ClaimOrphaned { .. }
            | Self::ClaimShared { .. }
            | Self::TokenRowMissing { .. }
            | Self::TokenRowDiffers { .. }
            | Self::TokenRowOrphaned { .. } => None,
        }
    }

    /// Whether the log is not what it was: then nothing can be made anew from it.
    pub(super) fn is_of_the_log(&self) -> bool {
        matches!(self, Self::PositionGap { .. } | Self::VersionGap { .. } | Self::TimeBackwards { .. })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { events, users, position, findings, remarks, extent } = self;
        for finding in findings {
            writeln!(f, "WRONG  {finding}\n       {}", finding.repair())?;
        }
        for remark in remarks {
            writeln!(f, "NOTE   {remark}")?;
        }
        match extent {
            Extent::Whole => write!(f, "{events} events, {users} users, up to position {position}: ")?,
            Extent::Sample => write!(f, "a sample: {events} events, {users} users: ")?,
        }
        match findings.len() {
            0 => f.write_str("all is well"),
            1 => f.write_str("1 thing is wrong"),
            n => write!(f, "{n} things are wrong"),
        }
    }
}

fn listed(differences: &BTreeSet<Difference>) -> String {
    differences.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
