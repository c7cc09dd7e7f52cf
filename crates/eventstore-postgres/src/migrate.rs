//! The making of the schema: the log's own tables, then the product's, and the role that may use but not change them.
//!
//! Any number of processes may do this at once; one does it, the others wait for it.

use std::collections::BTreeMap;
use std::time::Duration;

use eventstore::InlineTable;
use refinery::error::Kind;
use refinery::{Migration, Runner};
use tokio::time::sleep;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error};
use tracing::warn;

use crate::append::WRITER;
use crate::connection::{Door, Session};
use crate::open::{check_rights, take_role};
use crate::said::Said;
use crate::verdict::BEGIN_LOCKED;
use crate::{OpenError, Options};

const LOG: &[(&str, &str)] = &[
    ("V1__log", include_str!("../migrations/V1__log.sql")),
    ("V2__projections", include_str!("../migrations/V2__projections.sql")),
];

/// Where it is noted what has been applied.
const LOG_HISTORY: &str = "log_schema_history";
const PRODUCT_HISTORY: &str = "product_schema_history";

/// What projections keep beside their rows.
const CATALOG: &str = "projections, projection_leases, projection_wishes, parked_events, derived_tables";

/// What the role may have done with the tables of projections, though it may not do it itself.
const GENERATION_FUNCTIONS: &str = "make_generation(text, integer), index_generation(text, integer), \
    swap_generation(text[], integer, integer, text), drop_generation(text, integer)";

/// Asked for again and again, never waited for: a session that waits holds up CREATE INDEX CONCURRENTLY, and that
/// holds up whoever has the lock.
const TRY_LOCK: &str = "SELECT pg_try_advisory_lock(hashtextextended('migrations of ' || $1, 0))";
const LOCK_PAUSE: Duration = Duration::from_millis(100);

/// Roles belong to the whole cluster: whoever changes another one at the same time can be in the way.
const ROLE_ATTEMPTS: u32 = 10;

/// Makes the log if there is none, and brings it to the schema that this binary needs, as the database's owner.
///
/// `{vault}.` in front of a table's name puts it into the schema of the secrets, which can have backups of its own; a
/// name without a schema stands in the log's. Changes nothing, and needs no rights, where nothing is missing.
pub async fn migrate(options: &Options) -> Result<(), OpenError> {
    options.check()?;
    let url = options.migration_url.as_ref().unwrap_or(&options.url);
    let door = Door::new(url, options)?;
    let mut session = door.login().await?;
    let service = service_login(options)?;
    if is_complete(&session, options, service.as_deref()).await? {
        return Ok(());
    }
    let role = session.role.clone();
    let client = &mut session.client;
    check_rights(client, &options.schema, "CREATE").await?;
    while !client.query_one(TRY_LOCK, &[&options.schema]).await?.try_get::<_, bool>(0)? {
        sleep(LOCK_PAUSE).await;
    }
    // The lock ends with the connection, however this ends.
    client.batch_execute(door.durable()).await?;
    make_schemas(client, options).await?;
    run(client, &log_migrations()?, LOG_HISTORY).await?;
    let made = make_role(client, &role, service.as_deref()).await?;
    if made {
        client.batch_execute(&future_rights(options, &role)).await?;
    }
    introduce(client, options).await?;
    run(client, &product_migrations(options)?, PRODUCT_HISTORY).await?;
    if made {
        client.batch_execute(&rights(options, &role)).await?;
    }
    Ok(())
}

/// The login that the service uses, where it is not the one that migrates.
fn service_login(options: &Options) -> Result<Option<String>, OpenError> {
    match &options.migration_url {
        Some(_) => Ok(Door::new(&options.url, options)?.config().get_user().map(str::to_owned)),
        None => Ok(None),
    }
}

/// The first migration of this binary that has not been applied. What a newer binary has applied besides is no
/// obstacle: it kept the schema usable for this one, or raised the writer floor.
pub(crate) async fn first_missing(client: &Client, options: &Options) -> Result<Option<String>, OpenError> {
    let histories = [(LOG_HISTORY, log_migrations()?), (PRODUCT_HISTORY, product_migrations(options)?)];
    for (history, migrations) in histories {
        if let Some(migration) = missing(client, &migrations, history).await? {
            return Ok(Some(format!("{migration} of {history}")));
        }
    }
    Ok(None)
}

