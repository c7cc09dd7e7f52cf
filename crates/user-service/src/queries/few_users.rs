//! Whom an index other than that of the order names: if they are few, looking at all of them is cheaper than looking along
//! the order for those who belong on the list.

use cqrs::projection::NotReached;
use user_domain::LiveUser;

use super::{ListQuestion, QueryError};
use crate::directory::Directory;
use crate::projections::USER_SEARCH;
use crate::read_model::{self, SearchSlice, SortKey, Sorting, UserOrder};

/// Everybody who belongs on the list, in no order, of those who were created between its times; `None` if these are more
/// than so many.
pub(super) async fn few_created(
    directory: &Directory,
    question: &ListQuestion,
    most: u32,
) -> Result<Option<Vec<LiveUser>>, QueryError> {
    let slice = SearchSlice {
        order: UserOrder { key: SortKey::CreatedAt, sorting: Sorting::Ascending },
        statuses: &question.statuses,
        search: question.search.as_ref(),
        created: question.created,
        rows: most,
        limit: most,
    };
    let found = read_model::search(directory.store(), &slice, None).await?;
    Ok(found.end.is_none().then(|| found.users.into_iter().map(|(user, _)| user).collect()))
}

/// The same of those who are called as the list wants it. `None` too if no index of the store can tell: a text is shorter
/// than three letters, or PostgreSQL does without `pg_trgm`.
pub(super) async fn few_called(
    directory: &Directory,
    question: &ListQuestion,
    most: u32,
) -> Result<Option<Vec<LiveUser>>, QueryError> {
    let Some(search) = &question.search else { return Ok(None) };
    let failed =
        |cause| QueryError::Projection { projection: USER_SEARCH.name, cause: NotReached::Store(cause) };
    let called = read_model::called(directory.store(), search, most).await.map_err(failed)?;
    let rest = ListQuestion { search: None, ..question.clone() };
    Ok(called.map(|users| users.into_iter().filter(|user| rest.holds(user)).collect()))
}
