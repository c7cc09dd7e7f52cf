//! The schema of a generation's tables: copied from the live ones, whose DDL stands in the product's migrations.
//!
//! SQLite keeps the text of each table and index, with nothing but a kind in front of its name. So a copy is the same
//! text with other names. The body of a trigger or of a view must not name the tables of a projection.

use eventstore::ProjectionError;
use rusqlite::{Connection, OptionalExtension};

use super::table::malformed;
use super::trigrams;
use crate::read::failed;

const OBJECTS: &str = "SELECT type, name, sql FROM sqlite_schema WHERE tbl_name = ?1 AND sql IS NOT NULL ORDER BY type = 'table' DESC";
const EXISTS: &str = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1";
const KEY: &str = "SELECT name FROM pragma_table_info(?1) WHERE pk > 0 ORDER BY pk";

/// Makes an empty table like another one, with its indexes and triggers. Their names get the generation's number, so that
/// they are nobody else's.
pub(super) fn copy(
    connection: &Connection,
    live: &str,
    copy: &str,
    number: u32,
) -> Result<(), ProjectionError> {
    let read = || {
        let mut statement = connection.prepare_cached(OBJECTS)?;
        let objects = statement.query_map([live], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        objects.collect::<rusqlite::Result<Vec<(String, String, String)>>>()
    };
    let objects = read().map_err(failed)?;
    if objects.is_empty() {
        return Err(malformed(format!("there is no table {live}")));
    }
    for (kind, name, sql) in objects {
        let name = if kind == "table" { copy.to_owned() } else { numbered(&name, number) };
        let sql = renamed(&kind, &sql, &name, copy);
        let sql = sql.ok_or_else(|| malformed(format!("the schema of {live} cannot be read")))?;
        connection.execute_batch(&sql).map_err(failed)?;
    }
    Ok(trigrams::copy(connection, live, copy).map_err(failed)?)
}

/// `user_search_by_email__g2` becomes `user_search_by_email__g3`.
fn numbered(name: &str, number: u32) -> String {
    let older =
        name.rsplit_once("__g").filter(|(_, digits)| digits.bytes().all(|byte| byte.is_ascii_digit()));
    let name = older.map_or(name, |(name, _)| name);
    format!("{name}__g{number}")
}

/// `CREATE UNIQUE INDEX` NAME `ON` TABLE …, with other names.
fn renamed(kind: &str, sql: &str, name: &str, table: &str) -> Option<String> {
    let named = sql.to_ascii_uppercase().find(&kind.to_ascii_uppercase())? + kind.len();
    let rest = after_identifier(&sql[named..])?;
    let create = &sql[..named];
    if kind == "table" {
        return Some(format!("{create} {name}{rest}"));
    }
    let on = find_word(rest, "ON")?;
    let (before, rest) = (&rest[..on], after_identifier(&rest[on + 2..])?);
    Some(format!("{create} {name}{before}ON {table}{rest}"))
}

/// What follows the name that a text begins with.
fn after_identifier(text: &str) -> Option<&str> {
    let text = text.trim_start();
    let close = match text.chars().next()? {
        '"' => '"',
        '`' => '`',
        '[' => ']',
        _ => {
            let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
            return (end > 0).then(|| &text[end..]);
        }
    };
    let end = text[1..].find(close)?;
    Some(&text[end + 2..])
}

/// Where a word stands by itself, in capitals or not.
fn find_word(text: &str, word: &str) -> Option<usize> {
    let upper = text.to_ascii_uppercase();
    let bounded = |at: usize| {
        let alone = |c: Option<char>| c.is_none_or(|c| !(c.is_alphanumeric() || c == '_'));
        alone(upper[..at].chars().next_back()) && alone(upper[at + word.len()..].chars().next())
    };
    upper.match_indices(word).map(|(at, _)| at).find(|at| bounded(*at))
}

/// The texts of views stay as they are: they mean whatever is live.
pub(super) fn rename(connection: &Connection, from: &str, to: &str) -> Result<(), ProjectionError> {
    let legacy = |on: bool| connection.pragma_update(None, "legacy_alter_table", on);
    legacy(true).map_err(failed)?;
    let renamed = connection.execute_batch(&format!("ALTER TABLE {from} RENAME TO {to}"));
    legacy(false).map_err(failed)?;
    Ok(renamed.map_err(failed)?)
}

/// Deletes some rows, whichever come first, if the table is there.
pub(super) fn delete_some(connection: &Connection, table: &str, limit: u32) -> rusqlite::Result<usize> {
    if connection.prepare_cached(EXISTS)?.query_row([table], |_| Ok(())).optional()?.is_none() {
        return Ok(0);
    }
    let mut statement = connection.prepare_cached(KEY)?;
    let key: Vec<String> = statement.query_map([table], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let key = if key.is_empty() { "rowid".to_owned() } else { key.join(", ") };
    connection.execute(
        &format!("DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table} LIMIT {limit})"),
        [],
    )
}

pub(super) fn drop(connection: &Connection, table: &str) -> rusqlite::Result<()> {
    connection.execute_batch(&format!("DROP TABLE IF EXISTS {table}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_the_same_text_with_other_names() {
        let check = |kind, sql, expected: &str| {
            assert_eq!(renamed(kind, sql, "name__g2", "notes__g2").as_deref(), Some(expected));
        };
        check(
            "table",
            "CREATE TABLE notes (id BLOB PRIMARY KEY, notes TEXT) STRICT, WITHOUT ROWID",
            "CREATE TABLE name__g2 (id BLOB PRIMARY KEY, notes TEXT) STRICT, WITHOUT ROWID",
        );
        check("table", "CREATE TABLE \"notes\"(id)", "CREATE TABLE name__g2(id)");
        check(
            "index",
            "CREATE UNIQUE INDEX \"by_on__g1\" on \"notes\" (id, title) WHERE id > 1",
            "CREATE UNIQUE INDEX name__g2 ON notes__g2 (id, title) WHERE id > 1",
        );
        check(
            "trigger",
            "CREATE TRIGGER kept BEFORE DELETE ON notes BEGIN SELECT RAISE(ABORT, 'on'); END",
            "CREATE TRIGGER name__g2 BEFORE DELETE ON notes__g2 BEGIN SELECT RAISE(ABORT, 'on'); END",
        );
    }

    #[test]
    fn a_number_takes_the_place_of_an_older_one() {
        assert_eq!(numbered("by_title", 2), "by_title__g2");
        assert_eq!(numbered("by_title__g2", 13), "by_title__g13");
        assert_eq!(numbered("by__good", 2), "by__good__g2");
    }
}
