//! The rows of the product's inline tables after a command, column by column as they are declared.

use eventstore::{InlineTable, Row, RowChange, RowWrite, Value};
use fastrand::Rng;

use super::event::noise;
use super::rung::{is_about_users, is_read_model};
use super::{Kind, Rung, User};

/// A nonce, a key of 32 bytes, a tag.
const WRAPPED_BYTES: usize = 60;

/// What is stored for a password; of the length that argon2id's have.
const HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$QmVuY2htYXJrc0RvTm90SGFzaFBhc3N3b3Jkc0hlcmU";

/// The rows that a rung writes.
pub(super) fn rows(rung: Rung, kind: Kind, user: &User, random: &mut Rng) -> Vec<RowWrite> {
    let written = |table: &InlineTable| match kind {
        Kind::Create => true,
        Kind::ChangePassword => is_read_model(table) || rung >= Rung::Credentials,
        Kind::ChangeEmail | Kind::UpdateProfile => is_read_model(table),
    };
    let write =
        |table: &'static InlineTable| RowWrite { table, change: change(table, rung, kind, user, random) };
    rung.tables().iter().copied().filter(|table| is_about_users(table) && written(table)).map(write).collect()
}

fn change(table: &InlineTable, rung: Rung, kind: Kind, user: &User, random: &mut Rng) -> RowChange {
    let mut row = Row::with_capacity(table.columns.len());
    match kind {
        Kind::Create => {
            row.extend(table.columns.iter().map(|column| value(column.name, rung, user, random)));
            RowChange::Insert(row)
        }
        Kind::ChangeEmail | Kind::ChangePassword | Kind::UpdateProfile => {
            row.extend(table.updated_columns().map(|column| value(column.name, rung, user, random)));
            RowChange::Update(row)
        }
    }
}

fn value(column: &str, rung: Rung, user: &User, random: &mut Rng) -> Value {
    match column {
        "id" | "user_id" => Value::Uuid(user.id.0),
        "email" => Value::Text(user.email()),
        "username" => Value::Text(user.username()),
        "first_name" => Value::Text(user.first_name()),
        "last_name" => Value::Text("Lovelace".to_owned()),
        "avatar_url" | "deleted_at" => Value::Null,
        "status" => Value::Text("active".to_owned()),
        "standing" => Value::SmallInt(0),
        "created_at" | "last_updated" | "changed_at" => Value::RecordedAt,
        "version" => number(user.version),
        "position" => Value::LastPosition,
        "key_id" => Value::SmallInt(1),
        "wrapped_key" => Value::Bytes(noise(WRAPPED_BYTES, random)),
        "credential_version" => Value::BigInt(user.credential),
        "hash" => Value::Text(if rung >= Rung::Credentials { HASH.to_owned() } else { String::new() }),
        unknown => panic!("the workload has no value for the column {unknown}"),
    }
}

fn number(number: u64) -> Value {
    Value::BigInt(i64::try_from(number).unwrap_or(i64::MAX))
}
