//! The rows of the projections that follow the log: each equals the fold, at the checkpoint where it stands.
//!
//! What appends write is looked at elsewhere, together with the vault.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use cqrs::projection::{Checked, Difference, NotComparable};
use eventstore::{AggregateId, ProjectionLayout, ProjectionMode, Slot};

use super::fold::Fold;
use super::{DoctorError, Finding, Remark, Report};
use crate::directory::Directory;
use crate::projections::LAYOUTS;

/// A projection that is behind by less than this is not worth a remark: nobody waits for it that long.
const LAG_NOTED: Duration = Duration::from_secs(10);

/// Everything.
pub(super) async fn check(
    directory: &Directory,
    fold: &Fold,
    report: &mut Report,
) -> Result<(), DoctorError> {
    remark(directory, report).await?;
    if report.findings.iter().any(Finding::is_of_the_log) {
        report.remarks.push(Remark::LogIsWrong);
        return Ok(());
    }
    let unsettled = unsettled(fold, report);
    for projection in names() {
        let checked = directory.projections().check_all(projection).await?;
        if let Some(reason) = checked.nothing {
            report.remarks.push(Remark::NotCompared { projection: projection.to_owned(), reason });
        }
        let wrong = checked.wrong.into_iter().filter(|(id, _)| !unsettled.contains(id));
        report.findings.extend(wrong.map(|(id, differences)| differ(id, projection, differences)));
        if !checked.counts.is_empty() {
            report.findings.push(Finding::CountsDiffer { projection, differences: checked.counts });
        }
        if let Some(reason) = checked.counts_skipped {
            report.remarks.push(Remark::CountsNotCompared { projection: projection.to_owned(), reason });
        }
        skipped(projection, &checked.streams_skipped, report);
    }
    Ok(())
}

/// These users. What is counted is not looked at.
pub(super) async fn check_users(
    directory: &Directory,
    fold: &Fold,
    ids: &BTreeSet<AggregateId>,
    report: &mut Report,
) -> Result<(), DoctorError> {
    remark(directory, report).await?;
    let unsettled = unsettled(fold, report);
    for projection in names() {
        let mut not_compared = BTreeMap::new();
        for id in ids.iter().filter(|id| !unsettled.contains(id)) {
            match directory.projections().check(projection, *id).await? {
                Checked::Compared(differences) if differences.is_empty() => {}
                Checked::Compared(differences) => {
                    report.findings.push(differ(*id, projection, differences));
                }
                Checked::NotComparable(reason) => drop(not_compared.insert(*id, reason)),
            }
        }
        skipped(projection, &not_compared, report);
    }
    Ok(())
}

fn names() -> impl Iterator<Item = &'static str> {
    LAYOUTS.iter().filter(|layout| follows_the_log(layout)).map(|layout| layout.name)
}

fn follows_the_log(layout: &ProjectionLayout) -> bool {
    match layout.mode {
        ProjectionMode::Async => true,
        ProjectionMode::Inline => false,
    }
}

fn differ(id: AggregateId, projection: &'static str, differences: BTreeSet<Difference>) -> Finding {
    Finding::ProjectionDiffers { id, projection, differences }
}

fn skipped(projection: &'static str, users: &BTreeMap<AggregateId, NotComparable>, report: &mut Report) {
    if let Some((first, reason)) = users.first_key_value() {
        let (projection, users) = (projection.to_owned(), users.len());
        report.remarks.push(Remark::UsersNotCompared { projection, users, first: *first, reason: *reason });
    }
}

/// Of whom it is not known what her rows should be: that has been said already, and nothing follows from the rest.
fn unsettled(fold: &Fold, report: &Report) -> HashSet<AggregateId> {
    let unknown = fold.users.iter().filter(|(_, folded)| !folded.is_known()).map(|(id, _)| *id);
    unknown.chain(report.findings.iter().filter_map(Finding::unsettles)).collect()
}

/// How the projections are.
async fn remark(directory: &Directory, report: &mut Report) -> Result<(), DoctorError> {
    for status in directory.projections().status().await? {
        let live = status.generations.iter().find(|found| found.generation.slot == Slot::Live);
        let Some(live) = live.filter(|_| status.known.is_some()) else { continue };
        let (projection, generation) = (|| status.name.clone(), &live.generation);
        let remarks = &mut report.remarks;
        if let Some(reason) = generation.paused.clone() {
            remarks.push(Remark::Paused { projection: projection(), reason });
        } else if live.lag >= LAG_NOTED {
            let (events, seconds) = (live.lag_events, live.lag.as_secs());
            remarks.push(Remark::Lags { projection: projection(), events, seconds });
        }
        if generation.parked_streams > 0 {
            remarks.push(Remark::Parked { projection: projection(), users: generation.parked_streams });
        }
    }
    Ok(())
}
