//! Whether a generation may take the place of the live one: every row is compared with the live ones while both stand at
//! the same position, and streams are folded again from the log. The log has the last word.

use std::collections::{BTreeMap, BTreeSet};

use eventstore::{AggregateId, EventQuery, Position, ProjectionTable, Row, Slot};

use super::refold;
use super::rows::{is_about_streams, stream_of};
use super::tended::Tended;
use super::workplace::{Trouble, Workplace};

/// Rows that are compared at once.
const PAGE: u32 = 500;

/// More different streams than these are counted only.
const DIFFERENT_MAX: usize = 1000;

/// A comparison on its way.
#[derive(Debug, Default)]
pub(super) struct Verification {
    table: usize,
    after: Option<Row>,
    rows: u64,
    rows_before: u64,
    /// Streams whose rows differ from the live ones.
    different: BTreeSet<AggregateId>,
    different_rows: u64,
    /// Rows about nobody that differ.
    different_counts: u64,
    refolded: usize,
}

/// What a step of a comparison came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verified {
    /// There is more to compare.
    NotYet,
    /// It may, and this is what was found.
    Yes(String),
    /// It may not: the log says something else than its rows.
    No(String),
}

impl Verification {
    /// Takes a step. `live` is `None` if the live generation cannot be compared with.
    pub(super) async fn step<E: Send + Sync + 'static>(
        &mut self,
        place: &Workplace<E>,
        live: Option<&Tended>,
        next: &Tended,
    ) -> Result<Verified, Trouble> {
        if let (Some(live), Some(table)) = (live, place.layout.tables.get(self.table).copied()) {
            self.compare(place, live, next, table).await?;
            return Ok(Verified::NotYet);
        }
        let stream = match self.different.iter().nth(self.refolded).copied() {
            Some(stream) => Some(stream),
            None if self.refolded < place.settings.refolds + self.different.len() => {
                any_stream(place, next.generation.checkpoint.position).await?
            }
            None => None,
        };
        let Some(stream) = stream else { return Ok(Verified::Yes(self.report(live.is_some()))) };
        self.refolded += 1;
        if next.parked.contains(&stream) || refold::agrees(place, next, stream).await? {
            return Ok(Verified::NotYet);
        }
        Ok(Verified::No(format!("the rows of {stream} are not what the log says")))
    }

    async fn compare<E: Send + Sync + 'static>(
        &mut self,
        place: &Workplace<E>,
        live: &Tended,
        next: &Tended,
        table: &'static ProjectionTable,
    ) -> Result<(), Trouble> {
        let (store, after) = (place.projections(), self.after.as_ref());
        let before = store.rows_after(table, Slot::Live, after, PAGE).await?;
        let now = store.rows_after(table, Slot::Next, after, PAGE).await?;
        let bound = [&before, &now].into_iter().filter(|rows| rows.len() == PAGE as usize);
        let bound = bound.filter_map(|rows| Some(rows.last()?[..table.key_columns].to_vec())).min();
        let upto = |rows: Vec<Row>| -> BTreeMap<Row, Row> {
            let keyed = rows.into_iter().map(|row| (row[..table.key_columns].to_vec(), row));
            keyed.filter(|(key, _)| bound.as_ref().is_none_or(|bound| key <= bound)).collect()
        };
        let (before, now) = (upto(before), upto(now));
        self.rows_before += before.len() as u64;
        self.rows += now.len() as u64;
        let keys: BTreeSet<_> = before.keys().chain(now.keys()).collect();
        for key in keys.into_iter().filter(|key| before.get(*key) != now.get(*key)) {
            self.differs(table, key, live, next);
        }
        if bound.is_none() {
            self.table += 1;
        }
        self.after = bound;
        Ok(())
    }

    /// What is parked in the one and not in the other differs rightly.
    fn differs(&mut self, table: &ProjectionTable, key: &Row, live: &Tended, next: &Tended) {
        match stream_of(key).filter(|_| is_about_streams(table)) {
            Some(stream) if live.parked.contains(&stream) || next.parked.contains(&stream) => {}
            Some(stream) => {
                self.different_rows += 1;
                if self.different.len() < DIFFERENT_MAX {
                    self.different.insert(stream);
                }
            }
            None if live.parked.is_empty() && next.parked.is_empty() => self.different_counts += 1,
            None => {}
        }
    }

    fn report(&self, compared: bool) -> String {
        let refolded = format!("{} streams folded again agree", self.refolded);
        if !compared {
            return format!("not comparable with the live one; {refolded}");
        }
        let Self { rows, rows_before, different_rows, different_counts, .. } = self;
        format!(
            "{rows} rows compared with {rows_before}, {different_rows} about streams and {different_counts} about \
            nobody were different before; {refolded}"
        )
    }
}

/// The stream of an event at a random position.
pub(super) async fn any_stream<E: Send + Sync + 'static>(
    place: &Workplace<E>,
    up_to: Position,
) -> Result<Option<AggregateId>, Trouble> {
    if up_to == Position::START {
        return Ok(None);
    }
    let before = Position(fastrand::u64(..up_to.0));
    let page = place.store.events(&EventQuery::after(before, 1)).await?;
    Ok(page.events.first().map(|event| event.aggregate_id))
}
