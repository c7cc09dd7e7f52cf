//! `UpdateUser`: e-mail, username and profile in one step. Leaving a field alone and clearing it are different.

use user_api::{ApiError, v1};
use user_domain::{AvatarUrl, Email, Patch, PersonName, ProfilePatch, UpdateUser, Username, Violation};

use super::call::Call;
use super::fields::Fields;
use super::write::{Target, Write, bytes_of};
use crate::directory::Directory;

/// What can be updated, by the names that a mask has for it.
const PATHS: [&str; 5] = ["email", "username", "first_name", "last_name", "avatar_url"];

pub(super) async fn update_user(
    directory: &Directory,
    call: &Call,
    mut request: v1::UpdateUserRequest,
) -> Result<v1::UpdateUserResponse, ApiError> {
    let mut fields = Fields::default();
    let target = Target::parse(&mut fields, &request.id, &request.etag, &request.request_id);
    let command = parse(&mut fields, &request);
    fields.done()?;
    let target = target.ok_or_else(|| fields.error())?;
    request.request_id.clear();
    let write = Write { directory, call, method: "UpdateUser", request: bytes_of(&request) };
    let written = write.execute(target, command.into()).await?;
    Ok(v1::UpdateUserResponse { user: written.user, position: written.position, replayed: written.replayed })
}

fn parse(fields: &mut Fields, request: &v1::UpdateUserRequest) -> UpdateUser {
    let mask = request.update_mask.as_option().map(|mask| &mask.paths);
    if mask.is_some_and(|paths| paths.iter().any(|path| !PATHS.contains(&path.as_str()))) {
        fields.wrong(
            "update_mask",
            "UNKNOWN_PATH",
            "may name email, username, first_name, last_name and avatar_url",
        );
    }
    let asked = |path: &str, value: &Option<String>| match mask {
        None => value.clone(),
        Some(paths) => paths.iter().any(|asked| asked == path).then(|| value.clone().unwrap_or_default()),
    };
    UpdateUser {
        email: asked("email", &request.email).and_then(|text| fields.check(Email::parse(&text))),
        username: asked("username", &request.username).and_then(|text| fields.check(Username::parse(&text))),
        profile: ProfilePatch {
            first_name: patch(fields, asked("first_name", &request.first_name).as_deref(), |text| {
                PersonName::parse("first_name", text)
            }),
            last_name: patch(fields, asked("last_name", &request.last_name).as_deref(), |text| {
                PersonName::parse("last_name", text)
            }),
            avatar_url: patch(fields, asked("avatar_url", &request.avatar_url).as_deref(), AvatarUrl::parse),
        },
    }
}

/// A field that may be cleared: nothing asked leaves it alone, an empty text clears it.
fn patch<T>(
    fields: &mut Fields,
    asked: Option<&str>,
    parse: impl FnOnce(&str) -> Result<T, Violation>,
) -> Patch<T> {
    match asked {
        None => Patch::Keep,
        Some("") => Patch::Clear,
        Some(text) => fields.check(parse(text)).map_or(Patch::Keep, Patch::Set),
    }
}
