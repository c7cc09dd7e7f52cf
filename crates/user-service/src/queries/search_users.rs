//! Who has this in her name or address? In any order, a slice of the table at a time: a page costs so much and no more,
//! and may be short although more follow.

use std::time::Instant;

use eventstore::{Deadline, Value};
use jiff::Timestamp;
use user_domain::{LiveUser, Status};
use uuid::Uuid;

use super::few_users::{Found, called_after, few_called, few_created};
use super::{Freshness, ListQuestion, PageToken, QueryError, UserPage};
use crate::directory::Directory;
use crate::metrics::Query;
use crate::projections::USER_SEARCH;
use crate::read_model::{
    self, Created, CreatedFrom, SearchFound, SearchPlace, SearchSlice, SortKey, Sorting,
};

/// Of so many users all are looked at, if an index names them: some milliseconds.
const FEW: u32 = 2000;

/// After so many rows it shows how rare a text is: less than one in a hundred has it.
const ENOUGH_TO_TELL: usize = 300;
const RARE: usize = 100;

/// A text that one in four has is found by looking at everybody. In the order of creation an index names all others.
const COMMON: usize = 4;

/// Read at once, at most: a few milliseconds. Slices begin with a page, which is all that an order without a search needs, or
/// little more, and grow.
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
    let created = question.created.positions(directory.store()).await?;
    let few = if question.created.is_bounded() && question.order.key != SortKey::CreatedAt {
        few_created(directory, question, created, FEW).await?
    } else {
        None
    };
    let (mut found, mut end) = if let Some(users) = few {
        (page_of(users, question, after.as_ref(), size), None)
    } else {
        let deadline = freshness.deadline;
        let shown = i64::try_from(view.position.0).map_or(i64::MAX, |last| last + 1);
        walk(&Walk { directory, question, created, shown, after: after.as_ref(), size, deadline }).await?
    };
    if found.len() > size as usize {
        found.truncate(size as usize);
        end = found.last().map(|(_, place)| place.clone());
    }
    let next = end.map(|place| binding.issue_sealed(directory.root(), &place_bytes(&place)));
    let users = found.into_iter().map(|(user, _)| user).collect();
    Ok(UserPage { users, next, position: view.position, parked_users: view.parked_users })
}

/// Those who come after a place: a page, and one more if there is one.
fn page_of(
    users: Vec<Created>,
    question: &ListQuestion,
    after: Option<&SearchPlace>,
    size: u32,
) -> Vec<(LiveUser, SearchPlace)> {
    let order = question.order;
    let mut placed: Vec<_> =
        users.into_iter().map(|(user, created)| (order.place_of(&user, created), user)).collect();
    placed.retain(|(place, _)| after.is_none_or(|after| order.compare(after, place).is_lt()));
    placed.sort_by(|(one, _), (other, _)| order.compare(one, other));
    placed.into_iter().take(size as usize + 1).map(|(place, user)| (user, place)).collect()
}

/// What is walked for.
struct Walk<'a> {
    directory: &'a Directory,
    question: &'a ListQuestion,
    created: CreatedFrom,
    /// The view shows everything before this position.
    shown: i64,
    after: Option<&'a SearchPlace>,
    size: u32,
    deadline: Deadline,
}

/// Along the order, for a page and one more, or until it has taken long enough. On its way it learns how rare a text is: if
/// it is, whoever has it is asked for.
async fn walk(walk: &Walk<'_>) -> Result<Found, QueryError> {
    let Walk { directory, question, created, size, .. } = *walk;
    let (mut found, mut end) = (Vec::new(), walk.after.cloned());
    let spare = if question.is_by_status() { 0 } else { size / SLICE_GROWS };
    let (mut rows, mut rows_before) = ((size + spare + 1).min(SLICE_ROWS), 0);
    let mut asks = Asks::first(question);
    for looked in 1.. {
        let missing = size as usize + 1 - found.len();
        if asks == Asks::Along && found.len() * COMMON < rows_before {
            let place = end.as_ref().expect("it goes on from where a slice ended");
            let among = CreatedFrom { until: created.until.min(walk.shown), ..created };
            asks = match called_after(directory, question, among, place, missing).await? {
                None => Asks::ForFew,
                Some((called, reached)) => {
                    found.extend(called);
                    end = reached;
                    Asks::Nobody
                }
            };
        } else if asks == Asks::ForFew && rows_before >= ENOUGH_TO_TELL && found.len() * RARE < rows_before {
            if let Some(users) = few_called(directory, question, FEW).await? {
                return Ok((page_of(users, question, walk.after, size), None));
            }
            asks = Asks::Nobody;
        } else {
            let part = walk.slice(rows, missing, end.as_ref()).await?;
            found.extend(part.users);
            end = part.end;
            (rows_before, rows) = (rows_before + rows as usize, (rows * SLICE_GROWS).min(SLICE_ROWS));
        }
        let enough = looked == SLICES_MAX || Instant::now() >= walk.deadline.0;
        if found.len() > size as usize || end.is_none() || enough {
            break;
        }
    }
    Ok((found, end))
}

impl Walk<'_> {
    async fn slice(
        &self,
        rows: u32,
        missing: usize,
        after: Option<&SearchPlace>,
    ) -> Result<SearchFound, QueryError> {
        let slice = SearchSlice {
            order: self.question.order,
            statuses: &self.question.statuses,
            search: self.question.search.as_ref(),
            created: self.created,
            rows,
            limit: u32::try_from(missing).expect("no more than a page was asked for"),
        };
        Ok(read_model::search(self.directory.store(), &slice, after).await?)
    }
}

/// Whom an index of trigrams can be asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asks {
    /// The next ones along the order, which is that of creation.
    Along,
    /// Everybody, who may be few.
    ForFew,
    /// It has been asked, or there is nothing to ask it.
    Nobody,
}

impl Asks {
    fn first(question: &ListQuestion) -> Self {
        match (&question.search, question.order.key) {
            (None, _) => Self::Nobody,
            (Some(_), SortKey::CreatedAt) => Self::Along,
            (Some(_), SortKey::UpdatedAt | SortKey::Email | SortKey::Username) => Self::ForFew,
        }
    }
}

/// What a token is bound to: all of the question.
fn question_bytes(question: &ListQuestion) -> Vec<u8> {
    let mut bytes: Vec<u8> =
        Status::ALL.iter().map(|status| u8::from(question.statuses.contains(status))).collect();
    bytes.push(match question.order.key {
        SortKey::CreatedAt => b'p',
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
        Value::BigInt(position) => position.to_be_bytes().to_vec(),
        other => panic!("users are not sorted by {other:?}"),
    };
    [key.as_slice(), place.id.as_bytes()].concat()
}

fn place(key: SortKey, bytes: &[u8]) -> Result<SearchPlace, QueryError> {
    let read = || {
        let (before, id) = bytes.split_last_chunk()?;
        let key = match key {
            SortKey::CreatedAt => Value::BigInt(i64::from_be_bytes(before.try_into().ok()?)),
            SortKey::UpdatedAt => {
                let micros = i64::from_be_bytes(before.try_into().ok()?);
                Value::Time(Timestamp::from_microsecond(micros).ok()?)
            }
            SortKey::Email | SortKey::Username => Value::Text(str::from_utf8(before).ok()?.to_owned()),
        };
        Some(SearchPlace { key, id: Uuid::from_bytes(*id) })
    };
    read().ok_or(QueryError::BadToken(super::BadToken))
}
