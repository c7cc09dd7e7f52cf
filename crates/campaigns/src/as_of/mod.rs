//! As of: the directory at random moments, by position and by time, as the service tells it over the wire, against a naive
//! fold of the log in memory. Writers go on and erase, and a clock goes back now and then, while it is asked.

mod asker;
mod fold;
mod order_by_arrival;
mod seen;

use std::sync::Arc;
use std::time::Instant;

use clap::ValueEnum;
use eventstore::{Clock, EventStore};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use user_domain::{DeleteUser, EraseUser};
use user_service::Sources;
use user_service::store::StoreOptions;

use crate::ground::{Ground, Kind};
use crate::instance::Served;
use crate::population::Population;
use crate::projecting::Projecting;
use crate::sabotage::Sabotaged;
use crate::seed::Seed;
use crate::verdict::Findings;
use crate::{instance, projection_oracle, wire};
use asker::Asker;
use order_by_arrival::OrderByArrival;

/// Moments of a run, half of them on each store.
const SMALL: u64 = 200;

/// Moments under a control: it is found at once.
const CONTROL: u64 = 16;

const WRITERS: u64 = 4;

/// What each writer does before anybody asks.
const HISTORY: u64 = 150;

/// How many things happen while one moment is asked about.
const MEANWHILE: usize = 8;

/// One in so many things that happen is that somebody is erased.
const ERASURES: u64 = 8;

/// How far the clock runs ahead before it goes back, and so how often it does.
const WAVE: SignedDuration = SignedDuration::from_millis(200);

/// What makes this campaign fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Control {
    /// A time names what had arrived by then, whatever its place in the log
    OrderByArrival,
}

pub(crate) async fn run(size: Option<u64>, control: Option<Control>, seed: Seed) -> anyhow::Result<Findings> {
    let moments = size.unwrap_or(if control.is_some() { CONTROL } else { SMALL });
    let mut findings = Findings::default();
    for (kind, moments) in Kind::BOTH.into_iter().zip([moments / 2, moments.div_ceil(2)]) {
        findings.take(on(kind, moments, control, seed).await?);
    }
    Ok(findings)
}

async fn on(kind: Kind, moments: u64, control: Option<Control>, seed: Seed) -> anyhow::Result<Findings> {
    let (ground, clock) = (Ground::new(kind).await?, wavering());
    let options = StoreOptions { clock: Some(clock.clone()), ..ground.options()? };
    options.migrate().await?;
    let store = options.open().await?;
    let store: Arc<dyn EventStore> = match control {
        Some(Control::OrderByArrival) => Arc::new(Sabotaged { store, by: OrderByArrival::new(clock) }),
        None => store,
    };
    let directory = instance::directory(Arc::clone(&store), Sources::system()).await?;
    let (served, pace) = (Served::start(directory.clone()).await?, Arc::new(Semaphore::new(0)));
    let projecting = Projecting::start(directory.projections().clone());
    let writers = (0..WRITERS)
        .map(|n| Population::new(directory.clone(), &format!("writer-{n}"), seed.rng("writer", n)));
    let mut writing = JoinSet::new();
    for writer in history(writers).await? {
        writing.spawn(write(writer, Arc::clone(&pace)));
    }
    let mut asker = Asker::new(wire::client(served.address)?, directory.clone(), seed.rng("moments", 0));
    for _ in 0..moments {
        pace.add_permits(MEANWHILE);
        asker.ask().await?;
    }
    pace.close();
    let mut written = 0;
    while let Some(happened) = writing.join_next().await {
        written += happened??;
    }
    let (told, mut findings) = asker.end().await?;
    projection_oracle::settle(&*store, &mut findings).await?;
    let rows = projection_oracle::compare(&directory, &mut findings).await?;
    println!("{kind}: {moments} moments: {told}, while {written} things happened; {rows} rows compared");
    projecting.stop().await?;
    served.stop().await?;
    store.close().await;
    Ok(findings)
}

/// What there is to look back at. All of them write at once, so that appends wait for each other.
async fn history(writers: impl Iterator<Item = Population>) -> anyhow::Result<Vec<Population>> {
    let mut writing = JoinSet::new();
    for mut writer in writers {
        writing.spawn(async move {
            for n in 0..HISTORY {
                happen(&mut writer, n).await?;
            }
            anyhow::Ok(writer)
        });
    }
    let mut writers = Vec::new();
    while let Some(writer) = writing.join_next().await {
        writers.push(writer??);
    }
    Ok(writers)
}

/// Things happen, as many as there is leave for. How many did.
async fn write(mut people: Population, pace: Arc<Semaphore>) -> anyhow::Result<u64> {
    let mut count = 0;
    while let Ok(leave) = pace.acquire().await {
        leave.forget();
        happen(&mut people, count).await?;
        count += 1;
    }
    Ok(count)
}

/// Something happens, now and then to somebody for the last time.
async fn happen(people: &mut Population, count: u64) -> anyhow::Result<()> {
    if count % ERASURES == ERASURES - 1 {
        let id = people.people[usize::try_from(count / ERASURES)? % people.people.len()];
        people.change_somebody(id, DeleteUser).await?;
        return people.change_somebody(id, EraseUser).await;
    }
    people.act().await
}

/// A clock that runs twice as fast as it should, and goes back to the right time again and again.
fn wavering() -> Clock {
    let (began, start) = (Instant::now(), Clock::system().now().as_microsecond());
    Clock::new(move || {
        let elapsed = i64::try_from(began.elapsed().as_micros()).unwrap_or(i64::MAX);
        let ahead = elapsed % i64::try_from(WAVE.as_micros()).unwrap_or(i64::MAX);
        Timestamp::from_microsecond(start + elapsed + ahead).unwrap_or(Timestamp::UNIX_EPOCH)
    })
}
