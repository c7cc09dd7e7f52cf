//! One row of an import on its way to a command.

use eventstore::AggregateId;
use sha2::{Digest, Sha256};
use user_api::v1::import_row::Credential as Given;
use user_api::{ApiError, v1};
use user_domain::{CreateUser, ImportUser, PasswordHash};
use uuid::Uuid;

use super::create_user;
use super::fields::Fields;
use super::write::bytes_of;
use crate::directory::{Directory, NewCredential};

/// A row that says all that it must.
#[derive(Debug)]
pub(super) struct Row {
    /// Whom it may make.
    pub(super) id: AggregateId,
    pub(super) command: ImportUser,
    pub(super) credential: NewCredential,
    /// All that it says, but for the credential: another row under its number is known by it.
    pub(super) bytes: Vec<u8>,
}

impl Row {
    pub(super) fn parse(directory: &Directory, mut row: v1::ImportRow) -> Result<Self, ApiError> {
        let mut fields = Fields::default();
        if row.row == 0 {
            fields.wrong("row", "REQUIRED", "rows are numbered from 1");
        }
        let given = row.credential.take();
        let bytes = bytes_of(&row);
        let inactive = inactive(&mut fields, &row);
        let user = create_user::parse(&mut fields, &like_a_new_user(row));
        let credential = credential(&mut fields, directory, given.as_ref(), user.as_ref());
        fields.done()?;
        let (Some(mut user), Some(credential)) = (user, credential) else { return Err(fields.error()) };
        user.algorithm = credential.algorithm();
        let id = AggregateId(directory.sources().uuid());
        Ok(Self { id, command: ImportUser { user, inactive }, credential, bytes })
    }
}

/// What is asked of whoever is created is asked of whoever comes in.
fn like_a_new_user(row: v1::ImportRow) -> v1::CreateUserRequest {
    let v1::ImportRow { email, username, first_name, last_name, avatar_url, .. } = row;
    v1::CreateUserRequest { email, username, first_name, last_name, avatar_url, ..Default::default() }
}

fn inactive(fields: &mut Fields, row: &v1::ImportRow) -> bool {
    match row.status.as_known() {
        Some(v1::UserStatus::Unspecified | v1::UserStatus::Active) => false,
        Some(v1::UserStatus::Inactive) => true,
        Some(v1::UserStatus::Suspended | v1::UserStatus::Deleted | v1::UserStatus::Erased) | None => {
            fields.wrong("status", "NO_STATUS_OF_A_NEW_USER", "must be active or inactive");
            false
        }
    }
}

fn credential(
    fields: &mut Fields,
    directory: &Directory,
    given: Option<&Given>,
    user: Option<&CreateUser>,
) -> Option<NewCredential> {
    match given {
        None => Some(NewCredential::of_no_password(directory.passwords())),
        Some(Given::Password(text)) => {
            create_user::password(fields, directory, text, user).map(NewCredential::plain)
        }
        Some(Given::PasswordHash(hash)) => {
            fields.check(PasswordHash::parse("password_hash", hash)).map(NewCredential::Hashed)
        }
    }
}

/// The request id of a row: the same for the same row of the same import.
pub(super) fn request_id(import_id: Uuid, row: u64) -> Uuid {
    let digest = Sha256::new().chain_update(import_id).chain_update(row.to_be_bytes()).finalize();
    let (bytes, _) = digest.split_first_chunk().expect("SHA-256 gives 32 bytes");
    uuid::Builder::from_custom_bytes(*bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_the_same_request_id_for_ever() {
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        assert_eq!(request_id(one, 1).to_string(), "d72aafe4-c364-8833-b4e5-147a0e09583c");
        assert_ne!(request_id(one, 1), request_id(one, 2));
        assert_ne!(request_id(one, 1), request_id(two, 1));
    }
}
