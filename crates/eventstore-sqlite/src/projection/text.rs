//! What a text is contained in: by the index of the trigrams of a column, if the table has one.
//!
//! Block by block: in each, the rows that have all trigrams of the text. In which order they have them is not known there,
//! so the rows are looked at besides.

use eventstore::{Direction, ProjectionError, ProjectionTable, Row, Stretch};
use rusqlite::{Connection, OptionalExtension, params};

use super::postings::{Postings, block, number};
use super::table::{names, values};
use super::trigrams::{TrigramIndex, trigrams};
use crate::read::failed;

/// What names the rows of a table.
const NUMBER: &str = "SELECT name FROM pragma_table_info(?1) WHERE pk = 1";

/// So many looks, at blocks and at rows that may lack the text, before a search is left to whoever can stop and come back.
const LOOKS_MAX: u32 = 20_000;

/// How rare a trigram is shows by how long its first so many blocks are.
const WEIGHED: u32 = 64;

/// So few rows are looked at, rather than at who has more of the trigrams.
const FEW: u32 = 2;

/// Its rows that hold a text in a column, of the live generation.
pub(super) fn containing(
    connection: &Connection,
    table: &ProjectionTable,
    column: &str,
    text: &str,
    limit: u32,
) -> Result<Option<Vec<Row>>, ProjectionError> {
    let moment = connection.unchecked_transaction().map_err(failed)?;
    let Some(index) = index(&moment, table, column).map_err(failed)? else { return Ok(None) };
    let everywhere = (i64::MIN, i64::MAX);
    let search = Search::new(&moment, &index, text, everywhere, Direction::OldestFirst).map_err(failed)?;
    let Some(mut search) = search else { return Ok(None) };
    let mut numbers = Vec::new();
    while let Some((block, postings)) = search.step().map_err(failed)? {
        numbers.extend(postings.places().map(|place| number(block, place)));
        if numbers.len() > limit as usize {
            return Ok(None);
        }
    }
    let mut found = Vec::new();
    for number in numbers {
        found.extend(row(&moment, table, column, text, number)?);
    }
    Ok(Some(found))
}

/// The same along the numbers of its rows, no further than needed.
pub(super) fn containing_along(
    connection: &Connection,
    table: &ProjectionTable,
    column: &str,
    text: &str,
    stretch: Stretch,
    limit: u32,
) -> Result<Option<Vec<Row>>, ProjectionError> {
    let moment = connection.unchecked_transaction().map_err(failed)?;
    let Some(index) = index(&moment, table, column).map_err(failed)? else { return Ok(None) };
    let named: Option<String> =
        moment.query_row(NUMBER, [table.name], |row| row.get(0)).optional().map_err(failed)?;
    if named.as_deref() != Some(stretch.column) {
        return Ok(None);
    }
    let among = if stretch.is_empty() { (0, -1) } else { (block(stretch.from), block(stretch.until - 1)) };
    let search = Search::new(&moment, &index, text, among, stretch.direction).map_err(failed)?;
    let Some(mut search) = search else { return Ok(None) };
    let (mut looks, mut found) = (0, Vec::new());
    while let Some((block, postings)) = search.step().map_err(failed)? {
        looks += 1;
        for number in within(stretch, block, &postings) {
            looks += 1;
            found.extend(row(&moment, table, column, text, number)?);
            if found.len() >= limit as usize {
                return Ok(Some(found));
            }
        }
        if looks > LOOKS_MAX {
            return Ok(None);
        }
    }
    Ok(Some(found))
}

/// The index of a column.
fn index(
    connection: &Connection,
    table: &ProjectionTable,
    column: &str,
) -> rusqlite::Result<Option<TrigramIndex>> {
    Ok(TrigramIndex::of(connection, table.name)?.filter(|index| index.column == column))
}

/// The numbers of a block that belong to a stretch, in its order.
fn within(stretch: Stretch, block: i64, postings: &Postings) -> Vec<i64> {
    let numbers = postings.places().map(|place| number(block, place));
    let mut numbers: Vec<_> = numbers.filter(|n| (stretch.from..stretch.until).contains(n)).collect();
    match stretch.direction {
        Direction::OldestFirst => {}
        Direction::NewestFirst => numbers.reverse(),
    }
    numbers
}

/// A row that holds the text.
fn row(
    connection: &Connection,
    table: &ProjectionTable,
    column: &str,
    text: &str,
    number: i64,
) -> Result<Option<Row>, ProjectionError> {
    let mut statement = connection.prepare_cached(&hit(table, column)).map_err(failed)?;
    let mut rows = statement.query(params![number, text]).map_err(failed)?;
    rows.next().map_err(failed)?.map(|row| values(row, table.columns)).transpose()
}

