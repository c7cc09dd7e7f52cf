//! What a text is contained in: an index of the trigrams of one column, which stands beside its table if the product's
//! migration has made one.
//!
//! It is a table of FTS5 without contents, named after its table, and triggers keep it, whoever changes a row. Other
//! generations get one of their own. Three letters in a row are found in it, not their order: rows are looked at besides.

use std::collections::BTreeSet;

use eventstore::{Direction, ProjectionError, ProjectionTable, Row, Stretch};
use rusqlite::{Connection, OptionalExtension, params};

use super::schema;
use super::table::{names, rows, values};
use crate::read::failed;

/// The column of a table's index, if it has one.
const COLUMN: &str = "SELECT name FROM pragma_table_info(?1) LIMIT 1";

/// What names the rows of a table.
const NUMBER: &str = "SELECT name FROM pragma_table_info(?1) WHERE pk = 1";

/// Fewer letters are in no trigram.
const LETTERS: usize = 3;

/// Whoever has these few trigrams of a text is looked at. More of them name fewer rows, and each is a list to be read.
const ASKED_FOR: usize = 4;

/// So many rows that have the letters may lack the text, before a search is left to whoever can stop and come back.
const LOOKED_AT_MAX: u32 = 20_000;

/// How rare a trigram is shows by how far back so many rows with it reach.
const REACH_OF: u32 = 64;

/// The index of a table.
fn index_of(table: &str) -> String {
    format!("{table}_trigrams")
}

/// Its rows that hold a text in a column, of the live generation.
pub(super) fn containing(
    connection: &Connection,
    table: &ProjectionTable,
    column: &str,
    text: &str,
    limit: u32,
) -> Result<Option<Vec<Row>>, ProjectionError> {
    let moment = connection.unchecked_transaction().map_err(failed)?;
    let (index, terms) = (index_of(table.name), all_of(&trigrams(text)));
    if terms.is_empty() || column_of(&moment, table.name).map_err(failed)?.as_deref() != Some(column) {
        return Ok(None);
    }
    let sql = format!("SELECT COUNT(*) FROM (SELECT 1 FROM {index} WHERE {index} MATCH ?1 LIMIT ?2)");
    let count = || moment.prepare_cached(&sql)?.query_row(params![terms, limit + 1], |row| row.get(0));
    let count: u32 = count().map_err(failed)?;
    if count > limit {
        return Ok(None);
    }
    let sql = hits(table, column);
    let mut statement = moment.prepare_cached(&sql).map_err(failed)?;
    statement.raw_bind_parameter(1, &terms).map_err(failed)?;
    statement.raw_bind_parameter(2, text).map_err(failed)?;
    Ok(Some(rows(&mut statement, table.columns)?))
}

/// The same along the numbers of its rows: the lists of the index have their order, and are read no further than needed.
pub(super) fn containing_along(
    connection: &Connection,
    table: &ProjectionTable,
    column: &str,
    text: &str,
    stretch: Stretch,
    limit: u32,
) -> Result<Option<Vec<Row>>, ProjectionError> {
    let moment = connection.unchecked_transaction().map_err(failed)?;
    let terms = trigrams(text);
    if terms.is_empty() || column_of(&moment, table.name).map_err(failed)?.as_deref() != Some(column) {
        return Ok(None);
    }
    let number: Option<String> =
        moment.query_row(NUMBER, [table.name], |row| row.get(0)).optional().map_err(failed)?;
    if number.as_deref() != Some(stretch.column) {
        return Ok(None);
    }
    let terms = rarest(&moment, table.name, terms, stretch.until).map_err(failed)?;
    let mut statement =
        moment.prepare_cached(&hits_along(table, column, stretch.direction)).map_err(failed)?;
    statement.raw_bind_parameter(1, all_of(&terms)).map_err(failed)?;
    statement.raw_bind_parameter(2, text).map_err(failed)?;
    statement.raw_bind_parameter(3, stretch.from).map_err(failed)?;
    statement.raw_bind_parameter(4, stretch.until).map_err(failed)?;
    let (mut looked_at, mut found, mut cursor) = (0, Vec::new(), statement.raw_query());
    while found.len() < limit as usize
        && let Some(row) = cursor.next().map_err(failed)?
    {
        looked_at += 1;
        if looked_at > LOOKED_AT_MAX {
            return Ok(None);
        }
        if row.get(table.columns.len()).map_err(failed)? {
            found.push(values(row, table.columns)?);
        }
    }
    Ok(Some(found))
}

