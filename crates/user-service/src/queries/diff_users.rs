//! Who became different between two moments? Whoever changed in between, by where she changed last.
//!
//! It goes along the log and not along the directory: a look at a short time is short, however many users there are.

use eventstore::{Deadline, Position};

use super::diff_user::compare;
use super::projected::history_shows;
use super::states::{self, Stretch};
use super::{BadToken, DiffKind, PageOf, QueryError, UserDiff};
use crate::directory::Directory;
use crate::metrics::Query;

/// How many positions are looked at in one read, and in one page. A page on which everybody changed back is empty.
const STRETCH: u64 = 1000;
const STRETCHES_MAX: u64 = 20;

/// A page of differences.
#[derive(Clone, Debug)]
pub struct DiffPage {
    /// By where each user changed last.
    pub diffs: Vec<UserDiff>,
    /// For the next page; `None` when this is the last.
    pub next: Option<String>,
    /// Users of whom the history could not take everything.
    pub parked_users: u64,
}

/// Where a comparison stands: both positions, the earlier one first, and how far it has come from the one to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiffMark {
    /// The earlier moment.
    pub from: Position,
    /// The later moment.
    pub to: Position,
    /// Everybody is told who changed last up to here.
    after: Position,
}

impl DiffMark {
    /// Before the first page.
    #[must_use]
    pub fn begin(from: Position, to: Position) -> Self {
        Self { from, to, after: from }
    }

    /// Behind the page that gave a token; `None` before the first.
    pub fn of_token(directory: &Directory, page: PageOf<'_>) -> Result<Option<Self>, BadToken> {
        let bytes = page.binding.read::<24>(directory.root(), page.token)?;
        Ok(bytes.map(|bytes| {
            let (numbers, _) = bytes.as_chunks::<8>();
            let [from, to, after] = [0, 1, 2].map(|n| Position(u64::from_be_bytes(numbers[n])));
            Self { from, to, after }
        }))
    }

    fn bytes(self) -> Vec<u8> {
        [self.from, self.to, self.after].map(|position| position.0.to_be_bytes()).concat()
    }
}

/// Users who are not the same at both positions.
pub async fn diff_users(
    directory: &Directory,
    mut mark: DiffMark,
    page: PageOf<'_>,
    deadline: Deadline,
) -> Result<DiffPage, QueryError> {
    let _timed = directory.metrics().queries().time(Query::DiffUsers);
    let view = history_shows(directory, mark.to, deadline).await?;
    let mut diffs = Vec::new();
    for _ in 0..STRETCHES_MAX {
        if mark.after >= mark.to || diffs.len() == page.size as usize {
            break;
        }
        mark.after = stretch(directory, mark, page.size, &mut diffs).await?;
    }
    let next = (mark.after < mark.to).then(|| page.binding.issue(directory.root(), &mark.bytes()));
    Ok(DiffPage { diffs, next, parked_users: view.parked_users })
}

/// Adds those who changed last within the next stretch, until there are enough, and says how far it came.
async fn stretch(
    directory: &Directory,
    mark: DiffMark,
    size: u32,
    diffs: &mut Vec<UserDiff>,
) -> Result<Position, QueryError> {
    let DiffMark { from, to, after } = mark;
    let until = Position(after.0.saturating_add(STRETCH)).min(to);
    let changed = states::changed(directory.store(), Stretch { from, to, after, until }, size).await?;
    let (all, mut last) = (changed.len() < size as usize, after);
    for (earlier, later) in &changed {
        let Some(id) = later.id() else { continue };
        last = later.position();
        let diff = compare(id, earlier, later);
        if diff.kind != DiffKind::Same {
            diffs.push(diff);
        }
        if diffs.len() == size as usize {
            return Ok(last);
        }
    }
    Ok(if all { until } else { last })
}
