//! `VerifyPassword`: whether a password is right for an active user.

use user_api::v1::verify_password_request;
use user_api::{ApiError, v1};
use user_domain::Password;

use super::call::Call;
use super::errors;
use super::fields::{By, Fields};
use crate::directory::Directory;
use crate::passwords::PlainPassword;
use crate::queries;

pub(super) async fn verify_password(
    directory: &Directory,
    call: &Call,
    request: v1::VerifyPasswordRequest,
) -> Result<v1::VerifyPasswordResponse, ApiError> {
    let mut fields = Fields::default();
    let by = request.by.as_ref().map(|by| match by {
        verify_password_request::By::Id(id) => By::Id(id),
        verify_password_request::By::Email(email) => By::Email(email),
        verify_password_request::By::Username(username) => By::Username(username),
    });
    let user = fields.user_ref(by.as_ref());
    let password = fields.check(Password::claimed("password", &request.password));
    fields.done()?;
    let (Some(user), Some(password)) = (user, password) else { return Err(fields.error()) };
    let password = PlainPassword::new(password.expose());
    let id = queries::verify_password(directory, &user, password, call.attempter()).await;
    let id = id.map_err(|error| errors::of_query(&error))?;
    Ok(v1::VerifyPasswordResponse {
        valid: id.is_some(),
        user_id: id.map(|id| id.to_string()).unwrap_or_default(),
    })
}
