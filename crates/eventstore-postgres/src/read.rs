//! The reads: each one statement on a pooled connection, by position, never by offset.

use std::error::Error as StdError;
use std::io;

use deadpool_postgres::{Object, Pool};
use eventstore::append_task::Look;
use eventstore::{
    AggregateId, ClaimKey, EventId, EventPage, EventQuery, Fingerprint, Head, Metadata, Position, ReadError,
    ReaderStats, RecordedEvent, RequestKey, RequestRecord, Select, StatementCounts, Value, Version,
};
use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, ToSql};

use crate::append::WRITER;
use crate::row::{self, Moment, Parameter, signed, unsigned};
use crate::said::Said;

/// A filtered read looks at no more events than these at once: a type that hardly ever occurs must not make one
/// statement read the whole log.
const SCANNED_MAX: u64 = 50_000;

macro_rules! event_columns {
    () => {
        "position, recorded_at, aggregate_type, aggregate_id, version, event_id, event_type, schema_version, \
         data, sealed, actor, request_id, correlation_id, causation_id"
    };
}

const STREAM: &str = concat!(
    "SELECT ",
    event_columns!(),
    " FROM events WHERE aggregate_id = $1 AND version > $2 ORDER BY version LIMIT $3"
);
const STREAM_HEAD: &str = concat!(
    "SELECT ",
    event_columns!(),
    " FROM events WHERE aggregate_id = $1 ORDER BY version DESC LIMIT 1"
);
const EVENTS: &str =
    concat!("SELECT ", event_columns!(), " FROM events WHERE position > $1 ORDER BY position LIMIT $2");
const FILTERED: &str = concat!(
    "SELECT ",
    event_columns!(),
    " FROM events WHERE position > $1 AND position <= $2 \
      AND (cardinality($3::text[]) = 0 OR event_type = ANY($3)) AND ($4::text IS NULL OR aggregate_type = $4) \
      ORDER BY position LIMIT $5"
);
const HEAD: &str = "SELECT position, event_id, recorded_at FROM events ORDER BY position DESC LIMIT 1";
const LOOK: &str = "SELECT clock_timestamp(), (SELECT recorded_at FROM events ORDER BY position DESC LIMIT 1), \
    writer_floor <= $1 AND layout = $2 FROM log_meta WHERE only_row = 1";
const RECORDED_AT: &str = "SELECT recorded_at FROM events WHERE position = $1";
const OWNER: &str = "SELECT aggregate_id FROM claims WHERE key = $1";
/// After `$2`, from `$1` on: the same key, or the first of all when there is none to come after. An index serves that,
/// which it would not with "or is null".
const CLAIMS: &str =
    "SELECT key, aggregate_id FROM claims WHERE key >= $1 AND key IS DISTINCT FROM $2 ORDER BY key LIMIT $3";
const REQUEST: &str = "SELECT fingerprint, aggregate_id, version, position FROM requests WHERE key = $1";
/// Walks along the primary key, and forgets what is old enough on the way.
const PRUNE: &str = "WITH walked AS MATERIALIZED ( \
        SELECT key, position FROM requests WHERE key >= $1 AND key IS DISTINCT FROM $2 ORDER BY key LIMIT $3 \
    ), forgotten AS ( \
        DELETE FROM requests r USING walked w WHERE r.key = w.key AND w.position <= $4 \
    ) SELECT key FROM walked ORDER BY key DESC LIMIT 1";

/// The reading half of a store.
#[derive(Debug)]
pub(crate) struct Reader {
    pool: Pool,
    statements: StatementCounts,
}

impl Reader {
    pub(crate) fn new(pool: Pool) -> Self {
        Self { pool, statements: StatementCounts::default() }
    }

    pub(crate) fn stats(&self) -> ReaderStats {
        let status = self.pool.status();
        let busy = status.size.saturating_sub(status.available);
        ReaderStats { idle: status.available as u64, busy: busy as u64, waiting: status.waiting as u64 }
    }

    pub(crate) fn statements(&self) -> &StatementCounts {
        &self.statements
    }

    pub(crate) fn close(&self) {
        self.pool.close();
    }

    pub(crate) async fn stream(
        &self,
        aggregate_id: AggregateId,
        after: Version,
        limit: u32,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        let parameters: [&(dyn ToSql + Sync); 3] = [&aggregate_id.0, &signed(after.0), &i64::from(limit)];
        self.rows(STREAM, &parameters).await?.iter().map(event).collect()
    }

