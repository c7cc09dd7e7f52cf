//! Moments of the past on their way from a request to a position.

use eventstore::Position;
use jiff::Timestamp;
use user_api::v1::as_of;
use user_api::{ApiError, v1};

use super::errors;
use super::fields::Fields;
use super::user::Field;
use crate::directory::Directory;
use crate::queries::{Moment, QueryError, position_at};

impl Fields {
    /// The moment that a field names; `None` if it is absent, or wrong, which is noted.
    pub(super) fn moment(&mut self, field: &'static str, as_of: &Field<v1::AsOf>) -> Option<Moment> {
        match &as_of.as_option()?.moment {
            Some(as_of::Moment::Position(position)) => Some(Moment::Position(Position(*position))),
            Some(as_of::Moment::Time(time)) => {
                let time = Timestamp::try_from((**time).clone()).ok();
                if time.is_none() {
                    self.wrong(field, "MALFORMED_TIME", "must be between the years 1 and 9999");
                }
                time.map(Moment::Time)
            }
            None => {
                self.wrong(field, "REQUIRED", "give a time or a position");
                None
            }
        }
    }

    /// The same of a field that must be there.
    pub(super) fn required_moment(&mut self, field: &'static str, as_of: &Field<v1::AsOf>) -> Option<Moment> {
        if as_of.as_option().is_none() {
            self.wrong(field, "REQUIRED", "give a time or a position");
        }
        self.moment(field, as_of)
    }
}

/// The position of a moment that a field names.
pub(super) async fn position(
    directory: &Directory,
    field: &'static str,
    moment: Moment,
) -> Result<Position, ApiError> {
    position_at(directory, moment).await.map_err(|failure| blamed(field, &failure))
}

/// What a caller is told, with the field that is to blame if its moment is still to come.
pub(super) fn blamed(field: &'static str, failure: &QueryError) -> ApiError {
    let error = errors::of_query(failure);
    let is_to_come = matches!(failure, QueryError::NotReached { .. });
    if is_to_come { error.with_violation(field, "is beyond the head of the log") } else { error }
}

/// The same, or the head for a field that is absent.
pub(super) async fn position_or_head(
    directory: &Directory,
    field: &'static str,
    moment: Option<Moment>,
) -> Result<Position, ApiError> {
    match moment {
        Some(moment) => position(directory, field, moment).await,
        None => Ok(directory.store().head().await.map_err(|failure| errors::of_read(&failure))?.position),
    }
}

/// The positions of two moments, the earlier one first: `from`, and `to` or the head.
pub(super) async fn span(
    directory: &Directory,
    from: Moment,
    to: Option<Moment>,
) -> Result<(Position, Position), ApiError> {
    let from = position(directory, "from", from).await?;
    let to = position_or_head(directory, "to", to).await?;
    if from <= to {
        return Ok((from, to));
    }
    let mut fields = Fields::default();
    fields.wrong("to", "MOMENTS_REVERSED", "must not be before from");
    Err(fields.error())
}
