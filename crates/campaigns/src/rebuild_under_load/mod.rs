//! Rebuild under load: every projection is built anew and switched to, again and again, while commands are written and
//! readers look for people who have been there all the time. Nobody is ever missing, and the rows are the fold.

mod without_lock;

use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use cqrs::projection::{Projections, Then, Wish};
use eventstore::{AggregateId, EventStore, ProjectionTable, Slot};
use tokio_util::sync::CancellationToken;
use user_service::Sources;
use user_service::projections::{
    ACTIVITY_USER, LAYOUTS, USER_HISTORY_TABLE, USER_SEARCH_TABLE, USERS_TABLE, projectors,
};

use crate::ground::{Ground, Kind};
use crate::population::Population;
use crate::projecting::{Projecting, settings};
use crate::sabotage::Sabotaged;
use crate::seed::Seed;
use crate::tampered::Tampered;
use crate::verdict::Findings;
use crate::{instance, projection_oracle};
use without_lock::WithoutLock;

/// How often everything is built anew, on each store.
const SMALL: u64 = 2;

/// People who are there all the time.
const RESIDENTS: usize = 30;

const PAUSE: Duration = Duration::from_millis(2);

/// For everything to be built anew once.
const PATIENCE: Duration = Duration::from_secs(30);

/// One row for each of them at least, in each of these.
static WATCHED: [&ProjectionTable; 4] =
    [&USERS_TABLE, &USER_SEARCH_TABLE, &USER_HISTORY_TABLE, &ACTIVITY_USER];

/// What makes this campaign fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Control {
    /// A table is renamed away before the other takes its name
    SwapWithoutLock,
}

pub(crate) async fn run(size: Option<u64>, control: Option<Control>, seed: Seed) -> anyhow::Result<Findings> {
    let mut findings = Findings::default();
    // Under the control on PostgreSQL alone: SQLite has no second writer that could rename anything.
    let rounds = size.unwrap_or(if control.is_some() { 1 } else { SMALL });
    for kind in Kind::BOTH.into_iter().filter(|kind| control.is_none() || *kind == Kind::Postgres) {
        findings.take(on(kind, rounds, control, seed).await?);
    }
    Ok(findings)
}

async fn on(kind: Kind, rounds: u64, control: Option<Control>, seed: Seed) -> anyhow::Result<Findings> {
    let ground = Ground::new(kind).await?;
    let options = ground.options()?;
    options.migrate().await?;
    let store = options.open().await?;
    let directory = instance::directory(Arc::clone(&store), Sources::system()).await?;
    let owner = match control {
        Some(Control::SwapWithoutLock) => Some(ground.owner().await?),
        None => None,
    };
    let by = Tampered { store: Arc::clone(&store), by: Arc::new(WithoutLock(owner)) };
    let tampered = Arc::new(Sabotaged { store: Arc::clone(&store), by });
    let mut residents = Population::new(directory.clone(), "resident", seed.rng("residents", 0));
    for _ in 0..RESIDENTS {
        residents.create().await?;
    }
    let decode = Arc::new(directory.decoder());
    let projecting = Projecting::start(Projections::new(tampered, decode, projectors(), settings()));
    let (mut findings, stop) = (Findings::default(), CancellationToken::new());
    projection_oracle::settle(&*store, &mut findings).await?;
    let reading = tokio::spawn(read(Arc::clone(&store), residents.people.clone(), stop.clone()));
    let others = Population::new(directory.clone(), "other", seed.rng("others", 0));
    let writing = tokio::spawn(write(others, stop.clone()));
    for _ in 0..rounds {
        for layout in LAYOUTS {
            projecting.projections.wish(layout.name, &Wish::Rebuild(Then::Switch)).await?;
        }
        answered(&*store, &mut findings).await?;
    }
    stop.cancel();
    let (reads, missing) = reading.await?;
    findings.take(missing);
    let (written, longest) = writing.await??;
    projection_oracle::settle(&*store, &mut findings).await?;
    let rows = projection_oracle::compare(&directory, &mut findings).await?;
    println!(
        "{kind}: everything was built anew {rounds} times, while {written} things happened, the slowest in {} ms, and \
         {reads} times everybody was looked for; {rows} rows compared",
        longest.as_millis()
    );
    projecting.stop().await?;
    store.close().await;
    Ok(findings)
}

/// Waits until every generation has been built, verified and switched to.
async fn answered(store: &dyn EventStore, findings: &mut Findings) -> anyhow::Result<()> {
    let began = Instant::now();
    loop {
        let wishes = store.projections().wishes().await?;
        let waiting = wishes.iter().filter(|wish| wish.answer.is_none()).count();
        if waiting == 0 {
            for wish in wishes {
                let answer = wish.answer.unwrap_or_default();
                if !answer.contains(" is live") {
                    findings.add("a generation is not switched to", format!("{}: {answer}", wish.projection));
                }
            }
            return Ok(());
        }
        if began.elapsed() > PATIENCE {
            findings.add("a rebuild does not end", waiting);
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Looks for everybody in every table, all the time. How often, and who was missing.
async fn read(
    store: Arc<dyn EventStore>,
    people: Vec<AggregateId>,
    stop: CancellationToken,
) -> (u64, Findings) {
    let (mut count, mut findings) = (0, Findings::default());
    while !stop.is_cancelled() {
        for table in WATCHED {
            match store.projections().states(table, Slot::Live, &people).await {
                Ok(rows) if rows.len() == people.len() => {}
                Ok(rows) => {
                    let missing = people.len() - rows.len();
                    findings.add("somebody is missing", format!("{}: {missing} of them", table.name));
                }
                Err(error) => findings.add("a reader is turned away", format!("{}: {error}", table.name)),
            }
            count += 1;
        }
        tokio::time::sleep(PAUSE).await;
    }
    (count, findings)
}

/// Things happen until they are to stop. How many did, and how long the slowest took.
async fn write(mut people: Population, stop: CancellationToken) -> anyhow::Result<(u64, Duration)> {
    let (mut count, mut longest) = (0, Duration::ZERO);
    while !stop.is_cancelled() {
        let began = Instant::now();
        people.act().await?;
        longest = longest.max(began.elapsed());
        count += 1;
        tokio::time::sleep(PAUSE).await;
    }
    Ok((count, longest))
}
