//! The tables of the accounts, in the words of each engine.

use eventstore::Migration;

pub(crate) static SQLITE: &[Migration] = &[Migration {
    number: 1,
    name: "accounts",
    sql: "CREATE TABLE account_row (id BLOB PRIMARY KEY, version INTEGER, name TEXT) STRICT, WITHOUT ROWID;
        CREATE TABLE account (id BLOB PRIMARY KEY, version INTEGER, name TEXT, balance INTEGER) STRICT, WITHOUT ROWID;
        CREATE TABLE account_history (id BLOB, position INTEGER, name TEXT, balance INTEGER,
            PRIMARY KEY (id, position)) STRICT, WITHOUT ROWID;
        CREATE TABLE account_open (id BLOB PRIMARY KEY, name TEXT) STRICT, WITHOUT ROWID;
        CREATE INDEX account_open_by_name ON account_open (name);
        CREATE TABLE account_total (what TEXT PRIMARY KEY, times INTEGER, amount INTEGER) STRICT, WITHOUT ROWID;
        CREATE TABLE tally_1 (id BLOB PRIMARY KEY, events INTEGER) STRICT, WITHOUT ROWID;
        CREATE TABLE tally_2 (id BLOB PRIMARY KEY, events INTEGER) STRICT, WITHOUT ROWID;
        CREATE TABLE tally_3 (id BLOB PRIMARY KEY, events INTEGER) STRICT, WITHOUT ROWID;
        CREATE TABLE tally_4 (id BLOB PRIMARY KEY, events INTEGER) STRICT, WITHOUT ROWID;",
}];

pub(crate) static POSTGRES: &[Migration] = &[Migration {
    number: 1,
    name: "accounts",
    sql: "CREATE TABLE account_row (id uuid PRIMARY KEY, version bigint, name text COLLATE \"C\");
        CREATE TABLE account (id uuid PRIMARY KEY, version bigint, name text COLLATE \"C\", balance bigint);
        CREATE TABLE account_history (id uuid, position bigint, name text COLLATE \"C\", balance bigint,
            PRIMARY KEY (id, position));
        CREATE TABLE account_open (id uuid PRIMARY KEY, name text COLLATE \"C\");
        CREATE INDEX account_open_by_name ON account_open (name);
        CREATE TABLE account_total (what text COLLATE \"C\" PRIMARY KEY, times bigint, amount bigint);
        CREATE TABLE tally_1 (id uuid PRIMARY KEY, events bigint);
        CREATE TABLE tally_2 (id uuid PRIMARY KEY, events bigint);
        CREATE TABLE tally_3 (id uuid PRIMARY KEY, events bigint);
        CREATE TABLE tally_4 (id uuid PRIMARY KEY, events bigint);",
}];
