//! What mends which findings: wishes for the runner, which writes exactly the wrong rows. Nothing is written here.

use std::collections::{BTreeMap, BTreeSet};

use cqrs::projection::{Then, Wish};
use eventstore::AggregateId;

use super::{DoctorError, Finding, Report, examine, examine_users};
use crate::directory::Directory;
use crate::projections::USERS;

/// With more wrong users than this in one projection it is built anew as a whole: that takes less time then.
const USERS_MAX: usize = 100;

/// What mends a report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mending {
    /// The users whose rows are made anew, by projection.
    users: BTreeMap<&'static str, BTreeSet<AggregateId>>,
    /// The projections that are built anew.
    whole: BTreeSet<&'static str>,
    /// What nobody mends.
    left: Vec<Finding>,
}

impl Mending {
    /// What mends these findings. Nothing does while the log itself is wrong: rows may be all that is left of the truth.
    #[must_use]
    pub fn of(report: &Report) -> Self {
        let mut mending = Self::default();
        let trusted = !report.findings.iter().any(Finding::is_of_the_log);
        let unsettled: BTreeSet<_> = report.findings.iter().filter_map(Finding::unsettles).collect();
        for finding in &report.findings {
            match finding {
                Finding::RowDiffers { id, .. } | Finding::RowMissing { id } | Finding::RowOrphaned { id }
                    if trusted && !unsettled.contains(id) =>
                {
                    mending.users.entry(USERS.name).or_default().insert(*id);
                }
                Finding::ProjectionDiffers { id, projection, .. } if trusted => {
                    mending.users.entry(projection).or_default().insert(*id);
                }
                Finding::CountsDiffer { projection, .. } if trusted => {
                    mending.whole.insert(projection);
                }
                other => mending.left.push(other.clone()),
            }
        }
        let many = mending.users.iter().filter(|(_, users)| users.len() > USERS_MAX);
        mending.whole.extend(many.map(|(projection, _)| *projection));
        mending
    }

    /// What to wish of which projection, in order.
    pub fn wishes(&self) -> impl Iterator<Item = (&'static str, Wish)> + '_ {
        let whole = self.whole.iter().map(|projection| (*projection, Wish::Rebuild(Then::Switch)));
        let users = self.users.iter().filter(|(projection, _)| !self.whole.contains(*projection));
        let users = users
            .flat_map(|(projection, users)| users.iter().map(|id| (*projection, Wish::RebuildStream(*id))));
        whole.chain(users)
    }

    /// What nobody mends.
    #[must_use]
    pub fn left(&self) -> &[Finding] {
        &self.left
    }
}

/// Looks again at what has been mended, and says what is still wrong: with that, and with what nobody mends.
pub async fn examine_mended(directory: &Directory, mending: &Mending) -> Result<Vec<Finding>, DoctorError> {
    if !mending.whole.is_empty() {
        return Ok(examine(directory).await?.findings);
    }
    let users: BTreeSet<_> = mending.users.values().flatten().copied().collect();
    let mut findings = examine_users(directory, &users).await?.findings;
    findings.extend(
        mending.left.iter().filter(|finding| !findings.contains(finding)).cloned().collect::<Vec<_>>(),
    );
    Ok(findings)
}
