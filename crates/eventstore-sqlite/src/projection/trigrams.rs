//! The index of the trigrams of a text, which stands beside a table if the product's migration has made one: in which
//! blocks of rows each three letters in a row stand. What is written to the table is written to it in the same transaction.
//!
//! It is named after its table, and its postings after the column. Other generations get one of their own.

use std::collections::{BTreeMap, BTreeSet};

use eventstore::ProjectionError;
use rusqlite::{Connection, OptionalExtension, ToSql, params};

use super::postings::{Postings, block, place};
use super::schema;
use crate::read::failed;

/// The column of an index, if there is one.
const COLUMN: &str = "SELECT name FROM pragma_table_info(?1) WHERE pk = 0";

/// Fewer letters are in no trigram.
const LETTERS: usize = 3;

/// As numbers they are of 21 bits.
const LETTER_BITS: u32 = 21;

/// What is dropped at once for each row that is: dozens of blocks stand on a page.
const BLOCKS_FOR_A_ROW: u32 = 20;

/// All trigrams of a text, as numbers; none of a shorter one.
pub(super) fn trigrams(text: &str) -> BTreeSet<i64> {
    let letters: Vec<_> = text.chars().map(|letter| i64::from(u32::from(letter))).collect();
    let joined = |three: &[i64]| three.iter().fold(0, |joined, letter| (joined << LETTER_BITS) | letter);
    letters.windows(LETTERS).map(joined).collect()
}

/// The index of one table.
#[derive(Clone, Debug)]
pub(super) struct TrigramIndex {
    pub(super) name: String,
    pub(super) table: String,
    pub(super) column: String,
}

impl TrigramIndex {
    pub(super) fn new(table: &str, column: &str) -> Self {
        Self { name: format!("{table}_trigrams"), table: table.to_owned(), column: column.to_owned() }
    }

    /// The one that a table has.
    pub(super) fn of(connection: &Connection, table: &str) -> rusqlite::Result<Option<Self>> {
        let Self { name, .. } = Self::new(table, "");
        let column = connection.prepare_cached(COLUMN)?.query_row([name], |row| row.get(0)).optional()?;
        Ok(column.map(|column: String| Self::new(table, &column)))
    }

    fn make(&self, connection: &Connection) -> rusqlite::Result<()> {
        let Self { name, column, .. } = self;
        connection.execute_batch(&format!(
            "CREATE TABLE {name} (
                trigram INTEGER NOT NULL, block INTEGER NOT NULL, {column} BLOB NOT NULL, PRIMARY KEY (trigram, block)
            ) STRICT, WITHOUT ROWID"
        ))
    }

    /// Which rows have a trigram, in one block.
    pub(super) fn look(&self) -> String {
        let Self { name, column, .. } = self;
        format!("SELECT {column} FROM {name} WHERE trigram = ?1 AND block = ?2")
    }

    fn put(&self) -> String {
        let Self { name, column, .. } = self;
        format!(
            "INSERT INTO {name} (trigram, block, {column}) VALUES (?1, ?2, ?3)
            ON CONFLICT (trigram, block) DO UPDATE SET {column} = excluded.{column}"
        )
    }

    fn delete(&self) -> String {
        format!("DELETE FROM {} WHERE trigram = ?1 AND block = ?2", self.name)
    }

    /// The texts of rows, with the numbers of these.
    fn texts(&self, rows: &str) -> String {
        let Self { table, column, .. } = self;
        format!("SELECT rowid, {column} FROM {table} WHERE {column} IS NOT NULL AND {rows}")
    }
}

/// One row has a trigram from now on, or has it no longer.
#[derive(Clone, Copy, Debug)]
struct Change {
    trigram: i64,
    number: i64,
    has_it: bool,
}

impl Change {
    /// What is written at once.
    fn key(&self) -> (i64, i64) {
        (self.trigram, block(self.number))
    }
}

/// What changes in the indexes of the tables that a transaction writes to. Each block is written once, at its end: whatever
/// many rows change in one step, they share most of them.
#[derive(Debug, Default)]
#[must_use]
pub(super) struct Changes(BTreeMap<String, Option<(TrigramIndex, Vec<Change>)>>);

impl Changes {
    /// Writes rows of a table, which a condition names before and after, and notes what changes in its index.
    pub(super) fn around<T>(
        &mut self,
        connection: &Connection,
        table: &str,
        (rows, key): (&str, &[&dyn ToSql]),
        write: impl FnOnce() -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let Some((index, changes)) = self.of(connection, table)? else { return write() };
        let texts = index.texts(rows);
        let before = numbered(connection, &texts, key)?;
        let written = write()?;
        let after = numbered(connection, &texts, key)?;
        let change = |has_it| {
            move |(trigram, number): &(i64, i64)| Change { trigram: *trigram, number: *number, has_it }
        };
        changes.extend(before.difference(&after).map(change(false)));
        changes.extend(after.difference(&before).map(change(true)));
        Ok(written)
    }

