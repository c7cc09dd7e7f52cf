//! What a text is contained in: by a GIN index of the trigrams of a column, if the product's migration could make one.
//! Other generations get one of their own, as they get every index.

use deadpool_postgres::Transaction;
use eventstore::{Direction, ProjectionError, ProjectionTable, ReadError, Row, Stretch};
use tokio_postgres::types::ToSql;

use super::table::names;
use crate::read::{Reader, failed};
use crate::row;

/// What else stands in the index: nothing, or the buckets of a stretch.
const INDEXED: &str = "SELECT coalesce(pg_get_expr(x.indexprs, x.indrelid), '') FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid JOIN pg_am m ON m.oid = c.relam \
    JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = ANY (x.indkey) \
    WHERE x.indrelid = to_regclass($1) AND a.attname = $2 AND m.amname = 'gin' AND x.indisvalid AND x.indpred IS NULL \
    AND ($3 OR (SELECT datctype NOT IN ('C', 'POSIX') FROM pg_database WHERE datname = current_database()))";

/// That index, and no other way: the planner cannot know how rare a text is.
const BY_THE_INDEX: &str = "SET LOCAL enable_bitmapscan = on; SET LOCAL enable_seqscan = off; \
    SET LOCAL enable_indexscan = off; SET LOCAL enable_indexonlyscan = off";

/// Fewer letters are in no trigram.
const LETTERS: usize = 3;

/// A bitmap of a text is made whole before its first row is read, so it is made for some thousands of numbers at a time: for
/// buckets of so many, which stand in the same index.
const BUCKET_BITS: u32 = 12;

/// So many buckets at once, at most; and so many more than the last time.
const BUCKETS_MAX: i64 = 64;
const BUCKETS_GROW: i64 = 8;

/// Before all rows with a text are asked for, these few buckets tell whether they are too many; a few hits in them tell nothing.
const SAMPLED: i64 = 8;
const SURE: i64 = 40;
const LAST_BUCKET: &str = "SELECT position >> 12 FROM events ORDER BY position DESC LIMIT 1";

/// Where a text has shown to be rare, all of its rows are asked for, if they are so few.
const FEW: i64 = 1000;

/// Its rows that hold a text in a column, of the live generation.
pub(super) async fn containing(
    reader: &Reader,
    table: &'static ProjectionTable,
    column: &str,
    text: &str,
    limit: u32,
) -> Result<Option<Vec<Row>>, ProjectionError> {
    let beside = beside(reader, table, column, text).await?;
    if beside.is_empty() {
        return Ok(None);
    }
    let mut client = reader.client().await?;
    let moment = client.transaction().await.map_err(failed)?;
    let last = moment.prepare_cached(LAST_BUCKET).await.map_err(failed)?;
    let last = moment.query_opt(&last, &[]).await.map_err(failed)?;
    moment.batch_execute(BY_THE_INDEX).await.map_err(failed)?;
    let last: i64 = last.map_or(Ok(0), |row| row.try_get(0)).map_err(failed)?;
    if let Some(buckets) = beside.iter().find(|it| are_buckets(table, it)).filter(|_| last >= BUCKETS_MAX) {
        let prepared = moment.prepare_cached(&sample(table, column, buckets)).await.map_err(failed)?;
        let some: Vec<i64> = (0..SAMPLED).map(|n| last * (2 * n + 1) / (2 * SAMPLED)).collect();
        let row = moment.query_one(&prepared, &[&pattern(text), &some]).await.map_err(failed)?;
        let hits: i64 = row.try_get(0).map_err(failed)?;
        if hits > SURE && hits * last / (SAMPLED - 1) > 2 * i64::from(limit) {
            return Ok(None);
        }
    }
    let prepared = moment.prepare_cached(&hits(table, column)).await.map_err(failed)?;
    let parameters: [&(dyn ToSql + Sync); 2] = [&pattern(text), &(i64::from(limit) + 1)];
    let found = moment.query(&prepared, &parameters).await.map_err(failed)?;
    moment.commit().await.map_err(failed)?;
    if found.len() > limit as usize {
        return Ok(None);
    }
    Ok(Some(values(table, &found)?))
}

/// The bucket with most hits is left out: they may all have come at once.
fn sample(table: &ProjectionTable, column: &str, buckets: &str) -> String {
    format!(
        "SELECT coalesce(SUM(hits) - MAX(hits), 0)::bigint FROM (SELECT COUNT(*) AS hits FROM {} \
         WHERE {buckets} && $2::bigint[] AND \"{column}\" LIKE $1 GROUP BY {buckets}) AS q",
        table.name
    )
}

fn buckets_of(column: &str) -> String {
    format!("ARRAY[({column} >> {BUCKET_BITS})]")
}

/// Whether what stands in an index are buckets of a column of ours: anybody may have made one with something else in it.
fn are_buckets(table: &ProjectionTable, indexed: &str) -> bool {
    table.columns.iter().any(|column| indexed == buckets_of(column.name))
}

