//! Who has this in her name or address? In any order, a slice of the table at a time: a page costs so much and no more,
//! and may be short although more follow.

use std::time::Instant;

use eventstore::Value;
use jiff::Timestamp;
use user_domain::{LiveUser, Status};
use uuid::Uuid;

use super::few_users::{few_called, few_created};
use super::{Freshness, ListQuestion, PageToken, QueryError, UserPage};
use crate::directory::Directory;
use crate::metrics::Query;
use crate::projections::USER_SEARCH;
use crate::read_model::{self, SearchPlace, SearchSlice, SortKey, Sorting};

/// Of so many users all are looked at, if an index names them: some milliseconds.
const FEW: u32 = 2000;

/// After so many rows it shows how rare a text is: less than one in a hundred has it.
const ENOUGH_TO_TELL: u32 = 300;
const RARE: usize = 100;

/// Read at once, at most: a few milliseconds. Slices begin with little more than a page, which is all that an order without
/// a search needs, and grow.
const SLICE_ROWS: u32 = 1000;
const SLICE_GROWS: u32 = 4;

/// Looked at for one page: a tenth of a second.
const SLICES_MAX: u32 = 20;

/// At most `size` users, which is more than 0.
pub(super) async fn search_users(
    directory: &Directory,
    question: &ListQuestion,
    size: u32,
    token: &str,
    freshness: Freshness,
) -> Result<UserPage, QueryError> {
    let asked = question_bytes(question);
    let binding = PageToken { method: "ListUsers", question: &asked };
    let after = binding.read_sealed(directory.root(), token)?;
    let after = after.map(|bytes| place(question.order.key, &bytes)).transpose()?;
    let view = freshness.of_projection(directory, USER_SEARCH.name).await?;
    let _timed = directory.metrics().queries().time(Query::SearchUsers);
    let few = if question.created.is_bounded() && question.order.key != SortKey::CreatedAt {
        few_created(directory, question, FEW).await?
    } else {
        None
    };
    let (mut found, mut end) = match few {
        Some(users) => (page_of(users, question, after.as_ref(), size), None),
        None => walk(directory, question, after, size, freshness).await?,
    };
    if found.len() > size as usize {
        found.truncate(size as usize);
        end = found.last().map(|(_, place)| place.clone());
    }
    let next = end.map(|place| binding.issue_sealed(directory.root(), &place_bytes(&place)));
    let users = found.into_iter().map(|(user, _)| user).collect();
    Ok(UserPage { users, next, position: view.position, parked_users: view.parked_users })
}

/// Users with their places, and where the walk ended if there may be more behind them.
type Found = (Vec<(LiveUser, SearchPlace)>, Option<SearchPlace>);

/// Those who come after a place: a page, and one more if there is one.
fn page_of(
    users: Vec<LiveUser>,
    question: &ListQuestion,
    after: Option<&SearchPlace>,
    size: u32,
) -> Vec<(LiveUser, SearchPlace)> {
    let order = question.order;
    let mut placed: Vec<_> = users.into_iter().map(|user| (order.place_of(&user), user)).collect();
    placed.retain(|(place, _)| after.is_none_or(|after| order.compare(after, place).is_lt()));
    placed.sort_by(|(one, _), (other, _)| order.compare(one, other));
    placed.into_iter().take(size as usize + 1).map(|(place, user)| (user, place)).collect()
}

/// Along the order, for a page and one more, or until it has taken long enough. On its way it learns how rare a text is: if
/// it is, whoever has it is asked for.
async fn walk(
    directory: &Directory,
    question: &ListQuestion,
    after: Option<SearchPlace>,
    size: u32,
    freshness: Freshness,
) -> Result<Found, QueryError> {
    let (mut found, mut end, mut is_common) = (Vec::new(), after.clone(), question.search.is_none());
    let (mut rows, mut rows_before) = ((size + size / SLICE_GROWS + 1).min(SLICE_ROWS), 0);
    for looked in 1.. {
        if !is_common && rows_before >= ENOUGH_TO_TELL && found.len() * RARE < rows_before as usize {
            if let Some(users) = few_called(directory, question, FEW).await? {
                return Ok((page_of(users, question, after.as_ref(), size), None));
            }
            is_common = true;
        }
        let wanted = size + 1 - u32::try_from(found.len()).expect("no more than a page was asked for");
        let slice = SearchSlice {
            order: question.order,
            statuses: &question.statuses,
            search: question.search.as_ref(),
            created: question.created,
            rows,
            limit: wanted,
        };
        let part = read_model::search(directory.store(), &slice, end.as_ref()).await?;
        found.extend(part.users);
        end = part.end;
        (rows_before, rows) = (rows_before + rows, (rows * SLICE_GROWS).min(SLICE_ROWS));
        let enough = looked == SLICES_MAX || Instant::now() >= freshness.deadline.0;
        if found.len() > size as usize || end.is_none() || enough {
            break;
        }
    }
    Ok((found, end))
}

/// What a token is bound to: all of the question.
fn question_bytes(question: &ListQuestion) -> Vec<u8> {
    let mut bytes: Vec<u8> =
        Status::ALL.iter().map(|status| u8::from(question.statuses.contains(status))).collect();
    bytes.push(match question.order.key {
        SortKey::CreatedAt => b'c',
        SortKey::UpdatedAt => b'u',
        SortKey::Email => b'e',
        SortKey::Username => b'n',
    });
    bytes.push(match question.order.sorting {
        Sorting::Ascending => b'<',
        Sorting::Descending => b'>',
    });
    bytes.extend_from_slice(&question.created.to_bytes());
    bytes.extend_from_slice(question.search.as_ref().map_or(&[][..], |search| search.folded().as_bytes()));
    bytes
}

/// The key may be somebody's address, which is why these tokens are sealed.
fn place_bytes(place: &SearchPlace) -> Vec<u8> {
    let key = match &place.key {
        Value::Text(text) => text.as_bytes().to_vec(),
        Value::Time(time) => time.as_microsecond().to_be_bytes().to_vec(),
        other => panic!("users are not sorted by {other:?}"),
    };
    [key.as_slice(), place.id.as_bytes()].concat()
}

fn place(key: SortKey, bytes: &[u8]) -> Result<SearchPlace, QueryError> {
    let read = || {
        let (before, id) = bytes.split_last_chunk()?;
        let key = match key {
            SortKey::CreatedAt | SortKey::UpdatedAt => {
                let micros = i64::from_be_bytes(before.try_into().ok()?);
                Value::Time(Timestamp::from_microsecond(micros).ok()?)
            }
            SortKey::Email | SortKey::Username => Value::Text(str::from_utf8(before).ok()?.to_owned()),
        };
        Some(SearchPlace { key, id: Uuid::from_bytes(*id) })
    };
    read().ok_or(QueryError::BadToken(super::BadToken))
}
