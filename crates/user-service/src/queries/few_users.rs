//! Whom an index other than that of the order names: if they are few, looking at all of them is cheaper than looking along
//! the order for those who belong on the list.

use user_domain::LiveUser;

use super::{ListQuestion, QueryError};
use crate::directory::Directory;
use crate::read_model::{self, SearchSlice, SortKey, Sorting, UserOrder};

/// Everybody who belongs on the list, in no order; `None` if that would take a look at more than so many users.
pub(super) async fn few_users(
    directory: &Directory,
    question: &ListQuestion,
    most: u32,
) -> Result<Option<Vec<LiveUser>>, QueryError> {
    if !question.created.is_bounded() {
        return Ok(None);
    }
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
