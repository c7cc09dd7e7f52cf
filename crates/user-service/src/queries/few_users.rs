//! Whom an index other than that of the order names: if they are few, looking at all of them is cheaper than looking along
//! the order for those who belong on the list. In the order of creation the index of trigrams names them one after the
//! other, and they need not be few.

use cqrs::projection::NotReached;
use eventstore::{Direction, ProjectionError, Value};
use user_domain::LiveUser;

use super::{ListQuestion, QueryError};
use crate::directory::Directory;
use crate::projections::USER_SEARCH;
use crate::read_model::{self, Created, CreatedFrom, SearchPlace, SearchSlice, SortKey, Sorting, UserOrder};

/// Users with their places, and where the walk ended if there may be more behind them.
pub(super) type Found = (Vec<(LiveUser, SearchPlace)>, Option<SearchPlace>);

/// So many more than are missing are asked for at once, for those who do not belong on the list.
const SPARE: u32 = 10;

/// If only one in so many belongs on the list, it is by something else that those who do are to be found.
const FEW_BELONG: usize = 10;

/// Everybody who belongs on the list, in no order, of those who were created between its times; `None` if these are more
/// than so many.
pub(super) async fn few_created(
    directory: &Directory,
    question: &ListQuestion,
    created: CreatedFrom,
    most: u32,
) -> Result<Option<Vec<Created>>, QueryError> {
    let slice = SearchSlice {
        order: UserOrder { key: SortKey::CreatedAt, sorting: Sorting::Ascending },
        statuses: &question.statuses,
        search: question.search.as_ref(),
        created,
        rows: most,
        limit: most,
    };
    let found = read_model::search(directory.store(), &slice, None).await?;
    let created = |(user, place): (LiveUser, SearchPlace)| (user, position(&place));
    Ok(found.end.is_none().then(|| found.users.into_iter().map(created).collect()))
}

/// The same of those who are called as the list wants it. `None` too if no index of the store can tell: a text is shorter
/// than three letters, or PostgreSQL does without `pg_trgm`.
pub(super) async fn few_called(
    directory: &Directory,
    question: &ListQuestion,
    most: u32,
) -> Result<Option<Vec<Created>>, QueryError> {
    let Some(search) = &question.search else { return Ok(None) };
    let called = read_model::called(directory.store(), search, most).await.map_err(failed)?;
    let rest = ListQuestion { search: None, ..question.clone() };
    Ok(called.map(|users| users.into_iter().filter(|(user, _)| rest.holds(user)).collect()))
}

/// Those who come after a place in the order of creation and are called as the list wants it, until so many are found or it
/// shows that few of them belong there. `None` if no index can tell.
pub(super) async fn called_after(
    directory: &Directory,
    question: &ListQuestion,
    created: CreatedFrom,
    place: &SearchPlace,
    missing: usize,
) -> Result<Option<Found>, QueryError> {
    let Some(search) = &question.search else { return Ok(None) };
    let (mut found, mut looked_at, mut place) = (Vec::new(), 0, place.clone());
    while found.len() < missing && found.len() * FEW_BELONG >= looked_at {
        let (among, direction) = behind(question.order.sorting, created, position(&place));
        let limit = u32::try_from(missing).unwrap_or(u32::MAX).saturating_add(SPARE);
        let called = read_model::called_along(directory.store(), search, among, direction, limit);
        let Some(called) = called.await.map_err(failed)? else { return Ok(None) };
        let are_all = called.len() < limit as usize;
        looked_at += called.len();
        for (user, created) in called {
            place = question.order.place_of(&user, created);
            if question.holds(&user) {
                found.push((user, place.clone()));
            }
        }
        if are_all {
            return Ok(Some((found, None)));
        }
    }
    Ok(Some((found, Some(place))))
}

/// Where somebody comes who was created after another, in a list with this order.
fn behind(sorting: Sorting, created: CreatedFrom, position: i64) -> (CreatedFrom, Direction) {
    match sorting {
        Sorting::Ascending => {
            let from = created.from.max(position.saturating_add(1));
            (CreatedFrom { from, ..created }, Direction::OldestFirst)
        }
        Sorting::Descending => {
            let until = created.until.min(position);
            (CreatedFrom { until, ..created }, Direction::NewestFirst)
        }
    }
}

/// The position of a place in the order of creation.
fn position(place: &SearchPlace) -> i64 {
    match place.key {
        Value::BigInt(position) => position,
        ref other => panic!("nobody was created at {other:?}"),
    }
}

fn failed(cause: ProjectionError) -> QueryError {
    QueryError::Projection { projection: USER_SEARCH.name, cause: NotReached::Store(cause) }
}
