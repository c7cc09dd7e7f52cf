//! The reads: each one statement on a pooled connection, by position, never by offset.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use deadpool_postgres::{Object, Pool};
use eventstore::append_task::{Look, Releases};
use eventstore::{
    AggregateId, ClaimKey, EventId, Fingerprint, Head, Metadata, Position, ReadError, ReaderStats,
    RecordedEvent, RequestKey, RequestRecord, Select, StatementCounts, StoreSize, StreamCursor, Value,
    Version,
};
use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, ToSql};
use uuid::Uuid;

use crate::append::WRITER;
use crate::row::{self, Moment, Parameter, signed, unsigned};
use crate::said::Said;

macro_rules! event_columns {
    () => {
        "position, recorded_at, aggregate_type, aggregate_id, version, event_id, event_type, schema_version, \
         data, sealed, actor, request_id, correlation_id, causation_id"
    };
}
pub(crate) use event_columns;

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
const STREAMS: &str = concat!(
    "SELECT ",
    event_columns!(),
    " FROM events WHERE (aggregate_id, version) > ($1, $2) AND position <= $3 \
      ORDER BY aggregate_id, version LIMIT $4"
);
const HEAD: &str = "SELECT position, event_id, recorded_at FROM events ORDER BY position DESC LIMIT 1";
const LOOK: &str = "SELECT clock_timestamp(), (SELECT recorded_at FROM events ORDER BY position DESC LIMIT 1), \
    writer_floor <= $1, layout FROM log_meta WHERE only_row = 1";
const RECORDED_AT: &str = "SELECT recorded_at FROM events WHERE position = $1";
/// Both schemas: the log's and that of the secrets. What the server has written ahead only some may ask.
const SIZE: &str = "SELECT pg_table_size('events'), pg_indexes_size('events'), \
    (SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class \
        WHERE relkind IN ('r', 'm') AND relnamespace = ANY (current_schemas(false)::regnamespace[])), \
    has_function_privilege('pg_ls_waldir()', 'EXECUTE')";
