//! The schema: the log's own, then the product's, each with a history of its own.
//!
//! All pending migrations of one history are applied in one transaction, together with their entries in it: a crash in
//! between leaves the store as it was.

use eventstore::{InlineTable, Migration};
use refinery::Runner;
use refinery::error::Kind;
use rusqlite::{Connection, params};
use uuid::Builder;

use crate::connection;
use crate::open::APPLICATION_ID;
use crate::writer::WRITER;
use crate::{OpenError, Options};

const LOG: &[Migration] = &[
    Migration { number: 1, name: "log", sql: include_str!("../migrations/V1__log.sql") },
    Migration { number: 2, name: "projections", sql: include_str!("../migrations/V2__projections.sql") },
];

const LOG_HISTORY: &str = "log_schema_history";
const PRODUCT_HISTORY: &str = "product_schema_history";

/// Makes the store if there is none, and brings it to the schema that this binary needs.
///
/// `{vault}.` in front of a table's name becomes nothing: SQLite has one file. An attached file would keep the secrets
/// apart, but in WAL mode a commit over two files is not atomic when the power fails, and a user without her key, or a
/// key without its user, is worse.
pub async fn migrate(options: &Options) -> Result<(), OpenError> {
    let _lock = connection::lock(&options.path)?;
    connection::create(&options.path)?;
    let (mut connection, _) = connection::owner(options)?;
    let fail = |cause| OpenError::sqlite(&options.path, cause);
    connection.pragma_update(None, "application_id", APPLICATION_ID).map_err(fail)?;
    for (history, runner) in histories(options)? {
        runner.run(&mut connection).map_err(|error| migration_error(history, error))?;
    }
    introduce(&connection, options).map_err(fail)
}

/// Whether the store has exactly the schema that this binary needs.
pub(crate) fn check(connection: &mut Connection, options: &Options) -> Result<(), OpenError> {
    for (history, runner) in histories(options)? {
        let exists = connection
            .query_row("SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = ?1)", [history], |row| {
                row.get(0)
            })
            .map_err(|cause| OpenError::sqlite(&options.path, cause))?;
        let applied = if exists {
            runner.get_applied_migrations(connection).map_err(|error| migration_error(history, error))?
        } else {
            Vec::new()
        };
        compare(history, runner.get_migrations(), &applied)?;
    }
    Ok(())
}

fn compare(
    history: &str,
    needed: &[refinery::Migration],
    applied: &[refinery::Migration],
) -> Result<(), OpenError> {
    let found = |wanted: &refinery::Migration, among: &[refinery::Migration]| {
        among.iter().find(|other| other.version() == wanted.version()).cloned()
    };
    for migration in needed {
        match found(migration, applied) {
            None => return Err(OpenError::NotMigrated(format!("{migration} of {history}"))),
            Some(other) if other != *migration => {
                return Err(OpenError::Edited(format!("{migration} of {history}")));
            }
            Some(_) => {}
        }
    }
    match applied.iter().find(|migration| found(migration, needed).is_none()) {
        Some(unknown) => Err(OpenError::Newer(format!("{unknown} of {history}"))),
        None => Ok(()),
    }
}

fn histories(options: &Options) -> Result<[(&'static str, Runner); 2], OpenError> {
    Ok([
        (LOG_HISTORY, runner(LOG_HISTORY, LOG)?),
        (PRODUCT_HISTORY, runner(PRODUCT_HISTORY, options.migrations)?),
    ])
}

fn runner(history: &str, migrations: &[Migration]) -> Result<Runner, OpenError> {
    let unapplied = migrations.iter().map(|migration| {
        let name = format!("V{}__{}", migration.number, migration.name);
        refinery::Migration::unapplied(&name, &migration.sql.replace("{vault}.", ""))
    });
    let unapplied =
        unapplied.collect::<Result<Vec<_>, _>>().map_err(|error| migration_error(history, error))?;
    let mut runner = Runner::new(&unapplied).set_grouped(true);
    runner.set_migration_table_name(history);
    Ok(runner)
}

fn migration_error(history: &str, error: refinery::Error) -> OpenError {
    match error.kind() {
        Kind::MissingVersion(unknown) => OpenError::Newer(format!("{unknown} of {history}")),
        Kind::DivergentVersion(applied, _) => OpenError::Edited(format!("{applied} of {history}")),
        _ => OpenError::Migration(Box::new(error)),
    }
}

/// Gives a new log its id, and an empty one the layout of the tables that will be written beside it. Once there are
/// events, only a switch of generations changes the layout: the rows of those events have to be there first.
fn introduce(connection: &Connection, options: &Options) -> rusqlite::Result<()> {
    let random = connection.query_row("SELECT randomblob(16)", [], |row| row.get(0))?;
    let layout = InlineTable::layout(options.tables);
    connection.execute(
        "INSERT INTO log_meta (only_row, log_id, writer_floor, layout) VALUES (1, ?1, ?2, ?3) ON CONFLICT DO NOTHING",
        params![Builder::from_random_bytes(random).as_uuid().as_bytes(), WRITER, layout],
    )?;
    connection.execute(
        "UPDATE log_meta SET layout = ?1 WHERE NOT EXISTS (SELECT 1 FROM events)",
        params![layout],
    )?;
    Ok(())
}