/// The same along a column of numbers.
pub(super) async fn containing_along(
    reader: &Reader,
    table: &'static ProjectionTable,
    column: &str,
    text: &str,
    stretch: Stretch,
    limit: u32,
) -> Result<Option<Vec<Row>>, ProjectionError> {
    if !beside(reader, table, column, text).await?.contains(&buckets_of(stretch.column)) {
        return Ok(None);
    }
    let mut client = reader.client().await?;
    let moment = client.transaction().await.map_err(failed)?;
    moment.batch_execute(BY_THE_INDEX).await.map_err(failed)?;
    let search = Search { moment: &moment, table, column, pattern: pattern(text) };
    let found = search.along(stretch, limit.into()).await?;
    moment.commit().await.map_err(failed)?;
    Ok(Some(found))
}

/// What stands beside a column in the indexes that can tell where a text is.
async fn beside(
    reader: &Reader,
    table: &ProjectionTable,
    column: &str,
    text: &str,
) -> Result<Vec<String>, ReadError> {
    // A trigram is of letters and digits, and which those are is the database's affair: in the locale C, of ASCII only.
    let has_trigram = |is_letter: fn(char) -> bool| {
        text.split(|letter: char| !is_letter(letter)).any(|word| word.chars().count() >= LETTERS)
    };
    if !has_trigram(char::is_alphanumeric) {
        return Ok(Vec::new());
    }
    let in_ascii = has_trigram(|letter| letter.is_ascii_alphanumeric());
    let rows = reader.rows(INDEXED, &[&table.name, &column, &in_ascii]).await?;
    rows.iter().map(|row| row.try_get(0).map_err(failed)).collect()
}

fn values(table: &ProjectionTable, rows: &[tokio_postgres::Row]) -> Result<Vec<Row>, ReadError> {
    let values =
        |row| table.columns.iter().enumerate().map(|(n, column)| row::value(row, n, column.kind)).collect();
    rows.iter().map(values).collect()
}

/// A text in a column, within one transaction.
struct Search<'a, 't> {
    moment: &'a Transaction<'t>,
    table: &'static ProjectionTable,
    column: &'a str,
    pattern: String,
}

impl Search<'_, '_> {
    /// Bucket by bucket. The fewer there are in one, the more are asked for at once.
    async fn along(&self, stretch: Stretch, limit: i64) -> Result<Vec<Row>, ProjectionError> {
        let (mut found, mut rest, mut buckets) = (Vec::new(), stretch, 1);
        let mut may_be_few = true;
        loop {
            let missing = limit - count(&found);
            if missing <= 0 || rest.is_empty() {
                return Ok(found);
            }
            if buckets == BUCKETS_MAX
                && std::mem::take(&mut may_be_few)
                && let Some(all) = self.few(rest, missing).await?
            {
                found.extend(all);
                return Ok(found);
            }
            let part = first_of(&mut rest, buckets);
            let rows = self.part(part, missing).await?;
            let enough = (buckets * missing * 2).checked_div(count(&rows)).unwrap_or(i64::MAX);
            buckets = enough.clamp(1, buckets * BUCKETS_GROW).min(BUCKETS_MAX);
            found.extend(rows);
        }
    }

    async fn part(&self, part: Stretch, limit: i64) -> Result<Vec<Row>, ProjectionError> {
        let sql = hits_of_part(self.table, self.column, part);
        let prepared = self.moment.prepare_cached(&sql).await.map_err(failed)?;
        let buckets: Vec<i64> = (part.from >> BUCKET_BITS..=(part.until - 1) >> BUCKET_BITS).collect();
        let parameters: [&(dyn ToSql + Sync); 5] = [&self.pattern, &limit, &part.from, &part.until, &buckets];
        let rows = self.moment.query(&prepared, &parameters).await.map_err(failed)?;
        Ok(values(self.table, &rows)?)
    }

    /// All that are left, if they are few.
    async fn few(&self, rest: Stretch, limit: i64) -> Result<Option<Vec<Row>>, ProjectionError> {
        let sql = few_hits(self.table, self.column, rest);
        let prepared = self.moment.prepare_cached(&sql).await.map_err(failed)?;
        let parameters: [&(dyn ToSql + Sync); 5] =
            [&self.pattern, &limit, &rest.from, &rest.until, &(FEW + 1)];
        let rows = self.moment.query(&prepared, &parameters).await.map_err(failed)?;
        let Some(first) = rows.first() else { return Ok(Some(Vec::new())) };
        let all: i64 = first.try_get(self.table.columns.len()).map_err(failed)?;
        Ok(if all > FEW { None } else { Some(values(self.table, &rows)?) })
    }
}

fn count(rows: &[Row]) -> i64 {
    i64::try_from(rows.len()).expect("they are in memory")
}

/// Takes so many buckets from the beginning of a stretch.
fn first_of(rest: &mut Stretch, buckets: i64) -> Stretch {
    let mut part = *rest;
    match rest.direction {
        Direction::OldestFirst => {
            let end = ((part.from >> BUCKET_BITS) + buckets) << BUCKET_BITS;
            (part.until, rest.from) = (end.min(part.until), end);
        }
        Direction::NewestFirst => {
            let begin = (((part.until - 1) >> BUCKET_BITS) + 1 - buckets) << BUCKET_BITS;
            (part.from, rest.until) = (begin.max(part.from), begin);
        }
    }
    part
}

