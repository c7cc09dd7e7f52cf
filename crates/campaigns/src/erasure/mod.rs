//! Erasure: people with a canary in every field, while projections are paused, while they are parked, and beside
//! generations that nobody reads. Whoever is erased is gone from every table, feed and export the moment it is answered.

mod kept;
mod search;

use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;
use cqrs::projection::{Decode, Then, Wish};
use eventstore::{AggregateId, EventStore, ProjectionMode, Version};
use fastrand::Rng;
use user_domain::{
    AvatarUrl, ChangeEmail, CreateUser, CredentialAlgorithm, DeleteUser, Email, EraseUser, Patch, PersonName,
    ProfilePatch, Reason, ReinstateUser, SuspendUser, UpdateProfile, Username,
};
use user_service::Sources;
use user_service::directory::{Directory, NewCredential};
use user_service::projections::LAYOUTS;

use crate::command::{ARGON2ID, execution, hashed};
use crate::ground::{Ground, Kind};
use crate::population::{Population, broken};
use crate::projecting::Projecting;
use crate::sabotage::Sabotaged;
use crate::seed::{Seed, uuid};
use crate::verdict::Findings;
use crate::{instance, projection_oracle};
use kept::RowsLeftToTheProjection;

/// People with a canary on each store.
const SMALL: u64 = 12;

/// In everything that is known of them.
const CANARY: &str = "kanarienvogel";

const PAUSE: Duration = Duration::from_millis(10);

/// What makes this campaign fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Control {
    /// Her rows are taken out by the projections, when they come to it
    RowsLeftToTheProjection,
}

pub(crate) async fn run(size: Option<u64>, control: Option<Control>, seed: Seed) -> anyhow::Result<Findings> {
    let mut findings = Findings::default();
    for kind in Kind::BOTH {
        findings.take(on(kind, size.unwrap_or(SMALL), control, seed).await?);
    }
    Ok(findings)
}

async fn on(kind: Kind, size: u64, control: Option<Control>, seed: Seed) -> anyhow::Result<Findings> {
    let ground = Ground::new(kind).await?;
    let options = ground.options()?;
    options.migrate().await?;
    let store = options.open().await?;
    let store: Arc<dyn EventStore> = match control {
        Some(Control::RowsLeftToTheProjection) => Arc::new(Sabotaged { store, by: RowsLeftToTheProjection }),
        None => store,
    };
    let directory = instance::directory(Arc::clone(&store), Sources::system()).await?;
    let projecting = Projecting::start(directory.projections().clone());
    let (mut findings, mut rng) = (Findings::default(), seed.rng("canaries", 0));
    let mut others = Population::new(directory.clone(), "other", seed.rng("others", 0));
    let mut canaries = Vec::new();
    for n in 0..size {
        canaries.push(canary(&directory, n, &mut rng).await?);
        others.act().await?;
    }
    // A generation that is live, one before it and one to come.
    for wish in [Wish::Rebuild(Then::Switch), Wish::Rebuild(Then::Keep), Wish::Pause] {
        projection_oracle::settle(&*store, &mut findings).await?;
        for layout in LAYOUTS.iter().filter(|layout| layout.mode == ProjectionMode::Async) {
            directory.projections().wish(layout.name, &wish).await?;
        }
    }
    answered(&*store).await?;
    for &id in &canaries {
        execute(&directory, id, DeleteUser).await?;
        execute(&directory, id, EraseUser).await?;
        others.act().await?;
    }
    let paused = remains(&ground).await?;
    for layout in LAYOUTS.iter().filter(|layout| layout.mode == ProjectionMode::Async) {
        directory.projections().wish(layout.name, &Wish::Resume).await?;
    }
    projection_oracle::settle(&*store, &mut findings).await?;
    let rows = projection_oracle::compare(&directory, &mut findings).await?;
    let (told, afterwards) = (told(&directory, &canaries).await?, remains(&ground).await?);
    projecting.stop().await?;
    store.close().await;
    let files = search::in_files(ground.folder(), CANARY)?;
    let places = [
        ("while projections stand", paused),
        ("when they have gone on", afterwards),
        ("to whoever reads the log", told),
        ("in a file", files),
    ];
    for (when, found) in places {
        for found in found {
            findings.add("something personal is left of somebody erased", format!("{kind}, {when}: {found}"));
        }
    }
    println!(
        "{kind}: {size} people with a canary in every field erased; {rows} rows compared, all tables searched"
    );
    Ok(findings)
}

/// Somebody with a canary in every field, and in every event.
async fn canary(directory: &Directory, n: u64, rng: &mut Rng) -> anyhow::Result<AggregateId> {
    let id = AggregateId(uuid(rng));
    let name = |field| PersonName::parse(field, &format!("{CANARY} {n}")).map_err(broken);
    let create = CreateUser {
        email: Email::parse(&format!("{CANARY}-{n}@{CANARY}.example.org")).map_err(broken)?,
        username: Username::parse(&format!("{CANARY}-{n}")).map_err(broken)?,
        first_name: Some(name("first_name")?),
        last_name: Some(name("last_name")?),
        avatar_url: Some(AvatarUrl::parse(&format!("https://example.org/{CANARY}/{n}.png")).map_err(broken)?),
        algorithm: CredentialAlgorithm::Argon2id,
    };
    directory.execute(&execution(id, create.into(), hashed(ARGON2ID)?, None)).await?;
    let email = Email::parse(&format!("{CANARY}-{n}@other.{CANARY}.example.org")).map_err(broken)?;
    execute(directory, id, ChangeEmail { email }).await?;
    let last_name = PersonName::parse("last_name", &format!("{CANARY} von {n}")).map_err(broken)?;
    let profile = ProfilePatch { last_name: Patch::Set(last_name), ..Default::default() };
    execute(directory, id, UpdateProfile { profile }).await?;
    execute(directory, id, SuspendUser { reason: Reason::parse(CANARY).map_err(broken)? }).await?;
    execute(directory, id, ReinstateUser).await?;
    Ok(id)
}

async fn execute(
    directory: &Directory,
    id: AggregateId,
    command: impl Into<user_domain::UserCommand>,
) -> anyhow::Result<()> {
    directory.execute(&execution(id, command.into(), NewCredential::None, None)).await?;
    Ok(())
}

/// Waits until every wish is answered.
async fn answered(store: &dyn EventStore) -> anyhow::Result<()> {
    while store.projections().wishes().await?.iter().any(|wish| wish.answer.is_none()) {
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

/// Where the canary is.
async fn remains(ground: &Ground) -> anyhow::Result<Vec<String>> {
    match ground.kind {
        Kind::Sqlite => search::in_tables(&ground.folder().join("store.db"), CANARY),
        Kind::Postgres => search::in_database(&ground.owner().await?, CANARY).await,
    }
}

/// What readers of the log are told of people who are gone.
async fn told(directory: &Directory, people: &[AggregateId]) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    for id in people {
        let events = directory.store().stream(*id, Version(0), 1000).await?;
        for decoded in directory.decoder().decode(&events).await? {
            let Ok(decoded) = decoded else { continue };
            let personal = decoded.happened.event.encode().personal;
            if personal.is_some_and(|personal| personal.contains(CANARY)) || !decoded.claims.is_empty() {
                found.push(format!("event {}", decoded.raw.position));
            }
        }
    }
    Ok(found)
}
