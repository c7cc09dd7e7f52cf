//! `CreateUser`: somebody joins. The id is made here; a retry under the same request id gets the first one's.

use eventstore::AggregateId;
use user_api::{ApiError, v1};
use user_domain::{
    AvatarUrl, CreateUser, CredentialAlgorithm, Email, Password, PasswordContext, PersonName, Username,
};

use super::call::Call;
use super::fields::Fields;
use super::write::{Target, Write, bytes_of};
use crate::directory::{Directory, NewCredential};
use crate::passwords::PlainPassword;

pub(super) async fn create_user(
    directory: &Directory,
    call: &Call,
    mut request: v1::CreateUserRequest,
) -> Result<v1::CreateUserResponse, ApiError> {
    let mut fields = Fields::default();
    let command = parse(&mut fields, &request);
    let password = password(&mut fields, directory, &request.password, command.as_ref());
    let request_id = fields.request_id(&request.request_id);
    fields.done()?;
    let (Some(command), Some(password)) = (command, password) else { return Err(fields.error()) };
    request.password.clear();
    request.request_id.clear();
    let id = AggregateId(directory.sources().uuid());
    let target = Target { id, precondition: None, request_id };
    let write = Write { directory, call, method: "CreateUser", request: bytes_of(&request) };
    let written = write.execute_with(target, command.into(), NewCredential::plain(password)).await?;
    Ok(v1::CreateUserResponse { user: written.user, position: written.position, replayed: written.replayed })
}

/// The password of somebody new, which is not made of what is known of her.
pub(super) fn password(
    fields: &mut Fields,
    directory: &Directory,
    text: &str,
    command: Option<&CreateUser>,
) -> Option<PlainPassword> {
    let password = fields.check(Password::chosen("password", text, directory.policy()))?;
    let password = match command {
        Some(command) => fields.check(password.apart_from("password", &known_of(command)))?,
        None => password,
    };
    Some(PlainPassword::new(password.expose()))
}

/// What everybody who knows her would try first.
fn known_of(command: &CreateUser) -> PasswordContext {
    let names = [command.first_name.as_ref(), command.last_name.as_ref()];
    PasswordContext::of(&command.email, &command.username, names)
}

/// Who is to be created, but for her password.
pub(super) fn parse(fields: &mut Fields, request: &v1::CreateUserRequest) -> Option<CreateUser> {
    let email = fields.check(Email::parse(&request.email));
    let username = fields.check(Username::parse(&request.username));
    let first_name =
        fields.check_optional(request.first_name.as_deref(), |text| PersonName::parse("first_name", text));
    let last_name =
        fields.check_optional(request.last_name.as_deref(), |text| PersonName::parse("last_name", text));
    let avatar_url = fields.check_optional(request.avatar_url.as_deref(), AvatarUrl::parse);
    Some(CreateUser {
        email: email?,
        username: username?,
        first_name,
        last_name,
        avatar_url,
        algorithm: CredentialAlgorithm::Argon2id,
    })
}
