//! Who has this in her name or address? In any order, a slice of the table at a time: a page costs so much and no more,
//! and may be short although more follow.

use std::time::Instant;

use eventstore::Value;
use jiff::Timestamp;
use user_domain::Status;
use uuid::Uuid;

use super::{Freshness, ListQuestion, PageToken, QueryError, UserPage};
use crate::directory::Directory;
use crate::metrics::Query;
use crate::projections::USER_SEARCH;
use crate::read_model::{self, SearchPlace, SearchSlice, SortKey, Sorting};

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
    let mut after = after.map(|bytes| place(question.order.key, &bytes)).transpose()?;
    let view = freshness.of_projection(directory, USER_SEARCH.name).await?;
    let _timed = directory.metrics().queries().time(Query::SearchUsers);
    let mut found = Vec::new();
    let mut rows = (size + size / SLICE_GROWS + 1).min(SLICE_ROWS);
    for looked in 1.. {
        let wanted = size + 1 - u32::try_from(found.len()).expect("no more than a page was asked for");
        let slice = SearchSlice {
            order: question.order,
            statuses: &question.statuses,
            search: question.search.as_ref(),
            rows,
            limit: wanted,
        };
        let part = read_model::search(directory.store(), &slice, after.as_ref()).await?;
        found.extend(part.users);
        after = part.end;
        rows = (rows * SLICE_GROWS).min(SLICE_ROWS);
        let enough = looked == SLICES_MAX || Instant::now() >= freshness.deadline.0;
        if found.len() > size as usize || after.is_none() || enough {
            break;
        }
    }
    if found.len() > size as usize {
        found.truncate(size as usize);
        after = found.last().map(|(_, place)| place.clone());
    }
    let next = after.map(|place| binding.issue_sealed(directory.root(), &place_bytes(&place)));
    let users = found.into_iter().map(|(user, _)| user).collect();
    Ok(UserPage { users, next, position: view.position, parked_users: view.parked_users })
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
