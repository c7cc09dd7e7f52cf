//! `ChangePassword`: for somebody who knows the old one.

use user_api::{ApiError, v1};
use user_domain::{ChangePassword, CredentialAlgorithm, OldPassword, Password};
use zeroize::Zeroizing;

use super::call::Call;
use super::errors;
use super::fields::Fields;
use super::new_password::apart_from_herself;
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
    let text = Zeroizing::new(std::mem::take(&mut request.new_password));
    let new = fields.check(Password::chosen("new_password", &text, directory.policy()));
    fields.done()?;
    let (Some(target), Some(old), Some(new)) = (target, old, new) else { return Err(fields.error()) };
    request.old_password.clear();
    request.request_id.clear();
    let write = Write { directory, call, method: "ChangePassword", request: bytes_of(&request) };
    let old_password = if write.is_repeated(target).await? {
        OldPassword::Differs // nobody looks: the answer is the first one's
    } else {
        let version = verify_old_password(directory, target.id.0, old, call.attempter()).await;
        let version = version.map_err(|error| errors::of_query(&error))?;
        if version.is_some() {
            // Only now: to anybody else the refusal would tell what she is called.
            apart_from_herself(directory, target, "new_password", new).await?;
        }
        version.map_or(OldPassword::Differs, |credential_version| OldPassword::Matches { credential_version })
    };
    let command = ChangePassword { old_password, algorithm: CredentialAlgorithm::Argon2id };
    let credential = NewCredential::plain(PlainPassword::new(new.expose()));
    let written = write.execute_with(target, command.into(), credential).await?;
    Ok(v1::ChangePasswordResponse {
        user: written.user,
        position: written.position,
        replayed: written.replayed,
    })
}