/// Whether nothing is left to do: the layout of an empty log is the last thing, and the service has been let in. Asked
/// in the service's role where that can be had: a login that inherits nothing sees nothing without it.
async fn is_complete(session: &Session, options: &Options, service: Option<&str>) -> Result<bool, OpenError> {
    take_role(session).await;
    let complete = nothing_missing(session, options, service).await;
    session.client.batch_execute("RESET ROLE").await?;
    complete
}

async fn nothing_missing(
    session: &Session,
    options: &Options,
    service: Option<&str>,
) -> Result<bool, OpenError> {
    let client = &session.client;
    if first_missing(client, options).await?.is_some() {
        return Ok(false);
    }
    let ask = format!(
        "SELECT layout = $1 OR EXISTS (SELECT 1 FROM events), \
            EXISTS (SELECT 1 FROM pg_roles r WHERE r.rolname = $2 \
                AND has_table_privilege(r.oid, 'events', 'INSERT') \
                AND has_function_privilege(r.oid, 'drop_generation(text, integer)', 'EXECUTE') AND {}) \
        FROM log_meta",
        may_take("$3", "r.rolname")
    );
    let row =
        client.query_opt(&ask, &[&InlineTable::layout(options.tables), &session.role, &service]).await?;
    row.map_or(Ok(false), |row| Ok(row.try_get(0)? && row.try_get(1)?))
}

fn log_migrations() -> Result<Vec<Migration>, OpenError> {
    let made = LOG.iter().map(|(name, sql)| Migration::unapplied(name, sql));
    made.collect::<Result<_, _>>().map_err(|error| OpenError::Migration(Said::by(&error)))
}

fn product_migrations(options: &Options) -> Result<Vec<Migration>, OpenError> {
    let vault = format!("{}.", options.vault());
    let make = |migration: &eventstore::Migration| {
        let sql = migration.sql.replace("{vault}.", &vault);
        let name = format!("V{}__{}", migration.number, migration.name);
        Migration::unapplied(&name, &sql).map_err(|error| OpenError::Migration(Said::by(&error)))
    };
    options.migrations.iter().map(make).collect()
}

async fn run(client: &mut Client, migrations: &[Migration], history: &str) -> Result<(), OpenError> {
    let mut runner = Runner::new(migrations).set_abort_missing(false);
    runner.set_migration_table_name(history);
    runner.run_async(client).await.map_err(|error| match error.kind() {
        Kind::DivergentVersion(applied, _) => OpenError::Edited(format!("{applied} of {history}")),
        _ => OpenError::Migration(Said::by(&error)),
    })?;
    // One below those that are applied already is left out.
    match missing(client, migrations, history).await? {
        Some(migration) => Err(OpenError::NotMigrated(format!("{migration} of {history}"))),
        None => Ok(()),
    }
}

/// The first that has not been applied, or not in this text.
async fn missing(
    client: &Client,
    migrations: &[Migration],
    history: &str,
) -> Result<Option<Migration>, OpenError> {
    let exists = client.query_one("SELECT to_regclass($1) IS NOT NULL", &[&history]).await?.try_get(0)?;
    let applied: BTreeMap<i32, String> = if exists {
        let rows = client.query(&format!("SELECT version, checksum FROM {history}"), &[]).await?;
        rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect::<Result<_, Error>>()?
    } else {
        BTreeMap::new()
    };
    for migration in migrations {
        match applied.get(&migration.version()) {
            None => return Ok(Some(migration.clone())),
            Some(checksum) if *checksum != migration.checksum().to_string() => {
                return Err(OpenError::Edited(format!("{migration} of {history}")));
            }
            Some(_) => {}
        }
    }
    Ok(None)
}

/// Asked first: making a schema "if not exists" needs the right to make one also where it exists.
async fn make_schemas(client: &Client, options: &Options) -> Result<(), Error> {
    for schema in [options.schema.clone(), options.vault()] {
        let exists = client.query_one("SELECT to_regnamespace($1) IS NOT NULL", &[&schema]).await?;
        if !exists.try_get::<_, bool>(0)? {
            client.batch_execute(&format!("CREATE SCHEMA {schema}")).await?;
        }
        // Whatever the database's defaults say: the owner and the role, nobody else.
        client.batch_execute(&format!("REVOKE ALL ON SCHEMA {schema} FROM PUBLIC")).await?;
    }
    Ok(())
}

