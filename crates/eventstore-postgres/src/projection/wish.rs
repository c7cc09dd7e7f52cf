//! What somebody wants the owner of a projection to do: kept until it is answered, or until something else is wanted.

use eventstore::{Fence, ProjectionError, ReadError, Wish};

use super::catalog::Step;
use super::lease;
use crate::read::{Reader, get};
use crate::row::{Moment, signed, unsigned};

const WISH: &str = "INSERT INTO projection_wishes AS w (projection, ticket, wish, answer, asked_at) \
    VALUES ($1, 1, $2, NULL, coalesce($3::timestamptz, clock_timestamp())) \
    ON CONFLICT (projection) DO UPDATE \
        SET ticket = w.ticket + 1, wish = EXCLUDED.wish, answer = NULL, asked_at = EXCLUDED.asked_at \
    RETURNING ticket";
const ANSWER: &str = "UPDATE projection_wishes SET answer = $3 WHERE projection = $1 AND ticket = $2";
const ALL: &str =
    "SELECT projection, ticket, wish, answer, asked_at FROM projection_wishes ORDER BY projection";

pub(super) async fn wish(
    reader: &Reader,
    now: Option<Moment>,
    projection: &str,
    wish: &str,
) -> Result<u64, ProjectionError> {
    let rows = reader.rows(WISH, &[&projection, &wish, &now]).await?;
    let row = rows.first().ok_or_else(|| ReadError::Corrupt("a wish has no ticket".to_owned()))?;
    Ok(unsigned(get(row, 0)?)?)
}

pub(super) async fn wishes(reader: &Reader) -> Result<Vec<Wish>, ProjectionError> {
    let rows = reader.rows(ALL, &[]).await?;
    let wish = |row| {
        Ok(Wish {
            projection: get(row, 0)?,
            ticket: unsigned(get(row, 1)?)?,
            wish: get(row, 2)?,
            answer: get(row, 3)?,
            asked_at: get::<Moment>(row, 4)?.timestamp()?,
        })
    };
    Ok(rows.iter().map(wish).collect::<Result<_, ReadError>>()?)
}

pub(super) async fn answer(
    step: &Step<'_>,
    projection: &str,
    fence: Fence,
    ticket: u64,
    answer: &str,
) -> Result<(), ProjectionError> {
    lease::check(step, projection, fence).await?;
    step.execute(ANSWER, &[&projection, &signed(ticket), &answer]).await?;
    Ok(())
}
