//! A listener who has only HTTP, written by hand: what a browser does with an event source.

use std::net::SocketAddr;

use anyhow::Context;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use user_api::v1;
use user_api::v1::watch_events_request::Start;
use user_api::v1::watch_events_response::Step as Wire;

use super::door::{Asked, End, Step};

/// One event as it was sent.
#[derive(Debug, Default)]
struct Sent {
    event: String,
    id: String,
    data: Value,
}

/// Tells until the feed ends, and says why it does.
pub(super) async fn listen(
    address: SocketAddr,
    asked: &Asked,
    told: &mpsc::Sender<Result<Step, End>>,
) -> End {
    let Ok((served, mut lines)) = begin(address, asked).await else { return End::Gone };
    if !served {
        let body = lines.next_line().await.ok().flatten().unwrap_or_default();
        return ended(&serde_json::from_str(&body).unwrap_or_default());
    }
    while let Some(sent) = next(&mut lines).await {
        if sent.event == "end" {
            return ended(&sent.data);
        }
        let step = match step(sent) {
            Ok(step) => step,
            Err(error) => return End::Refused(format!("{error:#}")),
        };
        if told.send(Ok(step)).await.is_err() {
            break;
        }
    }
    End::Gone
}

/// Asks, in HTTP/1.0 so that nothing comes in chunks. Whether there is a feed, and what comes after the headers.
async fn begin(address: SocketAddr, asked: &Asked) -> anyhow::Result<(bool, Lines<BufReader<TcpStream>>)> {
    let mut stream = TcpStream::connect(address).await?;
    let mut query: Vec<String> = asked.types.iter().map(|name| format!("type={name}")).collect();
    query.extend(asked.users.iter().map(|id| format!("user_id={id}")));
    let mut seen = String::new();
    match &asked.start {
        Some(Start::ResumeToken(token)) => seen = format!("last-event-id: {token}\r\n"),
        Some(Start::AfterPosition(position)) => query.push(format!("after_position={position}")),
        Some(Start::Snapshot(_)) => query.push("snapshot=true".to_owned()),
        None => {}
    }
    let query = query.join("&");
    let request = format!("GET /user.v1/events?{query} HTTP/1.0\r\nhost: localhost\r\n{seen}\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut lines = BufReader::new(stream).lines();
    let status = lines.next_line().await?.context("no answer")?;
    while !lines.next_line().await?.context("no headers")?.is_empty() {}
    Ok((status.contains(" 200 "), lines))
}

/// The next event; `None` when the connection ends.
async fn next(lines: &mut Lines<BufReader<TcpStream>>) -> Option<Sent> {
    let mut sent = Sent::default();
    loop {
        let line = lines.next_line().await.ok()??;
        match line.split_once(": ") {
            Some(("event", name)) => name.clone_into(&mut sent.event),
            Some(("id", id)) => id.clone_into(&mut sent.id),
            Some(("data", data)) => sent.data = serde_json::from_str(data).ok()?,
            None if line.is_empty() && !sent.data.is_null() => return Some(sent),
            Some(_) | None => {}
        }
    }
}

fn step(sent: Sent) -> anyhow::Result<Step> {
    let Sent { event, id: token, mut data } = sent;
    Ok(match event.as_str() {
        "" => {
            let event: v1::UserEvent = serde_json::from_value(data["data"].take())?;
            Step { position: event.position, told: Wire::from(event), token }
        }
        "user" => Step { position: 0, told: Wire::from(serde_json::from_value::<v1::User>(data)?), token },
        "mark" => {
            let position = data["position"].as_str().context("a mark is somewhere")?.parse()?;
            let mark: v1::FeedMark = serde_json::from_value(data["mark"].take())?;
            Step { position, told: Wire::Mark(mark.into()), token }
        }
        other => anyhow::bail!("there is no event {other:?}"),
    })
}

fn ended(error: &Value) -> End {
    let details = error["details"].as_array().cloned().unwrap_or_default();
    let reason = details.iter().find_map(|detail| detail["debug"]["reason"].as_str());
    End::by(reason)
}
