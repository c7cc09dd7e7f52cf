//! `SetPassword`: for administrators and imports, as a password or as the hash of one.

use user_api::v1::set_password_request::Credential;
use user_api::{ApiError, v1};
use user_domain::{Password, PasswordHash, SetPassword};

use super::call::Call;
use super::fields::Fields;
use super::new_password::apart_from_herself;
use super::write::{Target, Write, bytes_of};
use crate::directory::{Directory, NewCredential};
use crate::passwords::PlainPassword;

pub(super) async fn set_password(
    directory: &Directory,
    call: &Call,
    mut request: v1::SetPasswordRequest,
) -> Result<v1::SetPasswordResponse, ApiError> {
    let mut fields = Fields::default();
    let target = Target::parse(&mut fields, &request.id, &request.etag, &request.request_id);
    let given = request.credential.take();
    let credential = credential(&mut fields, directory, given.as_ref());
    fields.done()?;
    let (Some(target), Some(credential)) = (target, credential) else { return Err(fields.error()) };
    request.request_id.clear();
    let command = SetPassword { algorithm: credential.algorithm() };
    let write = Write { directory, call, method: "SetPassword", request: bytes_of(&request) };
    if let Some(Credential::Password(text)) = &given
        && !write.is_repeated(target).await?
    {
        let password = Password::claimed("password", text).map_err(|_| fields.error())?;
        apart_from_herself(directory, target, "password", password).await?;
    }
    let written = write.execute_with(target, command.into(), credential).await?;
    Ok(v1::SetPasswordResponse { user: written.user, position: written.position, replayed: written.replayed })
}

fn credential(
    fields: &mut Fields,
    directory: &Directory,
    given: Option<&Credential>,
) -> Option<NewCredential> {
    match given {
        Some(Credential::Password(password)) => {
            let password = fields.check(Password::chosen("password", password, directory.policy()))?;
            Some(NewCredential::plain(PlainPassword::new(password.expose())))
        }
        Some(Credential::PasswordHash(hash)) => {
            fields.check(PasswordHash::parse("password_hash", hash)).map(NewCredential::Hashed)
        }
        None => {
            fields.wrong("password", "REQUIRED", "give exactly one of password and password_hash");
            None
        }
    }
}