/// The whole server's: there is one.
const WAL: &str = "SELECT coalesce(sum(size), 0)::bigint FROM pg_ls_waldir()";
/// A standby that has applied all that it has received is behind only if nobody sends any more.
const REPLAY_LAG: &str = "SELECT CASE WHEN NOT pg_is_in_recovery() THEN NULL \
    WHEN pg_last_wal_receive_lsn() <= pg_last_wal_replay_lsn() AND EXISTS (SELECT 1 FROM pg_stat_wal_receiver) THEN 0 \
    ELSE greatest(0, extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())) END::float8";
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

    pub(crate) fn pool(&self) -> Pool {
        self.pool.clone()
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

    /// Events of all streams in the order of the index on (stream, version).
    pub(crate) async fn streams(
        &self,
        after: Option<StreamCursor>,
        up_to: Position,
        limit: u32,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        let (stream, version) =
            after.map_or((Uuid::nil(), 0), |after| (after.aggregate_id.0, signed(after.version.0)));
        let parameters: [&(dyn ToSql + Sync); 4] = [&stream, &version, &signed(up_to.0), &i64::from(limit)];
        self.rows(STREAMS, &parameters).await?.iter().map(event).collect()
    }

    pub(crate) async fn size(&self) -> Result<StoreSize, ReadError> {
        let row = self.row(SIZE, &[]).await?;
        let row = row.ok_or_else(|| ReadError::Corrupt("the tables have no size".to_owned()))?;
        let bytes = |n| unsigned(get(&row, n)?);
        let (events, indexes, total) = (bytes(0)?, bytes(1)?, bytes(2)?);
        let wal = if get(&row, 3)? { self.row(WAL, &[]).await? } else { None };
        let wal = wal.map(|row| unsigned(get(&row, 0)?)).transpose()?;
        Ok(StoreSize { events, indexes: Some(indexes), total, wal })
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

    /// The database's clock, and whether it takes a writer like this one. Its layout is written from now on.
    pub(crate) async fn look(&self, releases: &Releases) -> Result<Look, ReadError> {
        let row = self.row(LOOK, &[&WRITER]).await?;
        let row = row.ok_or_else(|| ReadError::Corrupt("log_meta has no row".to_owned()))?;
        let recorded_at = get::<Option<Moment>>(&row, 1)?.map(Moment::timestamp).transpose()?;
        let admitted = get(&row, 2)? && releases.adopt(&get::<String>(&row, 3)?);
        Ok(Look { clock: get::<Moment>(&row, 0)?.timestamp()?, recorded_at, admitted })
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

    pub(crate) async fn rows(
        &self,
        sql: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, ReadError> {
        let client = self.client().await?;
        let prepared = client.prepare_cached(sql).await.map_err(failed)?;
        client.query(&prepared, parameters).await.map_err(failed)
    }

    pub(crate) async fn replay_lag(&self) -> Result<Option<Duration>, ReadError> {
        let row = self.row(REPLAY_LAG, &[]).await?;
        let seconds: Option<f64> = row.map(|row| row.try_get(0)).transpose().map_err(failed)?.flatten();
        Ok(seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()))
    }

    async fn row(&self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Option<Row>, ReadError> {
        Ok(self.rows(sql, parameters).await?.into_iter().next())
    }

    pub(crate) async fn client(&self) -> Result<Object, ReadError> {
        connection(&self.pool).await
    }
}

/// One of a pool's connections.
pub(crate) async fn connection(pool: &Pool) -> Result<Object, ReadError> {
    pool.get().await.map_err(|error| ReadError::StoreDown(Said::by(&error).into()))
}

fn borrowed<'a>(parameters: &'a [Parameter<'a>]) -> Vec<&'a (dyn ToSql + Sync)> {
    parameters.iter().map(|parameter| parameter as &(dyn ToSql + Sync)).collect()
}

pub(crate) fn event(row: &Row) -> Result<RecordedEvent, ReadError> {
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

pub(crate) fn get<'a, T: FromSql<'a>>(row: &'a Row, index: usize) -> Result<T, ReadError> {
    row.try_get(index).map_err(|error| ReadError::Corrupt(error.to_string()))
}

/// Classes of SQLSTATE that are no fault of the statement: no connection, a deadlock, no room, a lock or a statement
/// that took too long, an operator.
const UNAVAILABLE: [&str; 6] = ["08", "40", "53", "55", "57", "58"];

/// A read that failed is the statement's fault or the server's condition.
pub(crate) fn failed(error: tokio_postgres::Error) -> ReadError {
    let unavailable = match error.code() {
        Some(code) => UNAVAILABLE.iter().any(|class| code.code().starts_with(class)),
        None => error.is_closed() || error.source().is_some_and(<dyn StdError>::is::<io::Error>),
    };
    let said = Said::from(error).into();
    if unavailable { ReadError::StoreDown(said) } else { ReadError::Malformed(said) }
}

#[cfg(test)]
mod tests {
    use tokio_postgres::{Client, SimpleQueryMessage};

    use super::*;
    use crate::appends::options;
    use crate::connection::{READ_SETTINGS, STEP_SETTINGS};
    use crate::database::Database;
    use crate::{migrate, page, projection};

    /// Streams of three events each, in no order of their ids.
    const EVENTS: &str = "INSERT INTO events SELECT n, now(), md5((n / 3)::text)::uuid, gen_random_uuid(), NULL, NULL, \
        NULL, n % 3 + 1, 1, 'person', 'person.changed', NULL, repeat('x', 200), NULL FROM generate_series(1, 60000) n; \
        ANALYZE events";
    const TABLES: &str = "CREATE TABLE note (id uuid, number bigint, text text, stars bigint, PRIMARY KEY (id, number)); \
        CREATE TABLE note__g2 (LIKE note INCLUDING ALL); CREATE TABLE document (id uuid PRIMARY KEY); \
        CREATE TABLE word (word text PRIMARY KEY, noted bigint, seen_at timestamptz)";

    /// What the server would do with these parameters.
    async fn plan(client: &Client, sql: &str, parameters: &str) -> String {
        client.batch_execute(&format!("PREPARE explained AS {sql}")).await.unwrap();
        let rows = client.simple_query(&format!("EXPLAIN EXECUTE explained({parameters})")).await.unwrap();
        client.batch_execute("DEALLOCATE explained").await.unwrap();
        let line = |row: &SimpleQueryMessage| match row {
            SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        };
        rows.iter().filter_map(line).collect::<Vec<_>>().join("\n")
    }

    #[tokio::test]
    async fn pages_of_a_large_log_are_read_along_an_index() {
        let database = Database::new().await;
        migrate(&options(&database.url)).await.unwrap();
        let client = database.owner().await;
        client.batch_execute(EVENTS).await.unwrap();
        client.batch_execute(READ_SETTINGS).await.unwrap();
        let [up, down, filtered_up, filtered_down, streams_up, streams_down] = page::STATEMENTS;
        let filter = "'{person.changed}', NULL, 'nobody', NULL";
        let (id, ids) =
            ("'80000000-0000-4000-8000-000000000000'", "'{80000000-0000-4000-8000-000000000000}'");
        let streams = [(up, "10, 60000, 1000".to_owned()), (down, "10, 60000, 1000".to_owned())];
        let filtered = [filtered_up, filtered_down].map(|sql| (sql, format!("50000, 51000, 1000, {filter}")));
        let walked = (STREAMS, format!("{id}, 2, 60000, 1000"));
        for (sql, parameters) in streams.into_iter().chain(filtered).chain([walked]) {
            let plan = plan(&client, sql, &parameters).await;
            assert!(plan.contains("Index Scan") && !plan.contains("Sort"), "{sql}\n{plan}");
        }
        for sql in [streams_up, streams_down] {
            let plan = plan(&client, sql, &format!("0, 60000, 1000, {filter}, {ids}")).await;
            assert!(plan.contains("events_aggregate_id_version_key"), "{sql}\n{plan}");
        }
    }

    #[tokio::test]
    async fn no_step_of_a_projection_scans_a_table() {
        let database = Database::new().await;
        migrate(&options(&database.url)).await.unwrap();
        let client = database.owner().await;
        client.batch_execute(TABLES).await.unwrap();
        client.batch_execute(STEP_SETTINGS).await.unwrap();
        for sql in projection::examples() {
            let parameters = client.prepare(&sql).await.unwrap().params().len();
            let plan = plan(&client, &sql, &vec!["NULL"; parameters].join(", ")).await;
            assert!(!plan.contains("Seq Scan"), "{sql}\n{plan}");
            assert!(!plan.contains("Hash") && !plan.contains("Merge"), "{sql}\n{plan}");
        }
    }
}