    pub(crate) async fn stream_head(
        &self,
        aggregate_id: AggregateId,
    ) -> Result<Option<RecordedEvent>, ReadError> {
        self.row(STREAM_HEAD, &[&aggregate_id.0]).await?.as_ref().map(event).transpose()
    }

    pub(crate) async fn events(&self, query: &EventQuery) -> Result<EventPage, ReadError> {
        if query.filter.event_types.is_empty() && query.filter.aggregate_type.is_none() {
            self.all_events(query.after, query.limit).await
        } else {
            self.filtered_events(query).await
        }
    }

    async fn all_events(&self, after: Position, limit: u32) -> Result<EventPage, ReadError> {
        let rows = self.rows(EVENTS, &[&signed(after.0), &i64::from(limit)]).await?;
        let events: Vec<_> = rows.iter().map(event).collect::<Result<_, _>>()?;
        let scanned_to = events.last().map_or(after, |event| event.position);
        Ok(EventPage { events, scanned_to })
    }

    async fn filtered_events(&self, query: &EventQuery) -> Result<EventPage, ReadError> {
        // Everything up to the head is visible to whoever has seen the head.
        let head = self.head().await?.position;
        let last = Position(head.0.min(query.after.0.saturating_add(SCANNED_MAX))).max(query.after);
        let parameters: [&(dyn ToSql + Sync); 5] = [
            &signed(query.after.0),
            &signed(last.0),
            &query.filter.event_types,
            &query.filter.aggregate_type,
            &i64::from(query.limit),
        ];
        let rows = self.rows(FILTERED, &parameters).await?;
        let events: Vec<_> = rows.iter().map(event).collect::<Result<_, _>>()?;
        let full = events.len() == query.limit as usize;
        let scanned_to = match events.last() {
            Some(event) if full => event.position,
            None if full => query.after,
            Some(_) | None => last,
        };
        Ok(EventPage { events, scanned_to })
    }

    pub(crate) async fn head(&self) -> Result<Head, ReadError> {
        let Some(row) = self.row(HEAD, &[]).await? else {
            return Ok(Head { position: Position::START, event_id: None, recorded_at: None });
        };
        Ok(Head {
            position: Position(unsigned(get(&row, 0)?)?),
            event_id: Some(EventId(get(&row, 1)?)),
            recorded_at: Some(get::<Moment>(&row, 2)?.timestamp()?),
        })
    }

    /// The database's clock, and whether it takes a writer like this one with these tables.
    pub(crate) async fn look(&self, layout: &str) -> Result<Look, ReadError> {
        let row = self.row(LOOK, &[&WRITER, &layout]).await?;
        let row = row.ok_or_else(|| ReadError::Corrupt("log_meta has no row".to_owned()))?;
        let recorded_at = get::<Option<Moment>>(&row, 1)?.map(Moment::timestamp).transpose()?;
        Ok(Look { clock: get::<Moment>(&row, 0)?.timestamp()?, recorded_at, admitted: get(&row, 2)? })
    }

    /// Times never go backwards along positions, so halving finds the place without an index on them.
    pub(crate) async fn position_at(&self, moment: Timestamp) -> Result<Position, ReadError> {
        let (mut at_or_before, mut after) = (0, self.head().await?.position.0 + 1);
        while after - at_or_before > 1 {
            let middle = at_or_before + (after - at_or_before) / 2;
            let row = self.row(RECORDED_AT, &[&signed(middle)]).await?;
            let row = row.ok_or_else(|| ReadError::Corrupt(format!("there is no position {middle}")))?;
            if get::<Moment>(&row, 0)?.timestamp()? <= moment {
                at_or_before = middle;
            } else {
                after = middle;
            }
        }
        Ok(Position(at_or_before))
    }

    pub(crate) async fn claim_owner(&self, key: ClaimKey) -> Result<Option<AggregateId>, ReadError> {
        self.row(OWNER, &[&key.0]).await?.map(|row| get(&row, 0).map(AggregateId)).transpose()
    }

    pub(crate) async fn claims(
        &self,
        after: Option<ClaimKey>,
        limit: u32,
    ) -> Result<Vec<(ClaimKey, AggregateId)>, ReadError> {
        let after = after.map(|key| key.0);
        let rows = self.rows(CLAIMS, &[&after.unwrap_or_default(), &after, &i64::from(limit)]).await?;
        rows.iter().map(|row| Ok((ClaimKey(get(row, 0)?), AggregateId(get(row, 1)?)))).collect()
    }

