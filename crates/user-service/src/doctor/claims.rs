//! The claims: exactly those that live users' events speak of, each with one owner.

use std::collections::HashMap;

use eventstore::{AggregateId, ClaimKey};
use user_domain::User;

use super::fold::Fold;
use super::{DoctorError, Finding, Report};
use crate::directory::Directory;

const PAGE: u32 = 1000;

pub(super) async fn check(
    directory: &Directory,
    fold: &Fold,
    report: &mut Report,
) -> Result<(), DoctorError> {
    let expected = expected(fold, report);
    for (key, (id, scope)) in &expected {
        if directory.store().claim_owner(*key).await? != Some(*id) && unchanged(directory, fold, *id).await? {
            report.findings.push(Finding::ClaimMissing { id: *id, scope: scope.clone() });
        }
    }
    let mut after = None;
    loop {
        let page = directory.store().claims(after, PAGE).await?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after = Some(*last);
        for (key, id) in page {
            let known = expected.get(&key).is_some_and(|(owner, _)| *owner == id);
            if !known && unchanged(directory, fold, id).await? {
                report.findings.push(Finding::ClaimOrphaned { id });
            }
        }
    }
}

/// What live users own, by their events.
fn expected(fold: &Fold, report: &mut Report) -> HashMap<ClaimKey, (AggregateId, String)> {
    let mut expected: HashMap<ClaimKey, (AggregateId, String)> = HashMap::new();
    for (id, folded) in &fold.users {
        if !matches!(folded.user, User::Live(_)) {
            continue;
        }
        for (scope, key) in &folded.claims {
            if let Some((other, _)) = expected.insert(*key, (*id, scope.clone())) {
                report.findings.push(Finding::ClaimShared { id: *id, other, scope: scope.clone() });
            }
        }
    }
    expected
}

/// Whether nothing has happened to a user since the fold: otherwise her claims may rightly have changed with her.
async fn unchanged(directory: &Directory, fold: &Fold, id: AggregateId) -> Result<bool, DoctorError> {
    let head = directory.store().stream_head(id).await?;
    Ok(match (head, fold.users.get(&id)) {
        (Some(head), Some(folded)) => head.version == folded.user.version(),
        (None, _) => true,
        (Some(_), None) => false,
    })
}
