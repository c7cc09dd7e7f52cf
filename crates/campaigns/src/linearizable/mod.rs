//! Linearizable: callers on several instances read and write the same few users at once, and write down what they were told
//! and when. Then each user's history is held against the log and the clock: whether it can have happened one after the other.

mod caller;
mod check;
mod history;
mod no_version_check;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use anyhow::Context;
use clap::ValueEnum;
use cqrs::Decider;
use cqrs::projection::Decode;
use eventstore::{EventQuery, EventStore, Position};
use tokio::task::JoinSet;
use user_domain::{PersonName, User, Users};
use user_service::Sources;
use user_service::directory::Directory;
use uuid::Uuid;

use crate::ground::{Ground, Kind};
use crate::instance::Served;
use crate::order::Order;
use crate::sabotage::Sabotaged;
use crate::seed::Seed;
use crate::verdict::Findings;
use crate::{instance, oracle, wire};
use caller::{Caller, Told};
use check::{check, strangers};
use history::{Operation, Value, value};
use no_version_check::NoVersionCheck;

/// Operations of a small run, half of them on each store.
const SMALL: u64 = 20_000;

/// Under the control: the first who are at it at once are enough.
const CONTROL: u64 = 1_000;

/// So few that they are always at the same.
const USERS: u64 = 6;

const CALLERS: u64 = 12;

/// On PostgreSQL; an embedded store has one.
const INSTANCES: usize = 3;

const PAGE: u32 = 1000;

/// What makes this campaign fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Control {
    /// Whatever a command was decided on, it is written
    NoVersionCheck,
}

pub(crate) async fn run(size: Option<u64>, control: Option<Control>, seed: Seed) -> anyhow::Result<Findings> {
    let operations = size.unwrap_or(if control.is_some() { CONTROL } else { SMALL }).div_ceil(2);
    let mut findings = Findings::default();
    for kind in Kind::BOTH {
        findings.take(on(kind, operations, control, seed).await?);
    }
    Ok(findings)
}

async fn on(kind: Kind, operations: u64, control: Option<Control>, seed: Seed) -> anyhow::Result<Findings> {
    let ground = Ground::new(kind).await?;
    ground.options()?.migrate().await?;
    let (mut directories, mut served) = (Vec::new(), Vec::new());
    for _ in 0..if kind == Kind::Postgres { INSTANCES } else { 1 } {
        let directory = directory(&ground, control).await?;
        served.push(Served::start(directory.clone()).await?);
        directories.push(directory);
    }
    let users = Arc::new(people(&served[0]).await?);
    let (left, began, mut calling) = (Arc::new(AtomicU64::new(operations)), Instant::now(), JoinSet::new());
    for (number, served) in (0..CALLERS).zip(served.iter().cycle()) {
        let (client, rng) = (wire::client(served.address)?, seed.rng("caller", number));
        let (users, left) = (Arc::clone(&users), Arc::clone(&left));
        calling.spawn(Caller { number: number + 1, client, users, left, began, rng }.call());
    }
    let mut told = Told { histories: vec![Vec::new(); users.len()], not_tried: 0 };
    while let Some(more) = calling.join_next().await {
        told.add(more??);
    }
    let took = began.elapsed();
    for served in served {
        served.stop().await?;
    }
    let mut findings = Findings::default();
    let events = examine(&directories[0], &users, &told.histories, &mut findings).await?;
    // Under the control events cannot even be read, and it would say nothing else.
    if findings.is_empty() {
        oracle::examine(&directories[0], &mut findings).await?;
    }
    println!(
        "{kind}: {operations} operations by {CALLERS} callers on {} instances, on {USERS} users, in {:.1} s; {} not tried; \
         {events} events",
        directories.len(),
        took.as_secs_f64(),
        told.not_tried
    );
    for directory in directories {
        directory.store().close().await;
    }
    Ok(findings)
}

async fn directory(ground: &Ground, control: Option<Control>) -> anyhow::Result<Directory> {
    let store = ground.options()?.open().await?;
    let store: Arc<dyn EventStore> = match control {
        Some(Control::NoVersionCheck) => Arc::new(Sabotaged { store, by: NoVersionCheck }),
        None => store,
    };
    instance::directory(store, Sources::system()).await
}

/// Those whom everybody reads and writes: their ids.
async fn people(served: &Served) -> anyhow::Result<Vec<String>> {
    let (client, mut ids) = (wire::client(served.address)?, Vec::new());
    for n in 0..USERS {
        let (email, username) = (format!("user-{n}@example.org"), format!("user-{n}"));
        ids.push(Order::Create { email, username }.send(&client, None::<Uuid>).await?.user.id);
    }
    Ok(ids)
}

/// Each history against the log. How many events there are.
async fn examine(
    directory: &Directory,
    users: &[String],
    histories: &[Vec<Operation>],
    findings: &mut Findings,
) -> anyhow::Result<usize> {
    let logs = logs(directory, findings).await?;
    for (id, history) in users.iter().zip(histories) {
        let log = logs.get(id).context("everybody was made")?;
        for (anomaly, operation) in check(log, history) {
            findings.add(anomaly.says(), format!("{id}: {operation:?}"));
        }
        for (anomaly, value) in strangers(log, history) {
            findings.add(anomaly.says(), format!("{id}: {value}"));
        }
    }
    Ok(logs.values().map(Vec::len).sum())
}

/// What the log says that everybody's name was in each version.
async fn logs(
    directory: &Directory,
    findings: &mut Findings,
) -> anyhow::Result<HashMap<String, Vec<Option<Value>>>> {
    let mut people: HashMap<String, (User, Vec<Option<Value>>)> = HashMap::new();
    let mut after = Position::START;
    loop {
        let page = directory.store().events(&EventQuery::after(after, PAGE)).await?;
        if page.events.is_empty() {
            return Ok(people.into_iter().map(|(id, (_, names))| (id, names)).collect());
        }
        after = page.scanned_to;
        for (event, decoded) in page.events.iter().zip(directory.decoder().decode(&page.events).await?) {
            let (user, names) =
                people.entry(event.aggregate_id.to_string()).or_insert_with(|| (User::default(), Vec::new()));
            let Ok(decoded) = decoded else {
                findings.add("an event cannot be read", event.position);
                names.push(None);
                continue;
            };
            *user = Users::evolve(std::mem::take(user), &decoded.happened);
            let User::Live(live) = &*user else { anyhow::bail!("nobody is erased here") };
            names.push(live.first_name.as_ref().map(PersonName::as_str).and_then(value));
        }
    }
}

impl Told {
    fn add(&mut self, other: Self) {
        for (history, more) in self.histories.iter_mut().zip(other.histories) {
            history.extend(more);
        }
        self.not_tried += other.not_tried;
    }
}
