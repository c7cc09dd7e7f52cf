//! Somebody with a canary in everything that is known of her. She came in through the door, as everybody does: whatever
//! the service remembers or logs of a call, it has had the opportunity.

use std::net::SocketAddr;

use anyhow::Context;
use eventstore::AggregateId;
use serde_json::{Value, json};
use uuid::Uuid;

use super::http::{done, post};

/// In everything that is known of her.
pub(super) const CANARY: &str = "kanarienvogel";

/// In her passwords: nobody is ever told of it.
pub(super) const SECRET: &str = "geheimniskraemer";

/// Her address, as she comes.
pub(super) fn email(n: usize) -> String {
    format!("{CANARY}-{n}@{CANARY}.example.org")
}

/// Her name.
pub(super) fn username(n: usize) -> String {
    format!("{CANARY}-{n}")
}

pub(super) async fn create(address: SocketAddr, n: usize, request_id: Uuid) -> anyhow::Result<AggregateId> {
    let request = json!({
        "email": email(n),
        "username": username(n),
        "firstName": format!("{CANARY} {n}"),
        "lastName": format!("{CANARY} {n}"),
        "avatarUrl": format!("https://example.org/{CANARY}/{n}.png"),
        "password": format!("{SECRET} {n}"),
        "requestId": request_id,
    });
    let created = done(address, "CreateUser", request).await?;
    let id = created["user"]["id"].as_str().context("she has an id")?;
    Ok(AggregateId(id.parse()?))
}

/// Everything happens to her that has a personal part.
pub(super) async fn live(address: SocketAddr, id: AggregateId, n: usize) -> anyhow::Result<()> {
    let id = id.to_string();
    let other = format!("{CANARY}-{n}@other.{CANARY}.example.org");
    let changes = json!({"id": id, "email": other, "lastName": format!("{CANARY} von {n}")});
    done(address, "UpdateUser", changes).await?;
    done(address, "SuspendUser", json!({"id": id, "reason": CANARY})).await?;
    done(address, "ReinstateUser", json!({"id": id})).await?;
    done(address, "SetPassword", json!({"id": id, "password": format!("{SECRET} the {n}th")})).await?;
    done(address, "VerifyPassword", json!({"id": id, "password": format!("not {SECRET}")})).await?;
    refused(address, other).await
}

/// What is asked in vain is personal too.
async fn refused(address: SocketAddr, taken: String) -> anyhow::Result<()> {
    let again =
        json!({"email": taken, "username": username(usize::MAX), "password": format!("{SECRET} again")});
    let calls: [(&str, Value); 3] = [
        ("CreateUser", again),
        (
            "CreateUser",
            json!({"email": CANARY, "username": format!("{CANARY} {CANARY}"), "password": SECRET}),
        ),
        ("GetUser", json!({"email": format!("nobody@{CANARY}.example.org")})),
    ];
    for (call, request) in calls {
        let answer = post(address, call, &request).await?;
        anyhow::ensure!(answer.status != 200, "{call} is not refused: {}", answer.body);
    }
    Ok(())
}

pub(super) async fn erase(address: SocketAddr, id: AggregateId) -> anyhow::Result<()> {
    for call in ["DeleteUser", "EraseUser"] {
        done(address, call, json!({"id": id.to_string()})).await?;
    }
    Ok(())
}