/// Gives a new log its id, and an empty one the layout of the tables that will be written beside it. Once there are
/// events, only a switch of generations changes the layout: the rows of those events have to be there first. (Under
/// the append lock, so that there cannot come to be some meanwhile.)
async fn introduce(client: &Client, options: &Options) -> Result<(), OpenError> {
    let layout = InlineTable::layout(options.tables);
    client.batch_execute(BEGIN_LOCKED).await?;
    let insert = "INSERT INTO log_meta (only_row, log_id, writer_floor, layout) \
        VALUES (1, gen_random_uuid(), $1, $2) ON CONFLICT DO NOTHING";
    client.execute(insert, &[&WRITER, &layout]).await?;
    let update = "UPDATE log_meta SET layout = $1 WHERE NOT EXISTS (SELECT 1 FROM events)";
    client.execute(update, &[&layout]).await?;
    Ok(client.batch_execute("COMMIT").await?)
}

/// Makes the role that every connection takes, and lets the service take it. False if that is not permitted.
async fn make_role(client: &Client, role: &str, service: Option<&str>) -> Result<bool, OpenError> {
    for _ in 1..ROLE_ATTEMPTS {
        match try_role(client, role, service).await {
            Ok(()) => return Ok(true),
            Err(error) if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => {
                let error = Said::from(error);
                warn!(role, %error, "the role of the service cannot be made: only a trigger guards what is recorded");
                return Ok(false);
            }
            Err(error) if is_race(&error) => sleep(LOCK_PAUSE).await,
            Err(error) => return Err(error.into()),
        }
    }
    try_role(client, role, service).await?;
    Ok(true)
}

async fn try_role(client: &Client, role: &str, service: Option<&str>) -> Result<(), Error> {
    if client.query_opt("SELECT 1 FROM pg_roles WHERE rolname = $1", &[&role]).await?.is_none() {
        client.batch_execute(&format!("CREATE ROLE {role} NOLOGIN")).await?;
    }
    let ask = format!("SELECT {}", may_take("$1", "$2::text::name"));
    if !client.query_one(&ask, &[&service, &role]).await?.try_get::<_, bool>(0)? {
        let grantee =
            service.map_or("SESSION_USER".to_owned(), |name| format!("\"{}\"", name.replace('"', "\"\"")));
        client.batch_execute(&format!("GRANT {role} TO {grantee}")).await?;
    }
    Ok(())
}

/// Whether a login, or else this one, may take a role. PostgreSQL 16 made that a right of its own: whoever makes a role
/// does not have it yet.
fn may_take(login: &str, role: &str) -> String {
    format!(
        "pg_has_role(coalesce({login}::text::name, session_user), {role}, \
            CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END)"
    )
}

/// Whether somebody else did the same at the same time.
fn is_race(error: &Error) -> bool {
    let races = [&SqlState::DUPLICATE_OBJECT, &SqlState::UNIQUE_VIOLATION, &SqlState::INTERNAL_ERROR];
    error.code().is_some_and(|code| races.contains(&code))
}

/// The product's tables are the role's from the moment that they exist: another process may use them at once.
fn future_rights(options: &Options, role: &str) -> String {
    let (schema, vault) = (&options.schema, options.vault());
    format!(
        "GRANT USAGE ON SCHEMA {schema}, {vault} TO {role};
         GRANT SELECT, INSERT ON events TO {role};
         GRANT SELECT, INSERT, UPDATE, DELETE ON claims TO {role};
         GRANT SELECT, INSERT, DELETE ON requests TO {role};
         GRANT SELECT ON log_meta, {LOG_HISTORY} TO {role};
         GRANT SELECT, INSERT, UPDATE, DELETE ON {CATALOG} TO {role};
         GRANT EXECUTE ON FUNCTION {GENERATION_FUNCTIONS} TO {role};
         ALTER DEFAULT PRIVILEGES IN SCHEMA {schema}, {vault}
             GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role};
         ALTER DEFAULT PRIVILEGES IN SCHEMA {schema}, {vault} GRANT USAGE ON SEQUENCES TO {role};"
    )
}

/// All rights anew, for a role that was made after the tables; and nothing that changes what is recorded.
fn rights(options: &Options, role: &str) -> String {
    let (schema, vault) = (&options.schema, options.vault());
    format!(
        "BEGIN;
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema}, {vault} TO {role};
         GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema}, {vault} TO {role};
         GRANT EXECUTE ON FUNCTION {GENERATION_FUNCTIONS} TO {role};
         REVOKE UPDATE, DELETE, TRUNCATE ON events FROM {role};
         REVOKE UPDATE ON requests FROM {role};
         REVOKE INSERT, UPDATE, DELETE ON log_meta, {LOG_HISTORY}, {PRODUCT_HISTORY} FROM {role};
         COMMIT;"
    )
}