fn hit(table: &ProjectionTable, column: &str) -> String {
    let (name, columns) = (table.name, names(table.columns, ""));
    format!("SELECT {columns} FROM {name} WHERE rowid = ?1 AND instr({column}, ?2) > 0")
}

/// On its way along the blocks of the rarest of the trigrams.
#[derive(Debug)]
struct Search<'c> {
    connection: &'c Connection,
    /// The first block, or the next one, that has a trigram.
    next: String,
    /// Who has a trigram in a block.
    look: String,
    rarest: i64,
    /// The rarer ones first.
    others: Vec<i64>,
    /// The first and the last block that are left.
    rest: (i64, i64),
    direction: Direction,
}

impl<'c> Search<'c> {
    /// `None` if the text is too short to have a trigram.
    fn new(
        connection: &'c Connection,
        index: &TrigramIndex,
        text: &str,
        among: (i64, i64),
        direction: Direction,
    ) -> rusqlite::Result<Option<Self>> {
        let mut statement = connection.prepare_cached(&weigh(index, direction))?;
        let mut weighed = Vec::new();
        for trigram in trigrams(text) {
            let bytes =
                statement.query_map(params![trigram, among.0, among.1], |row| row.get::<_, u32>(0))?;
            let bytes: Vec<u32> = bytes.collect::<rusqlite::Result<_>>()?;
            weighed.push((bytes.iter().sum::<u32>(), trigram));
        }
        weighed.sort_unstable();
        let mut trigrams = weighed.into_iter().map(|(_, trigram)| trigram);
        let Some(rarest) = trigrams.next() else { return Ok(None) };
        let (next, look, others) = (next(index, direction), index.look(), trigrams.collect());
        Ok(Some(Self { connection, next, look, rarest, others, rest: among, direction }))
    }

    /// The next block in which somebody has the rarest trigram, and who may have the text there; nobody, perhaps.
    fn step(&mut self) -> rusqlite::Result<Option<(i64, Postings)>> {
        let (first, last) = self.rest;
        let found = self
            .connection
            .prepare_cached(&self.next)?
            .query_row([self.rarest, first, last], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((block, mut postings)): Option<(i64, Postings)> = found else { return Ok(None) };
        self.rest = match self.direction {
            Direction::OldestFirst => (block + 1, last),
            Direction::NewestFirst => (first, block - 1),
        };
        let mut look = self.connection.prepare_cached(&self.look)?;
        for trigram in &self.others {
            if postings.count() <= FEW {
                break;
            }
            let other = look.query_row([*trigram, block], |row| row.get(0)).optional()?;
            postings.intersect(&other.unwrap_or(Postings::NONE));
        }
        Ok(Some((block, postings)))
    }
}

fn order(direction: Direction) -> &'static str {
    match direction {
        Direction::OldestFirst => "ASC",
        Direction::NewestFirst => "DESC",
    }
}

fn weigh(TrigramIndex { name, column, .. }: &TrigramIndex, direction: Direction) -> String {
    format!(
        "SELECT length({column}) FROM {name} WHERE trigram = ?1 AND block BETWEEN ?2 AND ?3 \
         ORDER BY block {} LIMIT {WEIGHED}",
        order(direction)
    )
}

fn next(TrigramIndex { name, column, .. }: &TrigramIndex, direction: Direction) -> String {
    format!(
        "SELECT block, {column} FROM {name} WHERE trigram = ?1 AND block BETWEEN ?2 AND ?3 \
         ORDER BY block {} LIMIT 1",
        order(direction)
    )
}

