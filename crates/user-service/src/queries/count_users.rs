//! How many are they? Exact, or not said: what would take a look at half of the users is not counted.

use eventstore::Position;

use super::few_users::few_called;
use super::{Freshness, ListQuestion, QueryError, find_user};
use crate::directory::Directory;
use crate::metrics::Query;
use crate::projections::{USER_ACTIVITY, USER_SEARCH};
use crate::read_model;

/// So many are counted one by one: some tens of milliseconds.
const COUNTED_MAX: u32 = 10_000;

/// How many users a list has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Total {
    /// All of its pages together.
    Users {
        /// So many.
        count: u64,
        /// Everything up to here is counted.
        position: Position,
    },
    /// More than can be counted for one answer.
    TooCostly,
}

/// Counts a list. By status it is known; whom an index can name is counted, up to 10,000.
pub async fn count_users(
    directory: &Directory,
    question: &ListQuestion,
    freshness: Freshness,
) -> Result<Total, QueryError> {
    if let Some(one) = question.one() {
        let position = freshness.of_the_log(directory).await?;
        let found = find_user(directory, &one).await?;
        return Ok(Total::Users {
            count: found.iter().filter(|user| question.holds(user)).count() as u64,
            position,
        });
    }
    let view = if question.is_by_status() { USER_ACTIVITY.name } else { USER_SEARCH.name };
    let position = freshness.of_projection(directory, view).await?.position;
    let _timed = directory.metrics().queries().time(Query::CountUsers);
    let count = if question.is_by_status() {
        Some(by_status(directory, question).await?)
    } else if question.search.is_some() {
        few_called(directory, question, COUNTED_MAX).await?.map(|users| users.len() as u64)
    } else {
        let ListQuestion { statuses, created, .. } = question;
        let created = created.positions(directory.store()).await?;
        read_model::count_created(directory.store(), statuses, created, COUNTED_MAX).await?
    };
    Ok(count.map_or(Total::TooCostly, |count| Total::Users { count, position }))
}

/// The figures are counted up with every event.
async fn by_status(directory: &Directory, question: &ListQuestion) -> Result<u64, QueryError> {
    let counts = read_model::users_by_status(directory.store()).await?;
    let wanted = counts.iter().filter(|(status, _)| question.statuses.contains(status));
    Ok(u64::try_from(wanted.map(|(_, count)| count).sum::<i64>()).unwrap_or(0))
}