/// A few of many trigrams: those that fewest rows have, as far as the last rows before a number tell.
fn rarest(
    connection: &Connection,
    table: &str,
    terms: BTreeSet<String>,
    until: i64,
) -> rusqlite::Result<BTreeSet<String>> {
    if terms.len() <= ASKED_FOR {
        return Ok(terms);
    }
    let index = index_of(table);
    let mut statement = connection.prepare_cached(&format!(
        "SELECT MIN(rowid), COUNT(*) FROM (SELECT rowid FROM {index} WHERE {index} MATCH ?1 AND rowid < ?2 \
         ORDER BY rowid DESC LIMIT ?3)"
    ))?;
    let mut reaches = Vec::with_capacity(terms.len());
    for term in terms {
        let (reach, count): (Option<i64>, u32) = statement
            .query_row(params![quoted(&term), until, REACH_OF], |row| Ok((row.get(0)?, row.get(1)?)))?;
        // Whoever is not that many reaches back for ever.
        let reach = reach.filter(|_| count == REACH_OF).unwrap_or(i64::MIN);
        reaches.push((reach, count, term));
    }
    reaches.sort();
    Ok(reaches.into_iter().take(ASKED_FOR).map(|(_, _, term)| term).collect())
}

fn hits_along(table: &ProjectionTable, column: &str, direction: Direction) -> String {
    let order = match direction {
        Direction::OldestFirst => "ASC",
        Direction::NewestFirst => "DESC",
    };
    let (name, index) = (table.name, index_of(table.name));
    format!(
        "SELECT {}, instr(t.{column}, ?2) > 0 FROM {index} i CROSS JOIN {name} t ON t.rowid = i.rowid \
         WHERE i.{index} MATCH ?1 AND i.rowid >= ?3 AND i.rowid < ?4 ORDER BY i.rowid {order}",
        names(table.columns, "t.")
    )
}

/// Each hit is one look at the table, by its number.
fn hits(table: &ProjectionTable, column: &str) -> String {
    let (name, index) = (table.name, index_of(table.name));
    format!(
        "SELECT {} FROM {index} i CROSS JOIN {name} t ON t.rowid = i.rowid \
         WHERE i.{index} MATCH ?1 AND instr(t.{column}, ?2) > 0",
        names(table.columns, "t.")
    )
}

/// All trigrams of a text; none of a shorter one.
fn trigrams(text: &str) -> BTreeSet<String> {
    let letters: Vec<char> = text.chars().collect();
    letters.windows(LETTERS).map(|three| three.iter().collect()).collect()
}

/// Each as a word that must be there.
fn all_of(trigrams: &BTreeSet<String>) -> String {
    trigrams.iter().map(|three| quoted(three)).collect::<Vec<_>>().join(" AND ")
}

fn quoted(trigram: &str) -> String {
    format!("\"{}\"", trigram.replace('"', "\"\""))
}

fn column_of(connection: &Connection, table: &str) -> rusqlite::Result<Option<String>> {
    connection.prepare_cached(COLUMN)?.query_row([index_of(table)], |row| row.get(0)).optional()
}

/// Gives a copy of a table, empty, the index that the other one has.
pub(super) fn copy(connection: &Connection, live: &str, copy: &str) -> rusqlite::Result<()> {
    let Some(column) = column_of(connection, live)? else { return Ok(()) };
    let index = index_of(copy);
    connection.execute_batch(&format!(
        "CREATE VIRTUAL TABLE {index} USING fts5 (
            {column}, content = '', columnsize = 0, detail = none, tokenize = 'trigram case_sensitive 1'
        );
        INSERT INTO {index} ({index}, rank) VALUES ('secure-delete', 1);"
    ))?;
    keep(connection, copy, &column)
}

/// Whether a trigger is one of those that keep the index of a table.
pub(super) fn keeps(trigger: &str, table: &str) -> bool {
    trigger.strip_prefix(&index_of(table)).is_some_and(|rest| rest.starts_with('_'))
}

/// From now on the index follows its table.
fn keep(connection: &Connection, table: &str, column: &str) -> rusqlite::Result<()> {
    let index = index_of(table);
    let put = format!("INSERT INTO {index} (rowid, {column}) VALUES (new.rowid, new.{column});");
    let delete =
        format!("INSERT INTO {index} ({index}, rowid, {column}) VALUES ('delete', old.rowid, old.{column});");
    connection.execute_batch(&format!(
        "CREATE TRIGGER {index}_put AFTER INSERT ON {table} BEGIN {put} END;
        CREATE TRIGGER {index}_changed AFTER UPDATE OF {column} ON {table}
            WHEN old.{column} IS NOT new.{column} OR old.rowid <> new.rowid BEGIN {delete} {put} END;
        CREATE TRIGGER {index}_gone AFTER DELETE ON {table} BEGIN {delete} END;"
    ))
}