fn order(stretch: Stretch) -> String {
    let way = match stretch.direction {
        Direction::OldestFirst => "ASC",
        Direction::NewestFirst => "DESC",
    };
    format!("ORDER BY \"{}\" {way} LIMIT $2", stretch.column)
}

fn hits_of_part(table: &ProjectionTable, column: &str, part: Stretch) -> String {
    let (columns, name, by, order) = (names(table.columns, ""), table.name, part.column, order(part));
    format!(
        "SELECT {columns} FROM {name} WHERE ARRAY[{by} >> {BUCKET_BITS}] && $5::bigint[] AND \"{column}\" LIKE $1 \
         AND {by} >= $3 AND {by} < $4 {order}"
    )
}

fn few_hits(table: &ProjectionTable, column: &str, rest: Stretch) -> String {
    let (columns, name, by, order) = (names(table.columns, ""), table.name, rest.column, order(rest));
    format!(
        "SELECT {columns}, COUNT(*) OVER () FROM (SELECT * FROM {name} WHERE \"{column}\" LIKE $1 \
         AND {by} >= $3 AND {by} < $4 LIMIT $5) AS q {order}"
    )
}

fn hits(table: &ProjectionTable, column: &str) -> String {
    let (columns, name) = (names(table.columns, ""), table.name);
    format!("SELECT {columns} FROM {name} WHERE \"{column}\" LIKE $1 LIMIT $2")
}

/// What `LIKE` takes to find a text anywhere: its three letters of power mean themselves.
fn pattern(text: &str) -> String {
    let mut pattern = String::from("%");
    for letter in text.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use eventstore::conformance::NOTE;
    use tokio_postgres::SimpleQueryMessage;

    use super::*;
    use crate::connection::READ_SETTINGS;
    use crate::database::Database;

    const NOTES: &str = "SET search_path = public; CREATE EXTENSION pg_trgm; \
        CREATE TABLE note (id uuid PRIMARY KEY, number bigint, text text, stars bigint); \
        CREATE INDEX note_by_text ON note USING gin ((ARRAY[number >> 12]), text gin_trgm_ops)";

    const STRETCH: Stretch =
        Stretch { column: "number", from: 5000, until: 1_000_000, direction: Direction::NewestFirst };

    #[tokio::test]
    async fn a_search_looks_at_its_hits_only() {
        let database = Database::new().await;
        let client = database.owner().await;
        let statements = [NOTES, READ_SETTINGS, "BEGIN", BY_THE_INDEX];
        client.batch_execute(&statements.join(";")).await.unwrap();
        let bucket = "Index Cond: ((ARRAY[(number >> 12)] && $5) AND (text ~~ $1))";
        for (statement, parameters, condition) in [
            (hits(&NOTE, "text"), "'%abc%', 10", "Index Cond: (text ~~ $1)"),
            (
                sample(&NOTE, "text", "ARRAY[(number >> 12)]"),
                "'%abc%', '{0}'",
                "Index Cond: ((ARRAY[(number >> 12)] && $2) AND (text ~~ $1))",
            ),
            (few_hits(&NOTE, "text", STRETCH), "'%abc%', 10, 1, 9, 100", "Index Cond: (text ~~ $1)"),
            (hits_of_part(&NOTE, "text", STRETCH), "'%abc%', 10, 1, 9, '{0}'", bucket),
        ] {
            client.batch_execute(&format!("PREPARE explained AS {statement}")).await.unwrap();
            let plan =
                client.simple_query(&format!("EXPLAIN EXECUTE explained({parameters})")).await.unwrap();
            client.batch_execute("DEALLOCATE explained").await.unwrap();
            let line = |message: &SimpleQueryMessage| match message {
                SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
                _ => None,
            };
            let plan = plan.iter().filter_map(line).collect::<Vec<_>>().join("\n");
            assert!(plan.contains("Bitmap Index Scan on note_by_text"), "{plan}");
            assert!(plan.contains(condition), "{plan}");
        }
    }

    #[test]
    fn the_parts_of_a_stretch_are_all_of_it_once() {
        for direction in [Direction::OldestFirst, Direction::NewestFirst] {
            let (mut rest, mut numbers, mut buckets) = (Stretch { direction, ..STRETCH }, Vec::new(), 1);
            while !rest.is_empty() {
                let part = first_of(&mut rest, buckets);
                assert!(((part.until - 1) >> BUCKET_BITS) - (part.from >> BUCKET_BITS) < buckets, "{part:?}");
                numbers.push((part.from, part.until));
                buckets = buckets % 5 + 1;
            }
            numbers.sort_unstable();
            assert_eq!((numbers[0].0, numbers[numbers.len() - 1].1), (STRETCH.from, STRETCH.until));
            assert!(numbers.windows(2).all(|two| two[0].1 == two[1].0), "{numbers:?}");
        }
    }

    #[test]
    fn what_is_looked_for_means_itself() {
        assert_eq!(pattern(r"50%_\x"), r"%50\%\_\\x%");
    }
}
