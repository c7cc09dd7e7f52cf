//! Whether all live rows of a projection are what the log says, those about nobody too. Streams are folded page by page,
//! as a build does; what differs then is looked at again alone.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use eventstore::{
    AggregateId, EventQuery, Generation, Position, ProjectionTable, RecordedEvent, Row, Slot, StreamCursor,
};

use super::check::{self, Checked, Difference, LOOKS_MAX, NotComparable, comparable};
use super::fold::Fold;
use super::refold::{compared, history};
use super::rows::{Rows, is_about_streams, stream_of};
use super::workplace::{Trouble, Workplace};

/// Events, rows and parked events that are read at once.
const PAGE: u32 = 500;

/// What was found out about all live rows of a projection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckedAll {
    /// How many streams were folded.
    pub streams: u64,
    /// The streams whose rows differ, and how.
    pub wrong: BTreeMap<AggregateId, BTreeSet<Difference>>,
    /// How the rows about nobody differ.
    pub counts: BTreeSet<Difference>,
    /// Why nothing was compared.
    pub nothing: Option<NotComparable>,
    /// Streams whose rows were not compared, and why.
    pub streams_skipped: BTreeMap<AggregateId, NotComparable>,
    /// Why the rows about nobody were not compared.
    pub counts_skipped: Option<NotComparable>,
}

impl CheckedAll {
    pub(super) fn not(reason: NotComparable) -> Self {
        Self { nothing: Some(reason), ..Self::default() }
    }
}

/// Checks everything.
pub(super) async fn everything<E: Send + Sync + 'static>(
    place: &Workplace<E>,
) -> Result<CheckedAll, Trouble> {
    let live = match comparable(place).await? {
        Ok(live) => live,
        Err(reason) => return Ok(CheckedAll::not(reason)),
    };
    let mut checking = Checking {
        place,
        parked: first_parked(place).await?,
        totals: Rows::default(),
        reached: vec![None; place.layout.tables.len()],
        checked: CheckedAll::default(),
    };
    checking.walk(live.checkpoint.position).await?;
    checking.count(live).await?;
    Ok(checking.checked)
}

struct Checking<'p, E> {
    place: &'p Workplace<E>,
    /// The first parked event of each stream that has one.
    parked: HashMap<AggregateId, Position>,
    /// What the events come to in the tables about nobody.
    totals: Rows,
    /// The last row of each table that was compared.
    reached: Vec<Option<Row>>,
    checked: CheckedAll,
}

impl<E: Send + Sync + 'static> Checking<'_, E> {
    async fn walk(&mut self, up_to: Position) -> Result<(), Trouble> {
        let (mut cursor, mut held): (_, Vec<RecordedEvent>) = (None, Vec::new());
        loop {
            let page = self.place.store.streams(cursor, up_to, PAGE).await?;
            let Some(last) = page.last() else { break };
            let (unfinished, version) = (last.aggregate_id, last.version);
            cursor = Some(StreamCursor { aggregate_id: unfinished, version });
            held.extend(page);
            let whole = held.partition_point(|event| event.aggregate_id < unfinished);
            let slice: Vec<_> = held.drain(..whole).collect();
            if let Some(through) = slice.last().map(|event| event.aggregate_id) {
                self.slice(slice, Some(through)).await?;
            }
        }
        self.slice(held, None).await
    }

    /// Compares some whole streams with the rows that come next, through a stream or to the end.
    async fn slice(
        &mut self,
        mut events: Vec<RecordedEvent>,
        through: Option<AggregateId>,
    ) -> Result<(), Trouble> {
        events.retain(|event| self.is_projected(event));
        let mut fold = Fold::default();
        fold.rows = std::mem::take(&mut self.totals);
        fold.all(&*self.place.projector, &self.place.read(events).await?);
        let about_streams = fold.rows.take_about_streams();
        self.totals = fold.rows;
        self.checked.streams += fold.streams.len() as u64;
        let mut suspects: BTreeSet<_> = fold.park.iter().map(|parked| parked.aggregate_id).collect();
        for (n, table) in self.place.layout.tables.iter().copied().enumerate() {
            if is_about_streams(table) {
                let found = self.next_rows(n, table, through).await?;
                let expected = about_streams.put_in(table);
                suspects.extend(unequal(&expected, &found).chain(unequal(&found, &expected)));
            }
        }
        for stream in suspects {
            match check::stream(self.place, stream).await? {
                Checked::Compared(differences) if differences.is_empty() => {}
                Checked::Compared(differences) => {
                    self.checked.wrong.insert(stream, differences);
                }
                Checked::NotComparable(reason) => {
                    self.checked.streams_skipped.insert(stream, reason);
                }
            }
        }
        Ok(())
    }

    fn is_projected(&self, event: &RecordedEvent) -> bool {
        self.parked.get(&event.aggregate_id).is_none_or(|first| event.position < *first)
    }

