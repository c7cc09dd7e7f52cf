//! The judging of appends, each on its own: what the log holds that speaks against it. Under the append lock, what is
//! not refused will be taken.

use std::collections::HashMap;

use eventstore::append_task::{Layout, Verdict};
use eventstore::{
    AggregateId, Append, Appended, ClaimKey, Derived, InlineTable, Rejection, RequestKey, RequestRecord,
    RowChange, Version,
};
use eventstore::{Fingerprint, Position};
use futures_util::future::{try_join, try_join_all, try_join3, try_join4};
use tokio_postgres::{Client, Error, Row, Statement};
use uuid::Uuid;

/// Begins a transaction and takes the append lock in it, as `head_locked` does. What follows sees everything that was
/// committed before the lock was had: under READ COMMITTED each statement looks anew.
pub(crate) const BEGIN_LOCKED: &str =
    "BEGIN; SELECT pg_advisory_xact_lock(hashtextextended(current_schema(), 0))";

/// As it is begun for appends that erase: no step of a projection writes about those streams meanwhile. First, so that
/// nobody waits for the append lock behind somebody who waits for a projection. While appends are held it is sent away:
/// whoever holds them may be waiting for a step, and the step for whoever erases.
const BEGIN_ERASING: &str = "BEGIN; \
    SELECT pg_advisory_xact_lock(hashtextextended('erasure of ' || current_schema(), 0)); \
    SELECT lock_appends()";

/// Cleans what projections hold, also those that this binary has never heard of.
const ERASE: &str = "SELECT erase_derived($1)";

const REQUESTS: &str =
    "SELECT key, fingerprint, aggregate_id, version, position FROM requests WHERE key = ANY($1)";

const VERSIONS: &str = "SELECT u.id, h.version FROM unnest($1::uuid[]) u(id) JOIN LATERAL \
    (SELECT version FROM events WHERE aggregate_id = u.id ORDER BY version DESC LIMIT 1) h ON true";

const OWNERS: &str = "SELECT key, aggregate_id FROM claims WHERE key = ANY($1)";

