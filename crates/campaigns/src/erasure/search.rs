//! Everything that a store has, searched for a word: every column of every table, also of those that no code knows.

use std::path::Path;

use anyhow::Context;
use rusqlite::{Connection, OpenFlags};
use tokio_postgres::Client;

/// How much of a text is shown on either side of what was found.
const AROUND: usize = 60;

/// Where the word is, by table or file.
pub(super) async fn in_database(owner: &Client, word: &str) -> anyhow::Result<Vec<String>> {
    let tables = "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables \
                  WHERE schemaname NOT IN ('pg_catalog', 'information_schema')";
    let mut found = Vec::new();
    for row in owner.query(tables, &[]).await? {
        let table: String = row.try_get(0)?;
        // A row as text has all of its columns; bytes are in it as hexadecimal digits.
        let rows = format!(
            "SELECT count(*) FROM {table} AS searched \
             WHERE searched::text ILIKE '%' || $1::text || '%' \
             OR searched::text ILIKE '%' || encode(convert_to($1, 'UTF8'), 'hex') || '%'"
        );
        let count: i64 = owner.query_one(&rows, &[&word]).await?.try_get(0)?;
        if count > 0 {
            found.push(format!("{table}: {count} rows"));
        }
    }
    Ok(found)
}

/// The same in a file of SQLite.
pub(super) fn in_tables(file: &Path, word: &str) -> anyhow::Result<Vec<String>> {
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    // What an index of texts holds stands in tables of its own.
    let columns = "SELECT m.name, c.name FROM sqlite_schema AS m, pragma_table_info(m.name) AS c \
                   WHERE m.type = 'table' AND m.sql NOT LIKE 'CREATE VIRTUAL TABLE%'";
    let mut statement = connection.prepare(columns)?;
    let columns: Vec<(String, String)> =
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    let mut found = Vec::new();
    for (table, column) in columns {
        let rows = format!(
            "SELECT count(*) FROM \"{table}\" WHERE instr(lower(CAST(\"{column}\" AS TEXT)), lower(?1)) > 0"
        );
        let count: i64 = connection.query_row(&rows, [word], |row| row.get(0))?;
        if count > 0 {
            found.push(format!("{table}.{column}: {count} rows"));
        }
    }
    Ok(found)
}

/// What stands around the first of some words in a text, if one is there.
pub(super) fn in_text(text: &str, words: &[&str]) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let at = words.iter().find_map(|word| lower.find(word))?;
    let around = text.char_indices().filter(|(n, _)| (at.saturating_sub(AROUND)..at + AROUND).contains(n));
    Some(around.map(|(_, letter)| letter).collect())
}

/// Takes away what SQLite leaves of deleted rows in the free space of pages that it joins: an operator who does not want
/// it in the file does the same.
pub(super) fn vacuum(file: &Path) -> anyhow::Result<()> {
    Ok(Connection::open(file)?.execute_batch("VACUUM")?)
}

/// Where the word is in the files of a folder: what has been deleted in SQLite is to be gone from them too.
pub(super) fn in_files(folder: &Path, word: &str) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).context("the folder cannot be read")? {
        let path = entry?.path();
        if path.is_file() {
            let bytes = std::fs::read(&path)?;
            let times = bytes.windows(word.len()).filter(|at| at.eq_ignore_ascii_case(word.as_bytes()));
            match times.count() {
                0 => {}
                times => found.push(format!("{}: {times} times", path.display())),
            }
        }
    }
    Ok(found)
}