    async fn next_rows(
        &mut self,
        n: usize,
        table: &'static ProjectionTable,
        through: Option<AggregateId>,
    ) -> Result<BTreeMap<Row, Row>, Trouble> {
        let mut rows = BTreeMap::new();
        loop {
            let after = self.reached[n].as_ref();
            let page = self.place.projections().rows_after(table, Slot::Live, after, PAGE).await?;
            let before = rows.len();
            let within = |row: &Row| through.is_none_or(|through| stream_of(row) <= Some(through));
            for row in page.into_iter().take_while(within) {
                let key = row[..table.key_columns].to_vec();
                self.reached[n] = Some(key.clone());
                rows.insert(key, row);
            }
            if rows.len() - before < PAGE as usize {
                return Ok(rows);
            }
        }
    }

    /// Compares what was counted up to the checkpoint of then with the rows about nobody as they are now.
    async fn count(&mut self, live: Generation) -> Result<(), Trouble> {
        let place = self.place;
        if place.layout.tables.iter().all(|table| is_about_streams(table)) {
            return Ok(());
        }
        if self.checked.streams_skipped.values().any(|reason| *reason == NotComparable::Unprojectable) {
            self.checked.counts_skipped = Some(NotComparable::Unprojectable);
            return Ok(());
        }
        let mut counted = live.checkpoint.position;
        for _ in 0..LOOKS_MAX {
            let before = match comparable(place).await? {
                Ok(now) if now.number == live.number => now,
                Ok(_) => break,
                Err(reason) => {
                    self.checked.counts_skipped = Some(reason);
                    return Ok(());
                }
            };
            self.go_on(counted, before.checkpoint.position).await?;
            counted = before.checkpoint.position;
            let differences = self.compare_counts().await?;
            let is_still = comparable(place)
                .await?
                .is_ok_and(|now| (now.checkpoint, now.number) == (before.checkpoint, before.number));
            let as_parked = first_parked(place).await? == self.parked;
            if as_parked && (differences.is_empty() || is_still) {
                self.checked.counts = differences;
                return Ok(());
            }
        }
        self.checked.counts_skipped = Some(NotComparable::Restless);
        Ok(())
    }

    /// Counts what happened after one position up to another.
    async fn go_on(&mut self, after: Position, up_to: Position) -> Result<(), Trouble> {
        let (mut streams, mut at) = (BTreeSet::new(), after);
        while at < up_to {
            let query = EventQuery { up_to: Some(up_to), ..EventQuery::after(at, PAGE) };
            let page = self.place.store.events(&query).await?.events;
            let Some(last) = page.last() else { break };
            at = last.position;
            streams.extend(page.iter().map(|event| event.aggregate_id));
        }
        for stream in streams {
            let mut events = history(self.place, stream, up_to).await?;
            events.retain(|event| self.is_projected(event));
            let happened = self.place.read(events).await?;
            let counted = happened.partition_point(|event| event.recorded.position <= after);
            let mut fold = Fold::default();
            fold.all(&*self.place.projector, &happened[..counted]);
            fold.rows = std::mem::take(&mut self.totals);
            fold.all(&*self.place.projector, &happened[counted..]);
            drop(fold.rows.take_about_streams());
            self.totals = fold.rows;
        }
        Ok(())
    }

    async fn compare_counts(&self) -> Result<BTreeSet<Difference>, Trouble> {
        let mut differences = BTreeSet::new();
        for table in self.place.layout.tables.iter().copied().filter(|table| !is_about_streams(table)) {
            let (mut found, mut after): (BTreeMap<Row, Row>, _) = (BTreeMap::new(), None);
            loop {
                let page =
                    self.place.projections().rows_after(table, Slot::Live, after.as_ref(), PAGE).await?;
                let Some(last) = page.last() else { break };
                after = Some(last[..table.key_columns].to_vec());
                found.extend(page.into_iter().map(|row| (row[..table.key_columns].to_vec(), row)));
            }
            differences.append(&mut compared(table, &self.totals.put_in(table), &found));
        }
        Ok(differences)
    }
}

/// The streams of rows that are not the same, or not there, in the others.
fn unequal<'r>(
    rows: &'r BTreeMap<Row, Row>,
    others: &'r BTreeMap<Row, Row>,
) -> impl Iterator<Item = AggregateId> + 'r {
    rows.iter().filter(|(key, row)| others.get(*key) != Some(*row)).filter_map(|(key, _)| stream_of(key))
}

/// The first parked event of each stream that has one.
async fn first_parked<E: Send + Sync + 'static>(
    place: &Workplace<E>,
) -> Result<HashMap<AggregateId, Position>, Trouble> {
    let (mut first, mut after) = (HashMap::new(), Position::START);
    loop {
        let page = place.projections().parked(place.name(), Slot::Live, None, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(first) };
        after = last.event.position;
        for parked in page {
            first.entry(parked.event.aggregate_id).or_insert(parked.event.position);
        }
    }
}
