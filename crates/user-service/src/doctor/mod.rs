//! The doctor: checks a store against its own log, and says how to repair what is wrong. It only reads.
//!
//! What it checks: versions and positions have no gaps, every row of the read model equals the fold of its events, claims
//! equal the fold and have one owner each, and each live user has exactly one key and the credential that her events
//! speak of. It may run beside a service: what changes meanwhile is looked at again before it is called wrong.

mod claims;
mod fold;
mod rows;

pub use rows::STATEMENTS;

use std::fmt;

use eventstore::{AggregateId, Position, ReadError};
use thiserror::Error;

use crate::directory::{Directory, HistoryError};
use crate::vault::MasterKeyError;

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
    #[error("user {id}: version {expected} is missing: the next event is version {found}")]
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
}

/// Why the doctor could not finish.
#[derive(Debug, Error)]
pub enum DoctorError {
    /// See its cause.
    #[error("the store cannot be read")]
    Store(#[from] ReadError),
    /// See its cause.
    #[error("a user's key cannot be unwrapped")]
    Key(#[from] MasterKeyError),
    /// See its cause.
    #[error(transparent)]
    History(#[from] HistoryError),
}

/// Checks the whole store, up to its present head.
pub async fn examine(directory: &Directory) -> Result<Report, DoctorError> {
    let keys = rows::secrets(directory).await?;
    let mut fold = fold::Fold::of(directory, keys).await?;
    let mut report = Report { events: fold.events, position: fold.head, ..Report::default() };
    report.findings.append(&mut fold.findings);
    rows::check(directory, &mut fold, &mut report).await?;
    claims::check(directory, &fold, &mut report).await?;
    Ok(report)
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
                "rebuild the row from the log"
            }
            Self::SecretMissing { .. } | Self::CredentialDiffers { .. } => {
                "the vault and the log are of different times: restore both from the same backup"
            }
            Self::SecretUnreadable { .. } => {
                "give the older master keys as well; if that does not help, restore log and vault from the same backup"
            }
            Self::SecretOrphaned { .. } => "delete the key: its user is gone",
            Self::ClaimMissing { .. } | Self::ClaimOrphaned { .. } => "rebuild the claims from the log",
            Self::ClaimShared { .. } => "change the value of one of the two users",
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { events, users, position, findings } = self;
        for finding in findings {
            writeln!(f, "WRONG  {finding}\n       {}", finding.repair())?;
        }
        write!(f, "{events} events, {users} users, up to position {position}: ")?;
        match findings.len() {
            0 => f.write_str("all is well"),
            1 => f.write_str("1 thing is wrong"),
            n => write!(f, "{n} things are wrong"),
        }
    }
}