    fn of(
        &mut self,
        connection: &Connection,
        table: &str,
    ) -> rusqlite::Result<Option<&mut (TrigramIndex, Vec<Change>)>> {
        if !self.0.contains_key(table) {
            let index = TrigramIndex::of(connection, table)?;
            self.0.insert(table.to_owned(), index.map(|index| (index, Vec::new())));
        }
        Ok(self.0.get_mut(table).and_then(Option::as_mut))
    }

    /// In the order of the index. The last word on a row counts.
    pub(super) fn write(self, connection: &Connection) -> rusqlite::Result<()> {
        for (index, mut changes) in self.0.into_values().flatten() {
            changes.sort_by_key(Change::key);
            for of_block in changes.chunk_by(|one, other| one.key() == other.key()) {
                write(connection, &index, of_block)?;
            }
        }
        Ok(())
    }
}

/// Each trigram that stands in a text, with the number of the row.
fn numbered(
    connection: &Connection,
    texts: &str,
    key: &[&dyn ToSql],
) -> rusqlite::Result<BTreeSet<(i64, i64)>> {
    let mut statement = connection.prepare_cached(texts)?;
    let (mut rows, mut found) = (statement.query(key)?, BTreeSet::new());
    while let Some(row) = rows.next()? {
        let number = row.get(0)?;
        found.extend(trigrams(row.get_ref(1)?.as_str()?).into_iter().map(|trigram| (trigram, number)));
    }
    Ok(found)
}

/// Nothing is left where nobody has the trigram any more.
fn write(connection: &Connection, index: &TrigramIndex, changes: &[Change]) -> rusqlite::Result<()> {
    let Some((trigram, block)) = changes.first().map(Change::key) else { return Ok(()) };
    let found = connection
        .prepare_cached(&index.look())?
        .query_row([trigram, block], |row| row.get::<_, Postings>(0))
        .optional()?;
    let before = found.unwrap_or(Postings::NONE);
    let mut after = before.clone();
    for change in changes {
        if change.has_it { after.insert(place(change.number)) } else { after.remove(place(change.number)) }
    }
    if after == before {
        return Ok(());
    }
    if after == Postings::NONE {
        return connection.prepare_cached(&index.delete())?.execute([trigram, block]).map(drop);
    }
    connection.prepare_cached(&index.put())?.execute(params![trigram, block, after]).map(drop)
}

/// Gives a copy of a table, empty, the index that the other one has.
pub(super) fn copy(connection: &Connection, live: &str, copy: &str) -> rusqlite::Result<()> {
    let Some(index) = TrigramIndex::of(connection, live)? else { return Ok(()) };
    TrigramIndex::new(copy, &index.column).make(connection)
}

/// Renames a table, and its index with it.
pub(super) fn rename(connection: &Connection, from: &str, to: &str) -> Result<(), ProjectionError> {
    if let Some(index) = TrigramIndex::of(connection, from).map_err(failed)? {
        schema::rename(connection, &index.name, &TrigramIndex::new(to, &index.column).name)?;
    }
    schema::rename(connection, from, to)
}

/// Takes a slice of the index of a table that is being dropped, and the index when nothing is left; whether there may be
/// more.
pub(super) fn drop_some(connection: &Connection, table: &str, limit: u32) -> rusqlite::Result<bool> {
    let Some(index) = TrigramIndex::of(connection, table)? else { return Ok(false) };
    if schema::delete_some(connection, &index.name, limit * BLOCKS_FOR_A_ROW)? == 0 {
        schema::drop(connection, &index.name)?;
    }
    Ok(true)
}

