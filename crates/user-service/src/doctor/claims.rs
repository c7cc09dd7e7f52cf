//! The claims: exactly those that live users' events speak of, each with one owner.

use std::collections::{HashMap, HashSet};

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
    let (expected, shared) = check_owned(directory, fold, report).await?;
    let mut after = None;
    loop {
        let page = directory.store().claims(after, PAGE).await?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after = Some(*last);
        for (key, id) in page {
            let spoken_of =
                expected.get(&key).is_some_and(|(owner, _)| *owner == id) || shared.contains(&key);
            // What somebody owns whose events cannot be read stands in them: that has been said already.
            let unreadable = fold.users.get(&id).is_some_and(|folded| !folded.is_known());
            if !spoken_of && !unreadable && unchanged(directory, fold, id).await? {
                report.findings.push(Finding::ClaimOrphaned { id });
            }
        }
    }
}

/// Whether users own what their events speak of; what that is, and what two of them share.
pub(super) async fn check_owned(
    directory: &Directory,
    fold: &Fold,
    report: &mut Report,
) -> Result<(Owners, HashSet<ClaimKey>), DoctorError> {
    let (expected, shared) = expected(fold, report);
    for (key, (id, scope)) in expected.iter().filter(|(key, _)| !shared.contains(key)) {
        if directory.store().claim_owner(*key).await? != Some(*id) && unchanged(directory, fold, *id).await? {
            report.findings.push(Finding::ClaimMissing { id: *id, scope: scope.clone() });
        }
    }
    Ok((expected, shared))
}

type Owners = HashMap<ClaimKey, (AggregateId, String)>;

/// What live users own, by their events; and what two of them own, which is reported here.
fn expected(fold: &Fold, report: &mut Report) -> (Owners, HashSet<ClaimKey>) {
    let (mut owners, mut shared) = (Owners::new(), HashSet::new());
    for (id, folded) in &fold.users {
        if !folded.is_known() || !matches!(folded.user, User::Live(_)) {
            continue;
        }
        for (scope, key) in &folded.claims {
            if let Some((other, _)) = owners.insert(*key, (*id, scope.clone())) {
                let (id, other) = (other.min(*id), other.max(*id));
                report.findings.push(Finding::ClaimShared { id, other, scope: scope.clone() });
                shared.insert(*key);
            }
        }
    }
    (owners, shared)
}

/// Whether nothing has happened to a user since the fold: otherwise her claims may rightly have changed with her.
async fn unchanged(directory: &Directory, fold: &Fold, id: AggregateId) -> Result<bool, DoctorError> {
    let head = directory.store().stream_head(id).await?;
    Ok(match (head, fold.users.get(&id)) {
        (Some(head), Some(folded)) => head.version == folded.version,
        (None, _) => true,
        (Some(_), None) => false,
    })
}
