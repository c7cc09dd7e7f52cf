//! `ExplainUser`: which event made each field of a user what it is.

use buffa::MessageField;
use user_api::{ApiError, v1};

use super::call::Call;
use super::fields::Fields;
use super::{as_of, errors, user_event};
use crate::directory::Directory;
use crate::queries::{self, FieldOrigin};

pub(super) async fn explain_user(
    directory: &Directory,
    _call: &Call,
    request: v1::ExplainUserRequest,
) -> Result<v1::ExplainUserResponse, ApiError> {
    let mut fields = Fields::default();
    let id = fields.id(&request.id);
    let moment = fields.moment("as_of", &request.as_of);
    fields.done()?;
    let id = id.ok_or_else(|| fields.error())?;
    let until = as_of::position_or_head(directory, "as_of", moment).await?;
    let explained = queries::explain_user(directory, id, until).await;
    let explained = explained.map_err(|failure| errors::of_query(&failure))?;
    let explained = explained.map_err(errors::of_absence)?;
    Ok(v1::ExplainUserResponse {
        fields: explained.fields.into_iter().map(shown).collect(),
        position: explained.position.0,
    })
}

fn shown(origin: FieldOrigin) -> v1::FieldOrigin {
    let FieldOrigin { change, entry } = origin;
    v1::FieldOrigin {
        field: change.field.to_owned(),
        value: change.to,
        before: change.from,
        event: MessageField::some(user_event::shown((*entry).clone())),
        erased: change.erased,
    }
}
