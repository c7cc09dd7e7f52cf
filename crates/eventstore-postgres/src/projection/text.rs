//! What a text is contained in: by a GIN index of the trigrams of a column, if the product's migration could make one.
//! Other generations get one of their own, as they get every index.

use eventstore::{ProjectionError, ProjectionTable, ReadError, Row};
use tokio_postgres::types::ToSql;

use super::table::names;
use crate::read::{Reader, failed};
use crate::row;

const INDEXED: &str = "SELECT 1 FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid JOIN pg_am m ON m.oid = c.relam \
    JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = x.indkey[0] \
    WHERE x.indrelid = to_regclass($1) AND a.attname = $2 AND m.amname = 'gin' AND x.indisvalid \
    AND ($3 OR (SELECT datctype NOT IN ('C', 'POSIX') FROM pg_database WHERE datname = current_database()))";

/// That index, and no other way: the planner cannot know how rare a text is.
const BY_THE_INDEX: &str = "SET LOCAL enable_bitmapscan = on; SET LOCAL enable_seqscan = off; \
    SET LOCAL enable_indexscan = off; SET LOCAL enable_indexonlyscan = off";

/// Fewer letters are in no trigram.
const LETTERS: usize = 3;

/// Its rows that hold a text in a column, of the live generation.
pub(super) async fn containing(
    reader: &Reader,
    table: &'static ProjectionTable,
    column: &str,
    text: &str,
    limit: u32,
) -> Result<Option<Vec<Row>>, ProjectionError> {
    // A trigram is of letters and digits, and which those are is the database's affair: in the locale C, of ASCII only.
    let has_trigram = |is_letter: fn(char) -> bool| {
        text.split(|letter: char| !is_letter(letter)).any(|word| word.chars().count() >= LETTERS)
    };
    if !has_trigram(char::is_alphanumeric) {
        return Ok(None);
    }
    let in_ascii = has_trigram(|letter| letter.is_ascii_alphanumeric());
    if reader.rows(INDEXED, &[&table.name, &column, &in_ascii]).await?.is_empty() {
        return Ok(None);
    }
    let mut client = reader.client().await?;
    let moment = client.transaction().await.map_err(failed)?;
    moment.batch_execute(BY_THE_INDEX).await.map_err(failed)?;
    let prepared = moment.prepare_cached(&hits(table, column)).await.map_err(failed)?;
    let parameters: [&(dyn ToSql + Sync); 2] = [&pattern(text), &(i64::from(limit) + 1)];
    let found = moment.query(&prepared, &parameters).await.map_err(failed)?;
    moment.commit().await.map_err(failed)?;
    if found.len() > limit as usize {
        return Ok(None);
    }
    let values =
        |row| table.columns.iter().enumerate().map(|(n, column)| row::value(row, n, column.kind)).collect();
    Ok(Some(found.iter().map(values).collect::<Result<_, ReadError>>()?))
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
        CREATE INDEX note_by_trigrams ON note USING gin (text gin_trgm_ops)";

    #[tokio::test]
    async fn a_search_looks_at_its_hits_only() {
        let database = Database::new().await;
        let client = database.owner().await;
        let statements = [NOTES, READ_SETTINGS, "BEGIN", BY_THE_INDEX];
        client.batch_execute(&statements.join(";")).await.unwrap();
        let prepare = format!("PREPARE explained AS {}", hits(&NOTE, "text"));
        client.batch_execute(&prepare).await.unwrap();
        let plan = client.simple_query("EXPLAIN EXECUTE explained('%abc%', 10)").await.unwrap();
        let line = |message: &SimpleQueryMessage| match message {
            SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        };
        let plan = plan.iter().filter_map(line).collect::<Vec<_>>().join("\n");
        assert!(plan.contains("Bitmap Index Scan on note_by_trigrams"), "{plan}");
    }

    #[test]
    fn what_is_looked_for_means_itself() {
        assert_eq!(pattern(r"50%_\x"), r"%50\%\_\\x%");
    }
}
