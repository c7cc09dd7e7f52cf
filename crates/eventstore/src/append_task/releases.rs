//! Two releases at once: of the layouts that a binary can write, the one that the log takes now.
//!
//! A release that changes what a table's rows mean goes on to write the earlier meaning until the log is switched. The
//! log has the last word in each append; what is here is only what it said last.

use std::iter;
use std::sync::{Arc, PoisonError, RwLock};

use crate::{Append, InlineTable};

/// The tables of a layout that this binary can write.
#[derive(Debug)]
pub struct Layout {
    tables: Vec<&'static InlineTable>,
    text: String,
}

/// What this binary can write, and what it does write. Shared by everything that belongs to one store.
#[derive(Debug)]
pub struct Releases {
    tables: &'static [&'static InlineTable],
    earlier: &'static [&'static InlineTable],
    now: RwLock<Arc<Layout>>,
}

impl Layout {
    fn new(tables: Vec<&'static InlineTable>) -> Self {
        let text = InlineTable::layout(&tables);
        Self { tables, text }
    }

    /// Its tables, in the order in which they were declared.
    #[must_use]
    pub fn tables(&self) -> &[&'static InlineTable] {
        &self.tables
    }

    /// As the log has it.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether every row of an append is of this layout.
    #[must_use]
    pub fn holds(&self, append: &Append) -> bool {
        append.rows.iter().all(|write| has(&self.tables, write.table))
    }
}

impl Releases {
    /// Writes its own generation of each table until it is told what the log takes.
    #[must_use]
    pub fn new(tables: &'static [&'static InlineTable], earlier: &'static [&'static InlineTable]) -> Self {
        Self { tables, earlier, now: RwLock::new(Arc::new(Layout::new(tables.to_vec()))) }
    }

    /// What is written now.
    pub fn now(&self) -> Arc<Layout> {
        // Nobody panics with it, and a pointer is never half written.
        Arc::clone(&self.now.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Writes what the log takes from now on. False, and nothing changes, if this binary cannot.
    pub fn adopt(&self, stored: &str) -> bool {
        if self.now().text == stored {
            return true;
        }
        let Some(tables) = self.known(stored) else { return false };
        tracing::info!(layout = stored, "the log takes rows of another layout, and this binary knows it");
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Layout::new(tables));
        true
    }

    /// Whether a table was declared, in this or in an earlier generation.
    pub fn declares(&self, table: &'static InlineTable) -> bool {
        has(self.tables, table) || has(self.earlier, table)
    }

    /// The generation of a table that is written now. The table itself, if it was not declared.
    pub fn writes(&self, table: &'static InlineTable) -> &'static InlineTable {
        self.now().tables.iter().copied().find(|written| written.name == table.name).unwrap_or(table)
    }

    /// The tables of a layout that is this binary's but for the generations.
    fn known(&self, stored: &str) -> Option<Vec<&'static InlineTable>> {
        let parts: Vec<_> = stored.split(',').collect();
        let stored_generation = |table: &&'static InlineTable| {
            let earlier = self.earlier.iter().copied().filter(|earlier| earlier.name == table.name);
            let mut generations = iter::once(*table).chain(earlier);
            // One that no layout names is written whatever the layout is.
            generations.find(|known| {
                known.generation == 0 || parts.contains(&InlineTable::layout(&[known]).as_str())
            })
        };
        let tables: Vec<_> = self.tables.iter().map(stored_generation).collect::<Option<_>>()?;
        (InlineTable::layout(&tables) == stored).then_some(tables)
    }
}

fn has(tables: &[&'static InlineTable], table: &'static InlineTable) -> bool {
    // One and the same is found without a comparison of every column.
    tables.iter().any(|known| std::ptr::eq(*known, table) || *known == table)
}

#[cfg(test)]
mod tests {
    use super::*;

    static BOOK: InlineTable =
        InlineTable { name: "book", generation: 3, columns: &[], version_column: None };
    static BOOK_2: InlineTable =
        InlineTable { name: "book", generation: 2, columns: &[], version_column: None };
    static BOOK_1: InlineTable =
        InlineTable { name: "book", generation: 1, columns: &[], version_column: None };
    static SHELF: InlineTable =
        InlineTable { name: "shelf", generation: 1, columns: &[], version_column: None };

    static TABLES: &[&InlineTable] = &[&BOOK, &SHELF];
    static EARLIER: &[&InlineTable] = &[&BOOK_2];

    fn releases() -> Releases {
        Releases::new(TABLES, EARLIER)
    }

    #[test]
    fn a_release_writes_its_own_until_it_is_told_otherwise() {
        let releases = releases();
        assert_eq!((releases.now().text(), releases.writes(&BOOK)), ("book=3,shelf=1", &BOOK));
        assert!(releases.adopt("book=2,shelf=1"));
        assert_eq!((releases.now().text(), releases.writes(&BOOK)), ("book=2,shelf=1", &BOOK_2));
        assert_eq!(releases.writes(&BOOK_2), &BOOK_2, "whichever generation is asked with");
        assert_eq!(releases.writes(&SHELF), &SHELF);
        assert!(releases.adopt("book=3,shelf=1"));
        assert_eq!(releases.writes(&BOOK_2), &BOOK);
    }

    #[test]
    fn what_a_release_does_not_know_it_does_not_write() {
        let releases = releases();
        assert!(releases.adopt("book=2,shelf=1"));
        for unknown in
            ["", "book=1,shelf=1", "book=4,shelf=1", "book=2", "shelf=1,book=2", "book=2,shelf=1,x=1"]
        {
            assert!(!releases.adopt(unknown), "{unknown}");
        }
        assert_eq!(releases.now().text(), "book=2,shelf=1", "nothing has changed");
        assert!(releases.declares(&BOOK) && releases.declares(&BOOK_2) && !releases.declares(&BOOK_1));
    }

    #[test]
    fn a_table_of_streams_of_its_own_is_written_beside_every_layout() {
        static LAMP: InlineTable =
            InlineTable { name: "lamp", generation: 0, columns: &[], version_column: None };
        static WITH_LAMP: &[&InlineTable] = &[&BOOK, &LAMP];
        let releases = Releases::new(WITH_LAMP, EARLIER);
        assert_eq!(releases.now().text(), "book=3", "who does not know it may go on");
        assert!(releases.adopt("book=2"));
        assert_eq!((releases.writes(&LAMP), releases.writes(&BOOK)), (&LAMP, &BOOK_2));
        assert!(!releases.adopt("book=3,lamp=1"), "its rows mean something else there");
    }

    #[test]
    fn a_log_without_tables_has_one_layout() {
        assert!(Releases::new(&[], &[]).adopt(""));
    }
}
