//! The predecessor's projector on the first events of the same history: one event at a time, her row read and written whole,
//! each in a transaction of its own. Kindly: it keeps no checkpoint, its statements are prepared, its pages are read by OFFSET
//! only as far as the sample goes, and no event makes it stop. What an event costs does not depend on how many there are.

use std::collections::HashMap;

use anyhow::ensure;
use serde_json::{Value, json};
use tokio_postgres::{Client, Statement};
use user_domain::{LiveUser, User, UserEvent};

use super::people::People;
use super::rebuild::{Built, Meter};
use crate::postgres::{SEED_SCHEMA, connect};

const APPEND: &str = "INSERT INTO seed.event_store \
    (event_id, event_type, aggregate_id, aggregate_type, version, timestamp, data, metadata) \
    SELECT gen_random_uuid()::text, t, a, 'user', v, localtimestamp + o * interval '1 microsecond', d::jsonb, '{}' \
    FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[]) WITH ORDINALITY u(t, a, v, d, o)";
const PAGE: &str = "SELECT event_type, aggregate_id, data FROM seed.event_store ORDER BY timestamp, version LIMIT $1 OFFSET $2";
const FIND: &str = "SELECT email, username, first_name, last_name, status, deleted_at IS NOT NULL \
    FROM seed.user_read_model WHERE id = $1";
const SAVE: &str = "INSERT INTO seed.user_read_model \
    (id, email, username, first_name, last_name, status, created_at, last_updated, deleted_at) \
    VALUES ($1, $2, $3, $4, $5, $6, localtimestamp, localtimestamp, CASE WHEN $7 THEN localtimestamp END) \
    ON CONFLICT (id) DO UPDATE SET email = excluded.email, username = excluded.username, \
    first_name = excluded.first_name, last_name = excluded.last_name, status = excluded.status, \
    last_updated = excluded.last_updated, deleted_at = excluded.deleted_at";

/// Events that are read at once.
const PAGE_EVENTS: i64 = 1000;

/// A row as it is read and written.
#[derive(Clone, Debug, Default, PartialEq)]
struct Row {
    email: String,
    username: String,
    first_name: Option<String>,
    last_name: Option<String>,
    status: String,
    deleted: bool,
}

/// The first events of the history of so many users.
pub(super) async fn measure(url: &str, users: usize, events: usize) -> anyhow::Result<Built> {
    let client = connect(url).await?;
    client.batch_execute(&format!("DROP SCHEMA IF EXISTS seed CASCADE; {SEED_SCHEMA}")).await?;
    let expected = write(&client, users, events).await?;
    client.batch_execute("ANALYZE seed.event_store; CHECKPOINT").await?;
    let begun = Meter::begin()?;
    let projected = project(&client).await?;
    let built = begun.end("the predecessor's projector".to_owned(), projected, [0.0; 3])?;
    ensure!(projected >= events as u64, "{projected} of {events} events were projected");
    let find = client.prepare(FIND).await?;
    for (id, row) in &expected {
        ensure!(
            find_row(&client, &find, id).await?.as_ref() == Some(row),
            "the row of {id} is not what happened"
        );
    }
    client.batch_execute("DROP SCHEMA seed CASCADE").await?;
    Ok(built)
}

/// Answers with what each row must be in the end.
async fn write(client: &Client, users: usize, events: usize) -> anyhow::Result<HashMap<String, Row>> {
    let (mut people, mut rows) = (People::new(users), HashMap::<String, Row>::new());
    let (mut types, mut ids, mut versions, mut payloads) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    while types.len() < events && !people.are_all_there() {
        let happening = people.next();
        let id = people.all[happening.who].id.to_string();
        for recorded in &happening.events {
            let (event_type, data) = payload(&recorded.event, &happening.after);
            apply(rows.entry(id.clone()).or_default(), event_type, &data);
            types.push(event_type);
            ids.push(id.clone());
            versions.push(recorded.version.0.cast_signed() - 1);
            payloads.push(data.to_string());
        }
    }
    client.execute(APPEND, &[&types, &ids, &versions, &payloads]).await?;
    Ok(rows)
}

