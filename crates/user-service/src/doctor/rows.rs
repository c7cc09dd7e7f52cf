//! The rows beside the log: each equals the fold, and each live user has her key and her credential.

use eventstore::{AggregateId, ColumnKind, ReadError, Row, Select, Value};
use user_domain::{LiveUser, User};
use uuid::Uuid;

use super::fold::{Fold, Folded, Keys};
use super::{DoctorError, Finding, Report, tokens};
use crate::directory::{Directory, decode, open};
use crate::read_model::{self, USER_READ_MODEL};
use crate::vault::{self, MasterKeyId, UserKey, Wrapped};

const PAGE: u32 = 1000;

/// A user who changes while she is looked at is looked at again, so often at most.
const LOOKS_MAX: u32 = 10;

static SECRETS: Select = Select {
    sql: "SELECT user_id, key_id, wrapped_key FROM user_secret WHERE user_id > $1 ORDER BY user_id LIMIT $2",
    columns: &[ColumnKind::Uuid, ColumnKind::SmallInt, ColumnKind::Bytes],
};

static IDS: Select = Select {
    sql: "SELECT id FROM user_read_model WHERE id > $1 ORDER BY id LIMIT $2",
    columns: &[ColumnKind::Uuid],
};

/// Every read of the doctor's own, for the test that prepares each on both engines.
pub static STATEMENTS: &[&Select] = &[&SECRETS, &IDS, &tokens::IDS];

/// The unwrapped key of every user.
pub(super) async fn secrets(directory: &Directory) -> Result<Keys, DoctorError> {
    let mut keys = Keys::new();
    for row in all(directory, &SECRETS).await? {
        let [Value::Uuid(id), Value::SmallInt(key_id), Value::Bytes(bytes)] = &row[..] else {
            return Err(ReadError::Corrupt("a row of user_secret does not fit its columns".to_owned()).into());
        };
        let (id, wrapped) =
            (AggregateId(*id), Wrapped { key_id: MasterKeyId(*key_id), bytes: bytes.clone() });
        keys.insert(id, UserKey::unwrap(directory.keys(), id, &wrapped).ok());
    }
    Ok(keys)
}

pub(super) async fn check(
    directory: &Directory,
    fold: &mut Fold,
    report: &mut Report,
) -> Result<(), DoctorError> {
    for row in all(directory, &IDS).await? {
        let [Value::Uuid(id)] = &row[..] else { continue };
        if !is_known(directory, fold, AggregateId(*id)).await? {
            report.findings.push(Finding::RowOrphaned { id: AggregateId(*id) });
        }
    }
    check_users(directory, fold, report).await
}

/// The rows of the users of the fold.
pub(super) async fn check_users(
    directory: &Directory,
    fold: &mut Fold,
    report: &mut Report,
) -> Result<(), DoctorError> {
    let ids: Vec<AggregateId> = fold.users.keys().copied().collect();
    for id in ids {
        if let Some(finding) = look_again(directory, fold, id).await? {
            report.findings.push(finding);
        }
    }
    for (id, key) in &fold.keys {
        match (is_known(directory, fold, *id).await?, key) {
            (false, _) => report.findings.push(Finding::SecretOrphaned { id: *id }),
            (true, None) => report.findings.push(Finding::SecretUnreadable { id: *id }),
            (true, Some(_)) => {}
        }
    }
    report.users = fold.users.values().filter(|folded| matches!(folded.user, User::Live(_))).count() as u64;
    Ok(())
}

/// Whether the id has events; also ones that came after the fold.
async fn is_known(directory: &Directory, fold: &Fold, id: AggregateId) -> Result<bool, ReadError> {
    Ok(fold.users.contains_key(&id) || directory.store().stream_head(id).await?.is_some())
}

/// Compares the row with the fold; folds the rest of her events and compares again if she has changed meanwhile.
async fn look_again(
    directory: &Directory,
    fold: &mut Fold,
    id: AggregateId,
) -> Result<Option<Finding>, DoctorError> {
    let mut finding = None;
    for _ in 0..LOOKS_MAX {
        let folded = fold.users.entry(id).or_default();
        finding = look(directory, id, folded).await?;
        if finding.is_none() {
            return Ok(None);
        }
        let before = folded.version;
        catch_up(directory, id, folded).await?;
        if folded.version == before {
            break;
        }
    }
    Ok(finding)
}

async fn catch_up(directory: &Directory, id: AggregateId, folded: &mut Folded) -> Result<(), DoctorError> {
    let wrapped = vault::key(directory.store(), id).await?;
    let key = wrapped.map(|wrapped| UserKey::unwrap(directory.keys(), id, &wrapped)).transpose()?;
    for event in directory.store().stream(id, folded.version, PAGE).await? {
        let (happened, opened) = (decode(&event, key.as_ref())?, open(&event, key.as_ref())?);
        folded.evolve(&happened, opened);
    }
    Ok(())
}

async fn look(directory: &Directory, id: AggregateId, folded: &Folded) -> Result<Option<Finding>, ReadError> {
    let row = read_model::row(directory.store(), id.0).await?;
    let credential = vault::credential(directory.store(), id.0).await?;
    if folded.is_damaged() {
        return Ok(None);
    }
    if folded.is_locked() {
        // With a secret it is one that cannot be unwrapped, or she was created after the secrets had been read.
        return Ok(credential.is_none().then_some(Finding::SecretMissing { id }));
    }
    Ok(match (&folded.user, row, credential) {
        (User::Live(_), None, _) => Some(Finding::RowMissing { id }),
        (User::Live(_), Some(_), None) => Some(Finding::SecretMissing { id }),
        (User::Live(user), Some(row), Some(credential)) => {
            let (expected, found) = (user.credential.version, credential.version);
            if expected == found {
                difference(user, &row).map(|column| Finding::RowDiffers { id, column })
            } else {
                Some(Finding::CredentialDiffers { id, expected, found })
            }
        }
        (User::Erased(_) | User::Absent, Some(_), _) => Some(Finding::RowOrphaned { id }),
        (User::Erased(_) | User::Absent, None, Some(_)) => Some(Finding::SecretOrphaned { id }),
        (User::Erased(_) | User::Absent, None, None) => None,
    })
}

/// The first column in which the row is not what the events make of her. It need not be one that makes a user: whatever
/// stands in it was written by somebody else.
fn difference(user: &LiveUser, row: &Row) -> Option<&'static str> {
    let columns = USER_READ_MODEL.columns.iter().zip(read_model::full_row(user)).zip(row);
    columns.into_iter().find(|((_, expected), found)| expected != *found).map(|((column, _), _)| column.name)
}

pub(super) async fn all(directory: &Directory, page: &'static Select) -> Result<Vec<Row>, ReadError> {
    let mut rows: Vec<Row> = Vec::new();
    loop {
        let after = match rows.last().map(|row| &row[0]) {
            Some(Value::Uuid(id)) => *id,
            _ => Uuid::nil(),
        };
        let mut more =
            directory.store().select(page, &[Value::Uuid(after), Value::BigInt(PAGE.into())]).await?;
        if more.is_empty() {
            return Ok(rows);
        }
        rows.append(&mut more);
    }
}
