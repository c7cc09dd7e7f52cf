//! message-db: a table and functions, which `cargo xtask bench` gets from its npm package at run time, so that this
//! repository holds no copy. Every caller has a connection, and both calls are prepared there.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use tokio_postgres::{Client, Statement};

use crate::load::{Measured, Shape, Target, drive};
use crate::postgres::database::Database;
use crate::postgres::session::connect;
use crate::workload::{Answer, Command, Kind, Mix, Rung, User, callers};

/// The folder `database` of the package.
const FOLDER_VARIABLE: &str = "BENCH_MESSAGE_DB";

/// What its `install.sh` runs, in that order. Not its roles, which would outlive the database; not its views, which nobody
/// asks; not pgcrypto, whose one function PostgreSQL has had itself since 13.
const FILES: [&str; 18] = [
    "schema/message-store.sql",
    "tables/messages.sql",
    "types/message.sql",
    "functions/message-store-version.sql",
    "functions/hash-64.sql",
    "functions/acquire-lock.sql",
    "functions/category.sql",
    "functions/is-category.sql",
    "functions/id.sql",
    "functions/cardinal-id.sql",
    "functions/stream-version.sql",
    "functions/write-message.sql",
    "functions/get-stream-messages.sql",
    "functions/get-category-messages.sql",
    "functions/get-last-stream-message.sql",
    "indexes/messages-id.sql",
    "indexes/messages-stream.sql",
    "indexes/messages-category.sql",
];

/// Its functions name each other without their schema.
const PATH: &str = "SET search_path = message_store, public";

const LOAD: &str = "SELECT position, data FROM get_stream_messages($1)";
const WRITE: &str = "SELECT write_message($1, $2, $3, $4, NULL, $5)";

/// Where a stream stands that is not there.
const NOWHERE: i64 = -1;

pub(super) fn missing() -> Option<String> {
    let absent = std::env::var_os(FOLDER_VARIABLE).is_none();
    absent.then(|| {
        format!(
            "its SQL is not copied into this repository, and {FOLDER_VARIABLE} names no folder with it: \
             `cargo xtask bench` installs its npm package, and could not"
        )
    })
}

pub(super) async fn measure(database: &Database, shape: Shape) -> anyhow::Result<Measured> {
    let folder = std::env::var_os(FOLDER_VARIABLE);
    let folder = PathBuf::from(folder.with_context(|| format!("{FOLDER_VARIABLE} names no folder"))?);
    install(&folder, &connect(&database.url).await?).await?;
    let message_db = MessageDb { url: database.url.clone() };
    let callers = callers(0, shape.callers, Rung::Log, Mix::ALL_ACCEPTED);
    Ok(drive(message_db, callers, shape, database.gauge().await?).await?.1)
}

async fn install(folder: &Path, client: &Client) -> anyhow::Result<()> {
    client.batch_execute(PATH).await?;
    for file in FILES {
        let sql = std::fs::read_to_string(folder.join(file)).with_context(|| format!("no {file}"))?;
        client.batch_execute(&sql).await.with_context(|| format!("{file} fails"))?;
    }
    Ok(())
}

#[derive(Debug)]
struct MessageDb {
    url: String,
}

#[derive(Debug)]
struct Line {
    client: Client,
    load: Statement,
    write: Statement,
}

impl Target for MessageDb {
    type Line = Line;

    async fn line(&self) -> anyhow::Result<Line> {
        let client = connect(&self.url).await?;
        client.batch_execute(PATH).await?;
        let (load, write) = (client.prepare(LOAD).await?, client.prepare(WRITE).await?);
        Ok(Line { client, load, write })
    }

    async fn execute(&self, line: &mut Line, command: Command) -> anyhow::Result<Answer> {
        let stream = format!("user-{}", command.after.id);
        let at = if command.kind == Kind::Create { NOWHERE } else { line.load(&stream).await? };
        ensure!(at + 2 == command.after.version.cast_signed(), "the stream is at {at}");
        let event = &command.append.events[0];
        let (id, data) = (event.event_id.to_string(), payload(&command));
        let written =
            line.client.query_one(&line.write, &[&id, &stream, &event.event_type, &data, &at]).await?;
        ensure!(written.try_get::<_, i64>(0)? == at + 1, "it was written elsewhere");
        Ok(Answer::Accepted)
    }
}

impl Line {
    /// The whole stream, each event decoded. Answers with the last position; they count from 0.
    async fn load(&self, stream: &str) -> anyhow::Result<i64> {
        let mut last = NOWHERE;
        for row in self.client.query(&self.load, &[&stream]).await? {
            let data: Value = serde_json::from_str(row.try_get(1)?)?;
            ensure!(data.is_object() && row.try_get::<_, i64>(0)? == last + 1, "the stream has a gap");
            last += 1;
        }
        Ok(last)
    }
}

/// Details in the clear, filled up to as many bytes as our event has, its sealed part with the open one.
fn payload(command: &Command) -> Value {
    let (event, user) = (&command.append.events[0], &command.after);
    let before = |of: fn(&User) -> String| command.before.as_ref().map(of);
    let mut payload = match command.kind {
        Kind::Create => json!({
            "email": user.email(), "username": user.username(), "first_name": user.first_name(), "rest": "",
        }),
        Kind::ChangeEmail => json!({ "from": before(User::email), "to": user.email(), "rest": "" }),
        Kind::ChangePassword => json!({ "version": user.credential, "algorithm": "argon2id", "rest": "" }),
        Kind::UpdateProfile => {
            json!({ "from": before(User::first_name), "to": user.first_name(), "rest": "" })
        }
    };
    let bytes = event.data.len() + event.sealed.as_ref().map_or(0, Vec::len);
    let rest = bytes.saturating_sub(payload.to_string().len());
    payload["rest"] = ".".repeat(rest).into();
    payload
}
