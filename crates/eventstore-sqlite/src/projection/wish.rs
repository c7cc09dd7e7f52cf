//! What somebody wants the owner of a projection to do: kept until it is answered, or until something else is wanted.

use eventstore::{Fence, ProjectionError, Wish};
use rusqlite::{Connection, params};

use super::{Step, lease};
use crate::read::{count, failed, time};
use crate::row::signed;

const WISH: &str =
    "INSERT INTO projection_wishes (projection, ticket, wish, answer, asked_at) VALUES (?1, 1, ?2, NULL, ?3)
    ON CONFLICT (projection) DO UPDATE SET ticket = ticket + 1, wish = ?2, answer = NULL, asked_at = ?3
    RETURNING ticket";
const ANSWER: &str = "UPDATE projection_wishes SET answer = ?3 WHERE projection = ?1 AND ticket = ?2";
pub(super) const ALL: &str =
    "SELECT projection, ticket, wish, answer, asked_at FROM projection_wishes ORDER BY projection";

/// For the test that looks at their plans.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[WISH, ANSWER];

pub(super) fn wish(step: &Step<'_>, projection: &str, wish: &str) -> Result<u64, ProjectionError> {
    let row = params![projection, wish, step.now];
    let ticket = || step.connection.prepare_cached(WISH)?.query_row(row, |row| count(row, 0));
    Ok(ticket().map_err(failed)?)
}

pub(super) fn wishes(connection: &Connection) -> Result<Vec<Wish>, ProjectionError> {
    let read = || {
        let mut statement = connection.prepare_cached(ALL)?;
        let wishes = statement.query_map([], |row| {
            let (ticket, asked_at) = (count(row, 1)?, time(row, 4)?);
            Ok(Wish { projection: row.get(0)?, ticket, wish: row.get(2)?, answer: row.get(3)?, asked_at })
        })?;
        wishes.collect::<rusqlite::Result<_>>()
    };
    Ok(read().map_err(failed)?)
}

pub(super) fn answer(
    step: &Step<'_>,
    projection: &str,
    fence: Fence,
    ticket: u64,
    answer: &str,
) -> Result<(), ProjectionError> {
    lease::check(step, projection, fence)?;
    let row = params![projection, signed(ticket), answer];
    let answered = || step.connection.prepare_cached(ANSWER)?.execute(row);
    answered().map_err(failed)?;
    Ok(())
}
