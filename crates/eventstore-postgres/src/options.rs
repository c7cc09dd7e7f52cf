//! What a store is opened with. The caller has read and checked its configuration; nothing here is looked up.

use std::fmt;

use eventstore::{Clock, Durability, InlineTable, Migration};

/// Where the store is, what stands in it besides the log, and what it must promise.
#[derive(Clone)]
pub struct Options {
    /// The database, as the service uses it: `postgres://user:password@host/database`.
    pub url: String,
    /// The same database, as its owner: for migrations. `url` if `None`.
    pub migration_url: Option<String>,
    /// The schema of the log and of the product's tables. Secrets stand in `{schema}_vault`. Another tenant is another
    /// schema.
    pub schema: String,
    /// The product's inline tables.
    pub tables: &'static [&'static InlineTable],
    /// Earlier generations of these tables, by the same names, that this binary can still write. It does for as long as
    /// the log says so: beside binaries of the release before.
    pub earlier: &'static [&'static InlineTable],
    /// The product's own schema. `{vault}.` in front of a table's name means "with the secrets"; see [`crate::migrate`].
    pub migrations: &'static [Migration],
    /// Where the time comes from; the database's clock if `None`.
    pub clock: Option<Clock>,
    /// What happens when a setting gives up durability.
    pub durability: Durability,
    /// How many connections read at the same time. One more appends.
    pub readers: usize,
    /// Whether this process writes.
    pub access: Access,
    /// How it learns of what other processes append.
    pub notify: Notify,
}

/// How a process learns that others have appended. Without being told it looks about once a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Notify {
    /// They tell each other, on a channel with the schema's name.
    #[default]
    On,
    /// Not at all: for a pooler that does not keep sessions.
    Off,
}

/// What a process does with the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// It writes and reads, as any number of others may.
    #[default]
    Owner,
    /// It reads. Appends are answered with `StoreDown`.
    Reader,
}

/// The predecessor's database already has tables of our names: a schema of our own keeps us apart.
const SCHEMA: &str = "user_service";

/// Reads are short; more connections than this mostly cost the server memory.
const READERS: usize = 8;

/// PostgreSQL cuts names off at 63 bytes: room for the ends that we add, of which the role's is the longest.
const SCHEMA_BYTES_MAX: usize = 50;

impl Options {
    /// The store at a URL with the log alone, durable, in our own schema.
    pub fn at(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            migration_url: None,
            schema: SCHEMA.to_owned(),
            tables: &[],
            earlier: &[],
            migrations: &[],
            clock: None,
            durability: Durability::default(),
            readers: READERS,
            access: Access::default(),
            notify: Notify::default(),
        }
    }

    /// The schema of the secrets.
    pub(crate) fn vault(&self) -> String {
        format!("{}_vault", self.schema)
    }

    /// Whether the schema's name needs no quoting and leaves room for our endings.
    pub(crate) fn schema_is_plain(&self) -> bool {
        let letter = |c: char| c.is_ascii_lowercase() || c == '_';
        self.schema.len() <= SCHEMA_BYTES_MAX
            && self.schema.starts_with(letter)
            && self.schema.chars().all(|c| letter(c) || c.is_ascii_digit())
            && !self.schema.starts_with("pg_")
    }
}

/// Without the URLs: they hold passwords.
impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("schema", &self.schema).finish_non_exhaustive()
    }
}