    pub(crate) async fn request(&self, key: RequestKey) -> Result<Option<RequestRecord>, ReadError> {
        let Some(row) = self.row(REQUEST, &[&key.0]).await? else { return Ok(None) };
        Ok(Some(RequestRecord {
            fingerprint: Fingerprint(get(&row, 0)?),
            aggregate_id: AggregateId(get(&row, 1)?),
            version: Version(unsigned(get(&row, 2)?)?),
            position: Position(unsigned(get(&row, 3)?)?),
        }))
    }

    pub(crate) async fn prune_requests(
        &self,
        before: Position,
        after: Option<RequestKey>,
        limit: u32,
    ) -> Result<Option<RequestKey>, ReadError> {
        let after = after.map(|key| key.0);
        let parameters: [&(dyn ToSql + Sync); 4] =
            [&after.unwrap_or_default(), &after, &i64::from(limit), &signed(before.0)];
        let row = self.row(PRUNE, &parameters).await?;
        row.map(|row| get(&row, 0).map(RequestKey)).transpose()
    }

    pub(crate) async fn select(
        &self,
        query: &'static Select,
        parameters: &[Value],
    ) -> Result<Vec<eventstore::Row>, ReadError> {
        let parameters: Vec<_> = parameters.iter().map(Parameter).collect();
        let client = self.client().await?;
        let known = client.statement_cache.size();
        let prepared = client.prepare_cached(query.sql).await.map_err(failed)?;
        if client.statement_cache.size() > known {
            self.statements.prepared();
        } else {
            self.statements.found();
        }
        let rows = client.query(&prepared, &borrowed(&parameters)).await.map_err(failed)?;
        let values = |row: &Row| {
            let columns = query.columns.iter().enumerate();
            columns.map(|(n, kind)| row::value(row, n, *kind)).collect()
        };
        rows.iter().map(values).collect()
    }

    pub(crate) async fn execute(
        &self,
        statement: &'static str,
        parameters: &[Value],
    ) -> Result<u64, ReadError> {
        let parameters: Vec<_> = parameters.iter().map(Parameter).collect();
        let client = self.client().await?;
        let prepared = client.prepare_cached(statement).await.map_err(failed)?;
        client.execute(&prepared, &borrowed(&parameters)).await.map_err(failed)
    }

    async fn rows(&self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, ReadError> {
        let client = self.client().await?;
        let prepared = client.prepare_cached(sql).await.map_err(failed)?;
        client.query(&prepared, parameters).await.map_err(failed)
    }

    async fn row(&self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Option<Row>, ReadError> {
        Ok(self.rows(sql, parameters).await?.into_iter().next())
    }

    async fn client(&self) -> Result<Object, ReadError> {
        self.pool.get().await.map_err(|error| ReadError::StoreDown(Said::by(&error).into()))
    }
}

fn borrowed<'a>(parameters: &'a [Parameter<'a>]) -> Vec<&'a (dyn ToSql + Sync)> {
    parameters.iter().map(|parameter| parameter as &(dyn ToSql + Sync)).collect()
}

fn event(row: &Row) -> Result<RecordedEvent, ReadError> {
    Ok(RecordedEvent {
        position: Position(unsigned(get(row, 0)?)?),
        recorded_at: get::<Moment>(row, 1)?.timestamp()?,
        aggregate_type: get(row, 2)?,
        aggregate_id: AggregateId(get(row, 3)?),
        version: Version(unsigned(get(row, 4)?)?),
        event_id: EventId(get(row, 5)?),
        event_type: get(row, 6)?,
        schema_version: get::<i16>(row, 7)?.cast_unsigned(),
        data: get(row, 8)?,
        sealed: get(row, 9)?,
        metadata: Metadata {
            actor: get(row, 10)?,
            request_id: get(row, 11)?,
            correlation_id: get(row, 12)?,
            causation_id: get(row, 13)?,
        },
    })
}

fn get<'a, T: FromSql<'a>>(row: &'a Row, index: usize) -> Result<T, ReadError> {
    row.try_get(index).map_err(|error| ReadError::Corrupt(error.to_string()))
}

/// Classes of SQLSTATE that are no fault of the statement: no connection, a deadlock, no room, a lock or a statement
/// that took too long, an operator.
const UNAVAILABLE: [&str; 6] = ["08", "40", "53", "55", "57", "58"];

/// A read that failed is the statement's fault or the server's condition.
fn failed(error: tokio_postgres::Error) -> ReadError {
    let unavailable = match error.code() {
        Some(code) => UNAVAILABLE.iter().any(|class| code.code().starts_with(class)),
        None => error.is_closed() || error.source().is_some_and(<dyn StdError>::is::<io::Error>),
    };
    let said = Said::from(error).into();
    if unavailable { ReadError::StoreDown(said) } else { ReadError::Malformed(said) }
}