/// For the test that looks at their plans.
#[cfg(test)]
pub(super) fn examples() -> Vec<String> {
    let index = TrigramIndex::new("note", "text");
    let both = [Direction::OldestFirst, Direction::NewestFirst].into_iter();
    let along = both.flat_map(|direction| [weigh(&index, direction), next(&index, direction)]);
    along.chain([hit(&eventstore::conformance::NOTE, "text")]).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use eventstore::Value;
    use eventstore::conformance::NOTE;

    use super::super::trigrams::Changes;
    use super::*;

    /// With a number by itself, as those have that are searched along it; so many to a block.
    fn notes(texts: impl Fn(i64) -> String, count: i64, apart: i64) -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(
                "CREATE TABLE note (
                    nr INTEGER PRIMARY KEY, id BLOB UNIQUE, number INTEGER, text TEXT, stars INTEGER
                ) STRICT;
                CREATE TABLE note_trigrams (
                    trigram INTEGER NOT NULL, block INTEGER NOT NULL, text BLOB NOT NULL, PRIMARY KEY (trigram, block)
                ) STRICT, WITHOUT ROWID",
            )
            .unwrap();
        let mut changes = Changes::default();
        let put = "INSERT INTO note (nr, id, number, text, stars) VALUES (?1, ?2, ?1, ?3, 0)";
        for n in 0..count {
            let id = uuid::Uuid::from_u128(n.cast_unsigned().into());
            let row = params![n * apart, id.as_bytes(), texts(n)];
            let write = || connection.execute(put, row);
            changes.around(&connection, "note", ("nr = ?1", &[&(n * apart)]), write).unwrap();
        }
        changes.write(&connection).unwrap();
        connection
    }

    fn along(
        connection: &Connection,
        text: &str,
        (column, from, until): (&'static str, i64, i64),
        direction: Direction,
        limit: u32,
    ) -> Option<Vec<i64>> {
        let stretch = Stretch { column, from, until, direction };
        let rows = containing_along(connection, &NOTE, "text", text, stretch, limit).unwrap();
        rows.map(|rows| rows.into_iter().map(|row| numbered(&row)).collect())
    }

    fn numbered(row: &Row) -> i64 {
        match row[1] {
            Value::BigInt(number) => number,
            ref other => panic!("{other:?} is no number"),
        }
    }

    #[test]
    fn a_text_is_found_along_the_numbers_of_its_rows() {
        use Direction::{NewestFirst, OldestFirst};
        let text = |n| if n % 3 == 0 { "a common number of threes" } else { "a common number" }.to_owned();
        for apart in [10, 1000, 10_000] {
            let connection = notes(text, 400, apart);
            let found = |column, from: i64, until: i64, direction, limit| {
                let among = (column, from * apart / 10, until * apart / 10);
                along(&connection, "number of threes", among, direction, limit)
            };
            let numbers = |numbers: &[i64]| Some(numbers.iter().map(|n| n * apart / 10).collect::<Vec<_>>());
            assert_eq!(found("nr", 0, 4000, NewestFirst, 3), numbers(&[3990, 3960, 3930]));
            assert_eq!(found("nr", 31, 100, OldestFirst, 3), numbers(&[60, 90]));
            assert_eq!(found("nr", 30, 60, NewestFirst, 3), numbers(&[30]));
            assert_eq!(found("nr", 60, 60, NewestFirst, 3), numbers(&[]));
            assert_eq!(found("nr", 0, 4000, OldestFirst, 4000).map(|all| all.len()), Some(134));
            assert_eq!(found("stars", 0, 4000, NewestFirst, 3), None, "no index has its order");
        }
    }

    #[test]
    fn whoever_has_the_letters_in_another_order_is_passed_by() {
        let text = |n| if n == 200 { "abcd" } else { "bcd abc" }.to_owned();
        let connection = notes(text, 400, 100);
        let all = ("nr", i64::MIN, i64::MAX);
        assert_eq!(along(&connection, "abcd", all, Direction::OldestFirst, 9), Some(vec![20_000]));
        assert_eq!(containing(&connection, &NOTE, "text", "abcd", 399).unwrap(), None);
        let found = containing(&connection, &NOTE, "text", "abcd", 400).unwrap();
        assert_eq!(found.map(|rows| rows.iter().map(numbered).collect()), Some(vec![20_000]));
        let many = notes(|_| "bcd abc".to_owned(), 30_000, 1);
        assert_eq!(along(&many, "abcd", all, Direction::NewestFirst, 1), None, "that takes too long");
    }

    #[test]
    fn every_text_that_stands_somewhere_is_found() {
        let text = |n: i64| format!("{} {} {}", n % 7, n * n % 101, n % 1000);
        let connection = notes(text, 2000, 7);
        let mut expected: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        for n in 0..2000 {
            let text = text(n);
            let letters: Vec<_> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            for long in [4, 6] {
                for ends in letters.windows(long + 1) {
                    let numbers = expected.entry(text[ends[0]..ends[long]].to_owned()).or_default();
                    if numbers.last() != Some(&(n * 7)) {
                        numbers.push(n * 7);
                    }
                }
            }
        }
        for (text, numbers) in expected.iter().step_by(5) {
            let all = ("nr", 0, 14_000);
            assert_eq!(along(&connection, text, all, Direction::OldestFirst, 2000).as_ref(), Some(numbers));
            let rows = containing(&connection, &NOTE, "text", text, 2000).unwrap().unwrap();
            assert_eq!(&rows.iter().map(numbered).collect::<Vec<_>>(), numbers, "{text}");
        }
    }

    #[test]
    fn the_rarest_trigram_leads() {
        let text = |n| if n % 100 == 7 { "common rare" } else { "common" }.to_owned();
        let connection = notes(text, 9000, 1);
        let index = TrigramIndex::new("note", "text");
        let of = |text| {
            let search = Search::new(&connection, &index, text, (0, 9), Direction::NewestFirst).unwrap();
            search.map(|search| search.rarest)
        };
        assert!(!trigrams("common").contains(&of("common rare").unwrap()));
        assert_eq!(of("co"), None);
    }
}
