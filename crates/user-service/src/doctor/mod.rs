//! The doctor: checks a store against its own log, and says how to repair what is wrong. It only reads; what can be
//! mended it says in the words of the runner, who does it.
//!
//! What it checks: versions and positions have no gaps, every row of the read model and of each projection equals the
//! fold of its events, claims equal the fold and have one owner each, each live user has exactly one key and the
//! credential that her events speak of, and each token that lives has its row in the vault. It may run beside a service: what changes meanwhile is looked at again before it
//! is called wrong.

mod report;
mod fold;
mod rows;
mod claims;
mod tokens;
mod projected;
mod mending;
mod rounds;

pub use mending::{Mending, examine_mended};
pub use report::{Extent, Finding, Remark, Report};
pub use rounds::Rounds;
pub use rows::STATEMENTS;

use std::collections::BTreeSet;

use cqrs::projection::NotChecked;
use eventstore::{AggregateId, ProjectionError, ReadError};
use thiserror::Error;

use crate::directory::{Directory, HistoryError};
use crate::vault::MasterKeyError;
use fold::Fold;

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
    /// See its cause.
    #[error("the projections cannot be asked")]
    Projections(#[from] ProjectionError),
    /// See its cause.
    #[error("the rows of a projection cannot be compared")]
    NotChecked(#[from] NotChecked),
}

/// How far an examination of the whole store has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// So many events have been read.
    Read {
        /// Of them.
        events: u64,
        /// How many there are.
        of: u64,
    },
    /// All have been, and this is compared with what they add up to.
    Compares(&'static str),
}

/// Checks the whole store, up to its present head. Holds about a kilobyte for each user, and what is counted.
pub async fn examine(directory: &Directory) -> Result<Report, DoctorError> {
    examine_telling(directory, |_| ()).await
}

/// The same, and tells how far it has come.
pub async fn examine_telling(
    directory: &Directory,
    told: impl Fn(Progress) + Sync,
) -> Result<Report, DoctorError> {
    let keys = rows::secrets(directory).await?;
    let mut fold = Fold::of(directory, keys, &told).await?;
    let mut report = Report { events: fold.events, position: fold.head, ..Report::default() };
    report.findings.append(&mut fold.findings);
    told(Progress::Compares("rows"));
    rows::check(directory, &mut fold, &mut report).await?;
    told(Progress::Compares("claims"));
    claims::check(directory, &fold, &mut report).await?;
    told(Progress::Compares("tokens"));
    tokens::check(directory, &fold, &mut report).await?;
    told(Progress::Compares("projections"));
    projected::check(directory, &fold, &mut report).await?;
    Ok(report)
}

/// Checks so many users, drawn at random, and how the projections are. Costs nothing for the others.
pub async fn examine_some(directory: &Directory, count: usize) -> Result<Report, DoctorError> {
    let ids = directory.projections().some_streams(count).await?;
    examine_users(directory, &ids).await
}

/// Checks these users: their events, rows, secrets and claims.
pub async fn examine_users(
    directory: &Directory,
    ids: &BTreeSet<AggregateId>,
) -> Result<Report, DoctorError> {
    let mut fold = Fold::of_users(directory, ids).await?;
    let mut report =
        Report { extent: Extent::Sample, events: fold.events, position: fold.head, ..Report::default() };
    report.findings.append(&mut fold.findings);
    rows::check_users(directory, &mut fold, &mut report).await?;
    claims::check_owned(directory, &fold, &mut report).await?;
    projected::check_users(directory, &fold, ids, &mut report).await?;
    Ok(report)
}