/// The look-ups of one connection.
#[derive(Debug)]
pub(crate) struct Judge {
    requests: Statement,
    versions: Statement,
    owners: Statement,
    erase: Statement,
    rows: Vec<(&'static InlineTable, Statement)>,
}

/// What the log holds of everything that a batch touches.
#[derive(Debug, Default)]
pub(crate) struct Found {
    requests: HashMap<RequestKey, RequestRecord>,
    versions: HashMap<AggregateId, Version>,
    owners: HashMap<ClaimKey, AggregateId>,
    rows: HashMap<(&'static str, AggregateId), Option<Version>>,
}

impl Judge {
    pub(crate) async fn prepare(client: &Client, tables: &[&'static InlineTable]) -> Result<Self, Error> {
        let own = try_join4(
            client.prepare(REQUESTS),
            client.prepare(VERSIONS),
            client.prepare(OWNERS),
            client.prepare(ERASE),
        );
        let rows =
            tables.iter().map(|&table| async move { Ok((table, client.prepare(&row_text(table)).await?)) });
        let ((requests, versions, owners, erase), rows) = try_join(own, try_join_all(rows)).await?;
        Ok(Self { requests, versions, owners, erase, rows })
    }

    /// Begins a transaction, takes the lock and looks, in one round trip.
    pub(crate) async fn look_locked(&self, client: &Client, batch: &[&Append]) -> Result<Found, Error> {
        // They are sent in this order before the first answer is awaited.
        let begin = if batch.iter().any(|append| erases(append)) { BEGIN_ERASING } else { BEGIN_LOCKED };
        let ((), found) = try_join(client.batch_execute(begin), self.look(client, batch)).await?;
        Ok(found)
    }

    /// Cleans what projections hold about the streams of the batch that are erased.
    pub(crate) async fn erase(&self, client: &Client, batch: &[&Append]) -> Result<(), Error> {
        let erased = batch.iter().filter(|append| erases(append)).map(|append| append.aggregate_id.0);
        let erased: Vec<_> = erased.collect();
        ask(client, &self.erase, &erased).await?;
        Ok(())
    }

    /// Looks at what has been committed by now. What is refused on it would have been refused then.
    pub(crate) async fn look(&self, client: &Client, batch: &[&Append]) -> Result<Found, Error> {
        let requests: Vec<_> = batch.iter().filter_map(|append| Some(append.request?.key.0)).collect();
        let streams: Vec<_> = batch.iter().map(|append| append.aggregate_id.0).collect();
        let claims: Vec<_> = batch.iter().flat_map(|append| append.claims.keys()).map(|key| key.0).collect();
        let own = try_join3(
            ask(client, &self.requests, &requests),
            ask(client, &self.versions, &streams),
            ask(client, &self.owners, &claims),
        );
        let rows = self.rows.iter().map(|(table, statement)| async {
            let keys: Vec<_> = batch.iter().filter(|a| a.rows.iter().any(|w| w.table == *table)).collect();
            let keys: Vec<_> = keys.into_iter().map(|append| append.aggregate_id.0).collect();
            Ok((table.name, ask(client, statement, &keys).await?))
        });
        let ((requests, versions, owners), rows) = try_join(own, try_join_all(rows)).await?;
        Found::read(&requests, &versions, &owners, &rows)
    }
}

/// Every look-up, for the test of their plans.
#[cfg(test)]
pub(crate) fn texts(tables: &[&'static InlineTable]) -> impl Iterator<Item = String> {
    [REQUESTS, VERSIONS, OWNERS]
        .map(str::to_owned)
        .into_iter()
        .chain(tables.iter().map(|table| row_text(table)))
}

fn row_text(table: &InlineTable) -> String {
    let key = table.key().name;
    let version = table.version_column.map_or("NULL::int8".to_owned(), |version| format!("\"{version}\""));
    format!("SELECT \"{key}\", {version} FROM {} WHERE \"{key}\" = ANY($1)", table.name)
}

/// Whether what projections hold about the append's stream goes with it.
pub(crate) fn erases(append: &Append) -> bool {
    match append.derived {
        Derived::Kept => false,
        Derived::Erased => true,
    }
}

/// Asks nothing if there is nothing to ask about.
async fn ask(client: &Client, statement: &Statement, keys: &[Uuid]) -> Result<Vec<Row>, Error> {
    if keys.is_empty() { Ok(Vec::new()) } else { client.query(statement, &[&keys]).await }
}

impl Found {
    fn read(
        requests: &[Row],
        versions: &[Row],
        owners: &[Row],
        rows: &[(&'static str, Vec<Row>)],
    ) -> Result<Self, Error> {
        let mut found = Self::default();
        for row in requests {
            let record = RequestRecord {
                fingerprint: Fingerprint(row.try_get(1)?),
                aggregate_id: AggregateId(row.try_get(2)?),
                version: version(row.try_get(3)?),
                position: Position(row.try_get::<_, i64>(4)?.cast_unsigned()),
            };
            found.requests.insert(RequestKey(row.try_get(0)?), record);
        }
        for row in versions {
            found.versions.insert(AggregateId(row.try_get(0)?), version(row.try_get(1)?));
        }
        for row in owners {
            found.owners.insert(ClaimKey(row.try_get(0)?), AggregateId(row.try_get(1)?));
        }
        for (table, rows) in rows {
            for row in rows {
                let key = (*table, AggregateId(row.try_get(0)?));
                found.rows.insert(key, row.try_get::<_, Option<i64>>(1)?.map(version));
            }
        }
        Ok(found)
    }

    /// The verdict on one append. A used request id comes before a conflict, a conflict before a taken claim: who
    /// repeats a command must hear what it did, and who decided on an old state cannot know which claims she would want. Last come
    /// rows and claims that are not as the version says they are: a conflict too, since the caller can only look again.
    pub(crate) fn judge(&self, append: &Append) -> Option<Rejection> {
        if let Some(record) = append.request.and_then(|request| self.requests.get(&request.key)) {
            return Some(Rejection::Duplicate(*record));
        }
        let actual = self.versions.get(&append.aggregate_id).copied().unwrap_or(Version::NONE);
        if actual != append.expected {
            return Some(Rejection::Conflict { actual });
        }
        if let Some((key, owner)) =
            append.claims.wanted().find_map(|key| Some((key, *self.owners.get(&key)?)))
        {
            return Some(Rejection::ClaimTaken { key, owner });
        }
        let matches = self.owns_what_it_gives_up(append) && self.rows_fit(append);
        (!matches).then_some(Rejection::Conflict { actual })
    }

    fn owns_what_it_gives_up(&self, append: &Append) -> bool {
        append.claims.given_up().all(|key| self.owners.get(&key) == Some(&append.aggregate_id))
    }

    fn rows_fit(&self, append: &Append) -> bool {
        append.rows.iter().all(|write| {
            let row = self.rows.get(&(write.table.name, append.aggregate_id));
            match write.change {
                RowChange::Insert(_) => row.is_none(),
                RowChange::Update(_) | RowChange::Delete => {
                    row.is_some_and(|version| version.is_none_or(|version| version == append.expected))
                }
            }
        })
    }
}

/// A batch, sorted into what will be written and what is refused.
#[derive(Debug)]
pub(crate) struct Sorted<'a> {
    pub(crate) good: Vec<&'a Append>,
    rejections: Vec<Option<Rejection>>,
}

impl<'a> Sorted<'a> {
    /// Rows of another layout than the one that is written need no verdict: they are not written.
    pub(crate) fn new(
        batch: &'a [Append],
        layout: &Layout,
        judge: impl Fn(&Append) -> Option<Rejection>,
    ) -> Self {
        let verdict =
            |append| if layout.holds(append) { judge(append) } else { Some(Rejection::LayoutMoved) };
        let rejections: Vec<_> = batch.iter().map(verdict).collect();
        let good = batch.iter().zip(&rejections).filter(|(_, rejection)| rejection.is_none());
        Self { good: good.map(|(append, _)| append).collect(), rejections }
    }

    /// The verdict on each, now that the good ones have been written, in their order.
    pub(crate) fn verdicts(&self, appended: impl IntoIterator<Item = Appended>) -> Vec<Verdict> {
        let mut appended = appended.into_iter();
        let verdict = |rejection: Option<Rejection>| match rejection {
            Some(rejection) => Some(Verdict::Rejected(rejection)),
            None => appended.next().map(Verdict::Appended),
        };
        self.rejections.iter().copied().filter_map(verdict).collect()
    }
}

fn version(stored: i64) -> Version {
    Version(stored.cast_unsigned())
}