/// For the test that looks at their plans.
#[cfg(test)]
pub(super) fn examples() -> [String; 4] {
    let index = TrigramIndex::new("note", "text");
    [index.look(), index.put(), index.delete(), index.texts("id = ?1 AND number = ?2")]
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "CREATE TABLE note (nr INTEGER PRIMARY KEY, id INTEGER UNIQUE, text TEXT) STRICT";

    fn notes() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(TABLE).unwrap();
        TrigramIndex::new("note", "text").make(&connection).unwrap();
        connection
    }

    /// Runs a statement about the row with an id.
    fn run(connection: &Connection, changes: &mut Changes, table: &str, id: i64, sql: &str) {
        let write = || connection.execute_batch(sql);
        changes.around(connection, table, ("id = ?1", &[&id]), write).unwrap();
    }

    fn put(connection: &Connection, changes: &mut Changes, id: i64, text: &str) {
        let write = format!(
            "INSERT INTO note (nr, id, text) VALUES ({0}, {id}, '{text}')
            ON CONFLICT (id) DO UPDATE SET text = excluded.text",
            id * 10
        );
        run(connection, changes, "note", id, &write);
    }

    /// What the index says: who has which letters.
    fn said(connection: &Connection, table: &str) -> BTreeSet<(i64, i64)> {
        let sql = format!("SELECT trigram, block, text FROM {table}_trigrams");
        let mut statement = connection.prepare(&sql).unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
        let rows: Vec<(i64, i64, Postings)> = rows.map(Result::unwrap).collect();
        assert!(rows.iter().all(|(_, _, postings)| postings.count() > 0), "nobody has it");
        let numbers = |(trigram, block, postings): &(i64, i64, Postings)| {
            let (trigram, block) = (*trigram, *block);
            let places: Vec<_> = postings.places().collect();
            places.into_iter().map(move |place| (trigram, super::super::postings::number(block, place)))
        };
        rows.iter().flat_map(numbers).collect()
    }

    /// What it should say.
    fn stands(connection: &Connection, table: &str) -> BTreeSet<(i64, i64)> {
        numbered(connection, &TrigramIndex::new(table, "text").texts("nr >= ?1"), &[&0]).unwrap()
    }

    #[test]
    fn three_letters_in_a_row_are_a_number() {
        assert_eq!(trigrams("abcd").len(), 2);
        assert_eq!(trigrams("aaaa").len(), 1);
        assert_eq!((trigrams("ab").len(), trigrams("").len()), (0, 0));
        assert_eq!(trigrams("\0\0\u{1}"), BTreeSet::from([1]));
        assert_ne!(trigrams("abc"), trigrams("cba"));
        let greatest = "\u{10ffff}".repeat(3);
        assert_eq!(trigrams(&greatest), BTreeSet::from([(0x10_ffff << 42) | (0x10_ffff << 21) | 0x10_ffff]));
    }

    #[test]
    fn an_index_follows_its_table_whatever_happens_to_rows() {
        let (connection, mut random) = (notes(), 1_u32);
        let mut next = |below: u32| {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (random >> 8) % below
        };
        for _ in 0..60 {
            let mut changes = Changes::default();
            for _ in 0..40 {
                let id = i64::from(next(900));
                match next(8) {
                    0 => run(
                        &connection,
                        &mut changes,
                        "note",
                        id,
                        &format!("DELETE FROM note WHERE id = {id}"),
                    ),
                    1 => {
                        let silent = format!("UPDATE note SET text = NULL WHERE id = {id}");
                        run(&connection, &mut changes, "note", id, &silent);
                    }
                    2 => {
                        let moved = format!("UPDATE note SET nr = 10000 + nr WHERE nr < 10000 AND id = {id}");
                        run(&connection, &mut changes, "note", id, &moved);
                    }
                    n => put(&connection, &mut changes, id, &format!("common {n} of {}", next(50))),
                }
            }
            changes.write(&connection).unwrap();
            assert_eq!(said(&connection, "note"), stands(&connection, "note"));
        }
        assert!(said(&connection, "note").len() > 1000);
    }

    #[test]
    fn whoever_goes_leaves_nothing_in_the_index() {
        let connection = notes();
        let mut changes = Changes::default();
        (0..300).for_each(|id| put(&connection, &mut changes, id, &format!("common number {id}")));
        changes.write(&connection).unwrap();
        for text in ["xyzzy", "common again"] {
            let mut changes = Changes::default();
            put(&connection, &mut changes, 7, text);
            changes.write(&connection).unwrap();
        }
        let mut changes = Changes::default();
        run(&connection, &mut changes, "note", 8, "DELETE FROM note WHERE id = 8");
        put(&connection, &mut changes, 9, "quuxly");
        run(&connection, &mut changes, "note", 9, "DELETE FROM note WHERE id = 9");
        changes.write(&connection).unwrap();
        let said = said(&connection, "note");
        assert!(said.iter().all(|(_, number)| ![80, 90].contains(number)), "their rows are gone");
        let gone: BTreeSet<i64> = ["xyzzy", "quuxly"].into_iter().flat_map(trigrams).collect();
        assert!(said.iter().all(|(trigram, _)| !gone.contains(trigram)), "nobody is called so");
        assert_eq!(said, stands(&connection, "note"));
    }

    #[test]
    fn a_copy_has_an_index_of_its_own_which_goes_with_its_names() {
        let connection = notes();
        let put = |table: &str, text: &str| {
            let mut changes = Changes::default();
            let sql = format!("INSERT OR REPLACE INTO {table} (nr, id, text) VALUES (1, 1, '{text}')");
            run(&connection, &mut changes, table, 1, &sql);
            changes.write(&connection).unwrap();
            assert_eq!(said(&connection, table), stands(&connection, table));
        };
        put("note", "before");
        schema::copy(&connection, "note", "note__g2", 2).unwrap();
        assert_eq!(said(&connection, "note__g2"), BTreeSet::new());
        put("note__g2", "after");
        rename(&connection, "note", "note__g1").unwrap();
        rename(&connection, "note__g2", "note").unwrap();
        for (table, text) in [("note", "after"), ("note__g1", "before")] {
            let here: BTreeSet<_> =
                said(&connection, table).into_iter().map(|(trigram, _)| trigram).collect();
            assert_eq!(here, trigrams(text), "{table}");
        }
        put("note__g1", "before that");
        while drop_some(&connection, "note__g1", 1).unwrap() {}
        schema::drop(&connection, "note__g1").unwrap();
        let sql = "SELECT COUNT(*) FROM sqlite_schema WHERE name LIKE '%g1%'";
        assert_eq!(connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
        put("note", "still kept");
    }
}