/// The event as the predecessor would have told it. What it did not know is the nearest thing that it did.
fn payload(event: &UserEvent, after: &User) -> (&'static str, Value) {
    let of = |told: fn(&LiveUser) -> Value| match after {
        User::Live(user) => told(user),
        User::Absent | User::Erased(_) => json!({}),
    };
    match event {
        UserEvent::UserCreated(_) => ("user.created", of(|user| names(user, true))),
        UserEvent::EmailChanged(_) => {
            ("user.updated", of(|user| json!({ "new_email": user.email.as_str() })))
        }
        UserEvent::UsernameChanged(_) | UserEvent::ProfileUpdated(_) | UserEvent::PasswordChanged(_) => {
            ("user.updated", of(|user| names(user, false)))
        }
        UserEvent::UserActivated(_) | UserEvent::UserReinstated(_) | UserEvent::UserRestored(_) => {
            ("user.activated", json!({}))
        }
        UserEvent::UserDeactivated(_) | UserEvent::UserSuspended(_) => ("user.deactivated", json!({})),
        UserEvent::UserDeleted(_) | UserEvent::UserErased(_) => ("user.deleted", json!({})),
    }
}

fn names(user: &LiveUser, is_new: bool) -> Value {
    let name = |name: &Option<user_domain::PersonName>| name.as_ref().map(|name| name.as_str().to_owned());
    let mut told = json!({
        "username": user.username.as_str(), "first_name": name(&user.first_name), "last_name": name(&user.last_name),
    });
    if is_new {
        told["email"] = json!(user.email.as_str());
    }
    told
}

fn apply(row: &mut Row, event_type: &str, data: &Value) {
    let text = |key: &str| data.get(key).and_then(Value::as_str).map(str::to_owned);
    match event_type {
        "user.activated" => "active".clone_into(&mut row.status),
        "user.deactivated" => "inactive".clone_into(&mut row.status),
        "user.deleted" => row.deleted = true,
        _ => {
            if event_type == "user.created" {
                "active".clone_into(&mut row.status);
            }
            row.email = text("email").or_else(|| text("new_email")).unwrap_or_else(|| row.email.clone());
            row.username = text("username").unwrap_or_else(|| row.username.clone());
            row.first_name = text("first_name").or_else(|| row.first_name.clone());
            row.last_name = text("last_name").or_else(|| row.last_name.clone());
        }
    }
}

/// All events in the order of their times. Answers how many.
async fn project(client: &Client) -> anyhow::Result<u64> {
    let (page, find, save) =
        (client.prepare(PAGE).await?, client.prepare(FIND).await?, client.prepare(SAVE).await?);
    let mut projected = 0_i64;
    loop {
        let events = client.query(&page, &[&PAGE_EVENTS, &projected]).await?;
        if events.is_empty() {
            return Ok(projected.unsigned_abs());
        }
        for event in events {
            let (event_type, id): (&str, &str) = (event.try_get(0)?, event.try_get(1)?);
            let found = if event_type == "user.created" { None } else { find_row(client, &find, id).await? };
            let mut row = found.unwrap_or_default();
            apply(&mut row, event_type, &event.try_get(2)?);
            let Row { email, username, first_name, last_name, status, deleted } = row;
            client
                .execute(&save, &[&id, &email, &username, &first_name, &last_name, &status, &deleted])
                .await?;
            projected += 1;
        }
    }
}

async fn find_row(client: &Client, find: &Statement, id: &str) -> anyhow::Result<Option<Row>> {
    let Some(row) = client.query_opt(find, &[&id]).await? else { return Ok(None) };
    Ok(Some(Row {
        email: row.try_get(0)?,
        username: row.try_get(1)?,
        first_name: row.try_get(2)?,
        last_name: row.try_get(3)?,
        status: row.try_get(4)?,
        deleted: row.try_get(5)?,
    }))
}
