//! The predecessor's design, written plainly and kindly: load the whole stream, look whether a value is free, SELECT
//! MAX(version), INSERT in a transaction, then the projector's row on its own. Every statement is prepared, and every
//! caller has a connection. It promises less: no order, no uniqueness under a race, no sealing, no request ids.

use anyhow::ensure;
use serde_json::{Value, json};
use tokio_postgres::{Client, Statement};

use super::database::{Database, count};
use super::server::Server;
use super::session::connect;
use crate::load::{Measured, Shape, Target, drive};
use crate::workload::{Answer, Command, Kind, Mix, Rung, User, callers};

pub(crate) const SEED_SCHEMA: &str = include_str!("seed.sql");

const LOAD: &str =
    "SELECT event_type, version, data FROM seed.event_store WHERE aggregate_id = $1 ORDER BY version";
const EMAILS: &str = "SELECT count(*) FROM seed.user_read_model WHERE email = $1";
const USERNAMES: &str = "SELECT count(*) FROM seed.user_read_model WHERE username = $1";
const LATEST: &str = "SELECT coalesce(max(version), -1) FROM seed.event_store WHERE aggregate_id = $1";
const APPEND: &str = "INSERT INTO seed.event_store \
    (event_id, event_type, aggregate_id, aggregate_type, version, timestamp, data, metadata) \
    VALUES ($1, $2, $3, 'user', $4, localtimestamp, $5, '{}')";
const PROJECT_NEW: &str = "INSERT INTO seed.user_read_model \
    (id, email, username, first_name, last_name, status, created_at, last_updated) \
    VALUES ($1, $2, $3, $4, $5, 'active', localtimestamp, localtimestamp)";
const PROJECT: &str = "UPDATE seed.user_read_model \
    SET email = $2, username = $3, first_name = $4, last_name = $5, last_updated = localtimestamp WHERE id = $1";

const LAST_NAME: &str = "Lovelace";

#[derive(Debug)]
struct Seed {
    url: String,
}

/// A connection and its statements.
#[derive(Debug)]
struct Line {
    client: Client,
    load: Statement,
    emails: Statement,
    usernames: Statement,
    latest: Statement,
    append: Statement,
    project_new: Statement,
    project: Statement,
}

impl Target for Seed {
    type Line = Line;

    async fn line(&self) -> anyhow::Result<Line> {
        let client = connect(&self.url).await?;
        Ok(Line {
            load: client.prepare(LOAD).await?,
            emails: client.prepare(EMAILS).await?,
            usernames: client.prepare(USERNAMES).await?,
            latest: client.prepare(LATEST).await?,
            append: client.prepare(APPEND).await?,
            project_new: client.prepare(PROJECT_NEW).await?,
            project: client.prepare(PROJECT).await?,
            client,
        })
    }

    async fn execute(&self, line: &mut Line, command: Command) -> anyhow::Result<Answer> {
        let id = command.after.id.to_string();
        let version = line.load(&id).await?;
        ensure!(version + 1 == command.after.version.cast_signed(), "the stream holds {version} events");
        line.look_up(&command).await?;
        line.append(&id, version - 1, &command).await?;
        line.project(&id, &command).await?;
        Ok(Answer::Accepted)
    }
}

impl Line {
    /// The whole stream, each event decoded. Its versions count from 0.
    async fn load(&self, id: &str) -> anyhow::Result<i64> {
        let mut version = 0;
        for row in self.client.query(&self.load, &[&id]).await? {
            let _: &str = row.try_get(0)?;
            let data: Value = row.try_get(2)?;
            ensure!(data.is_object() && row.try_get::<_, i64>(1)? == version, "the stream has a gap");
            version += 1;
        }
        Ok(version)
    }

    async fn look_up(&self, command: &Command) -> anyhow::Result<()> {
        let mut asked = Vec::new();
        if matches!(command.kind, Kind::Create | Kind::ChangeEmail) {
            asked.push((&self.emails, command.after.email()));
        }
        if command.kind == Kind::Create {
            asked.push((&self.usernames, command.after.username()));
        }
        for (statement, value) in asked {
            let found: i64 = self.client.query_one(statement, &[&value]).await?.try_get(0)?;
            ensure!(found == 0, "{value} is taken");
        }
        Ok(())
    }

    /// BEGIN, SELECT, INSERT, COMMIT: four round trips.
    async fn append(&mut self, id: &str, loaded: i64, command: &Command) -> anyhow::Result<()> {
        let event = &command.append.events[0];
        let (event_id, data) = (event.event_id.to_string(), payload(command));
        let transaction = self.client.transaction().await?;
        let latest: i64 = transaction.query_one(&self.latest, &[&id]).await?.try_get(0)?;
        ensure!(latest == loaded, "somebody was faster");
        let row: [&(dyn tokio_postgres::types::ToSql + Sync); 5] =
            [&event_id, &event.event_type, &id, &(latest + 1), &data];
        transaction.execute(&self.append, &row).await?;
        Ok(transaction.commit().await?)
    }

    /// The row, in a transaction of its own.
    async fn project(&self, id: &str, command: &Command) -> anyhow::Result<()> {
        let after = &command.after;
        let statement = if command.kind == Kind::Create { &self.project_new } else { &self.project };
        let (email, username, first_name) = (after.email(), after.username(), after.first_name());
        let written =
            self.client.execute(statement, &[&id, &email, &username, &first_name, &LAST_NAME]).await?;
        ensure!(written == 1, "{written} rows were projected");
        Ok(())
    }
}

/// What the predecessor's events held, under its keys.
fn payload(command: &Command) -> Value {
    const HASH: &str = "$2a$10$bWVhc3VyZW1lbnQuT25seS4uLkJlbmNobWFya3NOZXZlckhhc2hBbnl0aGluZw";
    const TIME: &str = "2026-01-01T00:00:00Z";
    let user = &command.after;
    let id = user.id.to_string();
    match command.kind {
        Kind::Create => json!({
            "user_id": id, "email": user.email(), "username": user.username(), "password_hash": HASH,
            "first_name": user.first_name(), "last_name": LAST_NAME, "status": "active", "created_at": TIME,
        }),
        Kind::ChangeEmail => {
            let old = command.before.as_ref().map(User::email);
            json!({ "user_id": id, "old_email": old, "new_email": user.email(), "updated_at": TIME })
        }
        Kind::ChangePassword => json!({ "user_id": id, "new_password_hash": HASH, "updated_at": TIME }),
        Kind::UpdateProfile => json!({
            "user_id": id, "first_name": user.first_name(), "last_name": LAST_NAME, "updated_at": TIME,
        }),
    }
}

pub(crate) async fn measure_seed(server: &Server, shape: Shape) -> anyhow::Result<Measured> {
    let database = Database::fresh(server, Rung::Log).await?;
    let owner = database.owner().await?;
    owner.batch_execute(SEED_SCHEMA).await?;
    let seed = Seed { url: database.url.clone() };
    let gauge = database.gauge().await?;
    let (_, measured) =
        drive(seed, callers(0, shape.callers, Rung::Log, Mix::ALL_ACCEPTED), shape, gauge).await?;
    let events = count(&owner, "SELECT count(*) FROM seed.event_store").await?;
    ensure!(events == i64::try_from(measured.accepted)?, "{events} of {} events", measured.accepted);
    let ask = "SELECT (SELECT count(DISTINCT aggregate_id) FROM seed.event_store) \
        - (SELECT count(*) FROM seed.user_read_model)";
    ensure!(count(&owner, ask).await? == 0, "not every user was projected");
    database.drop().await?;
    Ok(measured)
}
