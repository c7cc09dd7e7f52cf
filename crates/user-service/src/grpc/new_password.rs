//! A new password of somebody who is here already: it is not made of what is known of her.

use user_api::ApiError;
use user_domain::{Password, PasswordContext};

use super::errors;
use super::fields::Fields;
use super::write::Target;
use crate::directory::Directory;
use crate::read_model;

/// Refuses a password, sent as `field`, that her names and addresses are nearly the whole of. Of nobody nothing is known: the
/// command says that she is not there.
pub(super) async fn apart_from_herself(
    directory: &Directory,
    target: Target,
    field: &'static str,
    password: Password<'_>,
) -> Result<(), ApiError> {
    // From the store: this decides.
    let found = read_model::by_id(directory.store(), target.id.0).await;
    let Some(user) = found.map_err(|error| errors::of_read(&error))? else { return Ok(()) };
    let names = [user.first_name.as_ref(), user.last_name.as_ref()];
    let mut fields = Fields::default();
    fields.check(password.apart_from(field, &PasswordContext::of(&user.email, &user.username, names)));
    fields.done()
}
