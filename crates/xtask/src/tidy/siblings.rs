//! The two SQL backends are siblings: the same files, the same public functions, the same migration numbers.
//! Who knows one knows the other, and neither can do what the other cannot.

use std::collections::BTreeSet;

use super::Finding;
use super::source::File;

/// Folders that mirror each other.
const SIBLINGS: [(&str, &str); 3] = [
    ("crates/eventstore-postgres/src/", "crates/eventstore-sqlite/src/"),
    ("crates/eventstore-postgres/migrations/", "crates/eventstore-sqlite/migrations/"),
    ("crates/user-service/migrations/postgres/", "crates/user-service/migrations/sqlite/"),
];

/// Files that one of the two has for itself, each with what the other engine has instead. A folder stands for what is in
/// it but for its `mod.rs`, which says what the folder is for.
const ALONE: &[(&str, &str)] = &[
    ("crates/eventstore-postgres/src/append/", "a batch is one statement, put together from parts"),
    ("crates/eventstore-postgres/src/news.rs", "nobody else appends to a file"),
    ("crates/eventstore-postgres/src/projection/copy.rs", "a file has no faster way in than the others"),
    ("crates/eventstore-postgres/src/projection/tries.rs", "the writer has the tables to itself"),
    ("crates/eventstore-postgres/src/said.rs", "what SQLite says of an error holds no rows"),
    ("crates/eventstore-postgres/src/tls.rs", "a file is read by nobody on the way"),
    ("crates/eventstore-sqlite/src/append/", "a batch is many statements, row by row"),
    ("crates/eventstore-sqlite/src/backup.rs", "a server comes with pg_basebackup"),
    ("crates/eventstore-sqlite/src/plans.rs", "a server's plans are looked at by the tests that have one"),
    ("crates/eventstore-sqlite/src/projection/postings.rs", "a server's index of trigrams packs its own"),
    (
        "crates/eventstore-sqlite/src/projection/schema.rs",
        "a server's functions copy tables, made by the migration",
    ),
    ("crates/eventstore-sqlite/src/projection/trigrams.rs", "a server keeps its index of trigrams by itself"),
    ("crates/eventstore-sqlite/src/wal.rs", "a server's WAL is the operator's affair"),
];

pub(super) fn check(files: &[File]) -> Vec<Finding> {
    let mut findings = differences(files);
    let gone = ALONE.iter().filter(|(alone, _)| !files.iter().any(|file| stands_for(alone, &file.path)));
    findings.extend(
        gone.map(|(alone, _)| Finding::new(alone, None, "is excepted in tidy/siblings.rs, and gone")),
    );
    findings
}

fn differences(files: &[File]) -> Vec<Finding> {
    let both = SIBLINGS.iter().flat_map(|(one, other)| [(one, other), (other, one)]);
    both.flat_map(|(one, other)| missing(files, one, other)).collect()
}

/// What lies in one folder and has no counterpart in the other.
fn missing(files: &[File], one: &str, other: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files {
        let Some(name) = file.path.strip_prefix(one) else { continue };
        if ALONE.iter().any(|(alone, _)| stands_for(alone, &file.path)) {
            continue;
        }
        let Some(sibling) = files.iter().find(|file| file.path.strip_prefix(other) == Some(name)) else {
            findings.push(Finding::new(&file.path, None, format!("has no sibling {other}{name}")));
            continue;
        };
        let known = public_functions(sibling);
        for function in public_functions(file).difference(&known) {
            let advice = format!("`pub fn {function}` is not in its sibling {}", sibling.path);
            findings.push(Finding::new(&file.path, None, advice));
        }
    }
    findings
}

fn stands_for(alone: &str, path: &str) -> bool {
    let inside = || path.strip_prefix(alone).is_some_and(|name| name != "mod.rs");
    path == alone || (alone.ends_with('/') && inside())
}

fn public_functions(file: &File) -> BTreeSet<&str> {
    let lines = file.lines().filter(|_| file.is_rust());
    lines.filter_map(|(_, line)| public_function(line)).collect()
}

/// `open` in `    pub async fn open(`. What only the crate sees is its own affair.
fn public_function(line: &str) -> Option<&str> {
    let mut rest = line.trim_start().strip_prefix("pub ")?;
    for word in ["const ", "async "] {
        rest = rest.strip_prefix(word).unwrap_or(rest);
    }
    rest.strip_prefix("fn ")?.split(['(', '<']).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    const POSTGRES: &str = SIBLINGS[0].0;
    const SQLITE: &str = SIBLINGS[0].1;

    fn refused(files: &[(&str, &str, &str)]) -> Vec<String> {
        let file = |(folder, name, text): &(&str, &str, &str)| File::new(&format!("{folder}{name}"), text);
        differences(&files.iter().map(file).collect::<Vec<_>>()).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn equal_siblings_pass() {
        let text = "pub async fn open(url: &str) {}\nfn private() {}\npub(crate) fn inner() {}\n";
        let other = "    pub const fn open<T>() {}\n";
        assert_eq!(refused(&[(POSTGRES, "open.rs", text), (SQLITE, "open.rs", other)]), [""; 0]);
    }

    #[test]
    fn a_file_alone_is_refused() {
        let refused =
            refused(&[(POSTGRES, "read.rs", ""), (SQLITE, "read.rs", ""), (SQLITE, "lonely.rs", "")]);
        assert_eq!(refused, [format!("{SQLITE}lonely.rs: has no sibling {POSTGRES}lonely.rs")]);
    }

    #[test]
    fn a_folder_that_differs_by_nature_still_has_its_sibling() {
        let folder = &[(SQLITE, "append/event.rs", ""), (POSTGRES, "append/statement.rs", "")];
        assert_eq!(refused(folder), [""; 0]);
        let refused = refused(&[(SQLITE, "append/mod.rs", "")]);
        assert_eq!(refused, [format!("{SQLITE}append/mod.rs: has no sibling {POSTGRES}append/mod.rs")]);
    }

    #[test]
    fn a_public_function_alone_is_refused() {
        let refused =
            refused(&[(POSTGRES, "read.rs", "pub fn head() {}\n"), (SQLITE, "read.rs", "fn head() {}\n")]);
        assert_eq!(
            refused,
            [format!("{POSTGRES}read.rs: `pub fn head` is not in its sibling {SQLITE}read.rs")]
        );
    }

    #[test]
    fn migrations_have_the_same_numbers_and_names() {
        let (postgres, sqlite) = SIBLINGS[1];
        let refused = refused(&[(postgres, "V1__log.sql", "a"), (sqlite, "V2__log.sql", "b")]);
        assert_eq!(refused.len(), 2);
    }
}
