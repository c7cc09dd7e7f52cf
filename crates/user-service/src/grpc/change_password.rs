//! `ChangePassword`: for somebody who knows the old one.

use user_api::{ApiError, v1};
use user_domain::{ChangePassword, CredentialAlgorithm, OldPassword, Password};

use super::call::Call;
use super::errors;
use super::fields::Fields;
use super::write::{Target, Write, bytes_of};
use crate::directory::{Directory, NewCredential};
use crate::passwords::PlainPassword;
use crate::queries::verify_old_password;

pub(super) async fn change_password(
    directory: &Directory,
    call: &Call,
    mut request: v1::ChangePasswordRequest,
) -> Result<v1::ChangePasswordResponse, ApiError> {
    let mut fields = Fields::default();
    let target = Target::parse(&mut fields, &request.id, &request.etag, &request.request_id);
    let old = fields.check(Password::claimed("old_password", &request.old_password));
    let old = old.map(|password| PlainPassword::new(password.expose()));
    let new = fields.check(Password::chosen("new_password", &request.new_password, directory.policy()));
    let new = new.map(|password| PlainPassword::new(password.expose()));
    fields.done()?;
    let (Some(target), Some(old), Some(new)) = (target, old, new) else { return Err(fields.error()) };
    request.old_password.clear();
    request.new_password.clear();
    request.request_id.clear();
    let write = Write { directory, call, method: "ChangePassword", request: bytes_of(&request) };
    let old_password = if write.is_repeated(target).await? {
        OldPassword::Differs // nobody looks: the answer is the first one's
    } else {
        let version = verify_old_password(directory, target.id.0, old).await;
        let version = version.map_err(|error| errors::of_query(&error))?;
        version.map_or(OldPassword::Differs, |credential_version| OldPassword::Matches { credential_version })
    };
    let command = ChangePassword { old_password, algorithm: CredentialAlgorithm::Argon2id };
    let written = write.execute_with(target, command.into(), NewCredential::plain(new)).await?;
    Ok(v1::ChangePasswordResponse {
        user: written.user,
        position: written.position,
        replayed: written.replayed,
    })
}