/// From now on it does not.
fn let_go(connection: &Connection, table: &str) -> rusqlite::Result<()> {
    let index = index_of(table);
    connection.execute_batch(&format!(
        "DROP TRIGGER IF EXISTS {index}_put; DROP TRIGGER IF EXISTS {index}_changed; DROP TRIGGER IF EXISTS {index}_gone;"
    ))
}

/// Renames a table, and its index with it.
pub(super) fn rename(connection: &Connection, from: &str, to: &str) -> Result<(), ProjectionError> {
    let column = column_of(connection, from).map_err(failed)?;
    if column.is_some() {
        let_go(connection, from).map_err(failed)?;
        schema::rename(connection, &index_of(from), &index_of(to))?;
    }
    schema::rename(connection, from, to)?;
    let kept = column.map_or(Ok(()), |column| keep(connection, to, &column));
    Ok(kept.map_err(failed)?)
}

/// Takes a slice of the index of a table that is being dropped, and the index when nothing is left; whether there may be
/// more. Its pages go as they are: trigram by trigram would take ten times as long.
pub(super) fn drop_some(connection: &Connection, table: &str, limit: u32) -> rusqlite::Result<bool> {
    if column_of(connection, table)?.is_none() {
        return Ok(false);
    }
    let_go(connection, table)?;
    let index = index_of(table);
    if schema::delete_some(connection, &format!("{index}_data"), limit)? == 0 {
        schema::drop(connection, &index)?;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use eventstore::conformance::NOTE;

    use super::*;

    const NOTES: &str = "CREATE TABLE note (
            nr INTEGER PRIMARY KEY, id BLOB UNIQUE, number INTEGER, text TEXT, stars INTEGER
        ) STRICT;
        CREATE VIRTUAL TABLE note_trigrams USING fts5 (
            text, content = '', columnsize = 0, detail = none, tokenize = 'trigram case_sensitive 1'
        );
        INSERT INTO note_trigrams (note_trigrams, rank) VALUES ('secure-delete', 1);";

    fn notes() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(NOTES).unwrap();
        keep(&connection, "note", "text").unwrap();
        connection
    }

    fn found(connection: &Connection, table: &str, text: &str) -> Vec<i64> {
        let index = index_of(table);
        let sql = format!("SELECT rowid FROM {index} WHERE {index} MATCH ?1 ORDER BY rowid");
        let mut statement = connection.prepare(&sql).unwrap();
        statement
            .query_map([all_of(&trigrams(text))], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect()
    }

    /// Everything that the index has written down.
    fn pages(connection: &Connection) -> Vec<u8> {
        let mut statement = connection.prepare("SELECT block FROM note_trigrams_data").unwrap();
        let blocks = statement.query_map([], |row| row.get::<_, Vec<u8>>(0)).unwrap();
        blocks.flat_map(Result::unwrap).collect()
    }

    #[test]
    fn an_index_says_what_three_letters_stand_in() {
        let terms = |text: &str| all_of(&trigrams(text));
        assert_eq!(terms("abcd"), r#""abc" AND "bcd""#);
        assert_eq!(terms("a\"bc"), r#""""bc" AND "a""b""#);
        assert_eq!(terms("aaaa"), r#""aaa""#);
        assert_eq!((terms("ab"), terms("")), (String::new(), String::new()));
    }

    #[test]
    fn whoever_goes_leaves_nothing_in_the_index() {
        let connection = notes();
        let put =
            "INSERT INTO note (id, text) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET text = excluded.text";
        for n in 0..300_i64 {
            connection.execute(put, params![n.to_be_bytes(), format!("common number {n}")]).unwrap();
        }
        connection.execute(put, params![7_i64.to_be_bytes(), "xyzzy"]).unwrap();
        assert_eq!(found(&connection, "note", "xyzzy").len(), 1);
        assert_eq!(found(&connection, "note", "common").len(), 299, "she is called otherwise now");
        connection.execute(put, params![7_i64.to_be_bytes(), "common again"]).unwrap();
        assert!(found(&connection, "note", "xyzzy").is_empty());
        connection.execute(put, params![8_i64.to_be_bytes(), "quuxly"]).unwrap();
        connection.execute("DELETE FROM note WHERE id = ?1", [8_i64.to_be_bytes()]).unwrap();
        let pages = pages(&connection);
        for gone in ["xyz", "zzy", "quu", "uux"] {
            assert!(!pages.windows(3).any(|three| three == gone.as_bytes()), "{gone}");
        }
        connection
            .execute("INSERT INTO note_trigrams (note_trigrams) VALUES ('integrity-check')", [])
            .unwrap();
    }

    #[test]
    fn a_search_looks_at_its_hits_only() {
        let connection = notes();
        let plan = format!("EXPLAIN QUERY PLAN {}", hits(&NOTE, "text"));
        let mut statement = connection.prepare(&plan).unwrap();
        let plan = statement.query_map(["abc", "abc"], |row| row.get::<_, String>(3)).unwrap();
        let plan: Vec<_> = plan.map(Result::unwrap).collect();
        assert_eq!(plan.len(), 2, "{plan:?}");
        assert!(plan[0].starts_with("SCAN i VIRTUAL TABLE INDEX"), "{plan:?}");
        assert_eq!(plan[1], "SEARCH t USING INTEGER PRIMARY KEY (rowid=?)");
    }

    #[test]
    fn a_text_is_found_along_the_numbers_of_its_rows() {
        let connection = notes();
        let put = "INSERT INTO note (nr, id, number, text, stars) VALUES (?1, ?2, ?1, ?3, 0)";
        for n in 0..400_i64 {
            let text = if n % 3 == 0 { "a common number of threes" } else { "a common number" };
            connection
                .execute(
                    put,
                    params![n * 10, uuid::Uuid::from_u128(n.cast_unsigned().into()).as_bytes(), text],
                )
                .unwrap();
        }
        let along = |column, from, until, direction, limit| {
            let stretch = Stretch { column, from, until, direction };
            let rows =
                containing_along(&connection, &NOTE, "text", "number of threes", stretch, limit).unwrap();
            rows.map(|rows| rows.into_iter().map(|row| row[1].clone()).collect::<Vec<_>>())
        };
        let numbers = |numbers: &[i64]| Some(numbers.iter().map(|n| eventstore::Value::BigInt(*n)).collect());
        assert_eq!(along("nr", 0, 4000, Direction::NewestFirst, 3), numbers(&[3990, 3960, 3930]));
        assert_eq!(along("nr", 31, 100, Direction::OldestFirst, 3), numbers(&[60, 90]));
        assert_eq!(along("nr", 30, 60, Direction::NewestFirst, 3), numbers(&[30]));
        assert_eq!(along("stars", 0, 4000, Direction::NewestFirst, 3), None, "no index has its order");
        let few = rarest(&connection, "note", trigrams("common threes"), 4000).unwrap();
        assert_eq!(few.len(), ASKED_FOR);
        assert!(!few.contains("com") && !few.contains("mon"), "{few:?}");
    }

    #[test]
    fn a_search_along_numbers_sorts_nothing() {
        let connection = notes();
        for direction in [Direction::OldestFirst, Direction::NewestFirst] {
            let plan = format!("EXPLAIN QUERY PLAN {}", hits_along(&NOTE, "text", direction));
            let mut statement = connection.prepare(&plan).unwrap();
            let plan =
                statement.query_map(params!["abc", "abc", 1, 9], |row| row.get::<_, String>(3)).unwrap();
            let plan: Vec<_> = plan.map(Result::unwrap).collect();
            assert_eq!(plan.len(), 2, "{plan:?}");
            assert!(plan[0].starts_with("SCAN i VIRTUAL TABLE INDEX"), "{plan:?}");
        }
    }

    #[test]
    fn a_copy_has_an_index_of_its_own_which_goes_with_its_names() {
        let connection = notes();
        connection.execute_batch("INSERT INTO note (id, text) VALUES (x'01', 'before')").unwrap();
        schema::copy(&connection, "note", "note__g2", 2).unwrap();
        connection.execute_batch("INSERT INTO note__g2 (id, text) VALUES (x'01', 'after')").unwrap();
        assert_eq!(
            (found(&connection, "note", "after"), found(&connection, "note__g2", "before")),
            (vec![], vec![])
        );
        rename(&connection, "note", "note__g1").unwrap();
        rename(&connection, "note__g2", "note").unwrap();
        assert_eq!(
            (found(&connection, "note", "after"), found(&connection, "note__g1", "before")),
            (vec![1], vec![1])
        );
        connection.execute_batch("DELETE FROM note; DELETE FROM note__g1").unwrap();
        assert_eq!(
            (found(&connection, "note", "after"), found(&connection, "note__g1", "before")),
            (vec![], vec![])
        );
        while drop_some(&connection, "note__g1", 1).unwrap() {}
        schema::drop(&connection, "note__g1").unwrap();
        let sql = "SELECT COUNT(*) FROM sqlite_schema WHERE name LIKE '%g1%'";
        assert_eq!(connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
        connection.execute_batch("INSERT INTO note (id, text) VALUES (x'02', 'still kept')").unwrap();
        assert_eq!(found(&connection, "note", "kept"), [1]);
    }
}
