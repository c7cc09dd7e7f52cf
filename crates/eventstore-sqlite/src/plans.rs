//! The plans of all statements, as a test: they are asked of SQLite itself.

use eventstore::conformance::DOCUMENT;
use rusqlite::Connection;

use crate::inline::TableSql;
use crate::{append, page, projection, read, settle};

const LOG: &str =
    concat!(include_str!("../migrations/V1__log.sql"), include_str!("../migrations/V2__projections.sql"));
const PRODUCT: &str =
    "CREATE TABLE document (id PRIMARY KEY, version, position, created_at, updated_at, title,
    shelf, digest, author);
    CREATE TABLE note (id BLOB, number INTEGER, text TEXT, stars INTEGER, PRIMARY KEY (id, number)) STRICT;
    CREATE TABLE note_trigrams (trigram INTEGER, block INTEGER, text BLOB, PRIMARY KEY (trigram, block))
    STRICT, WITHOUT ROWID";

/// No statement looks through a table, and none sorts: not on an empty log, not on a full one.
#[test]
fn every_statement_finds_its_rows_by_a_key() {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute_batch(LOG).unwrap();
    connection.execute_batch(PRODUCT).unwrap();
    let log = [read::STATEMENTS, page::STATEMENTS, append::STATEMENTS, settle::STATEMENTS].concat();
    let document = TableSql::new(&DOCUMENT);
    let inline = [&document.insert, &document.update, &document.delete, &document.look];
    let (projections, small) = projection::statements();
    let product = inline.into_iter().chain(&projections).map(String::as_str);
    for sql in log.into_iter().chain(product) {
        let plan = plan(&connection, sql).replace("SCAN CONSTANT ROW", "");
        assert!(!plan.contains("SCAN") && !plan.contains("B-TREE"), "{sql}\n{plan}");
    }
    // The head is at the end of its table, and small tables are looked through; nothing is sorted there either.
    for sql in small.into_iter().chain([read::HEAD]) {
        assert!(!plan(&connection, sql).contains("B-TREE"), "{sql}");
    }
}

fn plan(connection: &Connection, sql: &str) -> String {
    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).expect(sql);
    for index in 1..=statement.parameter_count() {
        statement.raw_bind_parameter(index, rusqlite::types::Null).unwrap();
    }
    let (mut rows, mut plan) = (statement.raw_query(), String::new());
    while let Some(row) = rows.next().unwrap() {
        plan += &row.get::<_, String>(3).unwrap();
        plan += "\n";
    }
    plan
}
