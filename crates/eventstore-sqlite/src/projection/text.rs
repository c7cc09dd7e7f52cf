//! What a text is contained in: an index of the trigrams of one column, which stands beside its table if the product's
//! migration has made one.
//!
//! It is a table of FTS5 without contents, named after its table, and triggers keep it, whoever changes a row. Other
//! generations get one of their own. Three letters in a row are found in it, not their order: rows are looked at besides.

use std::collections::BTreeSet;

use eventstore::{ProjectionError, ProjectionTable, Row};
use rusqlite::{Connection, OptionalExtension, params};

use super::schema;
use super::table::{names, rows};
use crate::read::failed;

/// The column of a table's index, if it has one.
const COLUMN: &str = "SELECT name FROM pragma_table_info(?1) LIMIT 1";

/// Fewer letters are in no trigram.
const LETTERS: usize = 3;

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
    let (index, terms) = (index_of(table.name), terms(text));
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

/// Each hit is one look at the table, by its number.
fn hits(table: &ProjectionTable, column: &str) -> String {
    let (name, index) = (table.name, index_of(table.name));
    format!(
        "SELECT {} FROM {index} i CROSS JOIN {name} t ON t.rowid = i.rowid \
         WHERE i.{index} MATCH ?1 AND instr(t.{column}, ?2) > 0",
        names(table.columns, "t.")
    )
}

/// All trigrams of a text, each as a word that must be there; none of a shorter one.
fn terms(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let trigrams: BTreeSet<String> = letters.windows(LETTERS).map(|three| three.iter().collect()).collect();
    let quoted: Vec<_> = trigrams.iter().map(|three| format!("\"{}\"", three.replace('"', "\"\""))).collect();
    quoted.join(" AND ")
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
        CREATE TRIGGER {index}_changed AFTER UPDATE OF {column} ON {table} WHEN old.{column} IS NOT new.{column}
            BEGIN {delete} {put} END;
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
        statement.query_map([terms(text)], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    /// Everything that the index has written down.
    fn pages(connection: &Connection) -> Vec<u8> {
        let mut statement = connection.prepare("SELECT block FROM note_trigrams_data").unwrap();
        let blocks = statement.query_map([], |row| row.get::<_, Vec<u8>>(0)).unwrap();
        blocks.flat_map(Result::unwrap).collect()
    }

    #[test]
    fn an_index_says_what_three_letters_stand_in() {
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
