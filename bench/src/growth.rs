//! A log that grows from nothing: how long each tenth of it took, with the same callers all the way.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context, bail, ensure};
use eventstore::EventStore;

use crate::audit;
use crate::contender::Place;
use crate::load::Target;
use crate::postgres::{Database, Ours};
use crate::service::Engine;
use crate::sqlite::{self, File};
use crate::workload::{Answer, Caller, Mix, Rung, callers};

/// Together they have a million users when each has as many as she may.
const CALLERS: usize = 512;

const PARTS: u64 = 10;

/// Seconds that each tenth took.
pub(crate) async fn grow(place: &Place, engine: Engine, events: u64) -> anyhow::Result<Vec<f64>> {
    match engine {
        Engine::Sqlite => {
            let file = File::fresh(&place.folder, Rung::Row, sqlite::FULL).await?;
            let store = eventstore_sqlite::Store::open(file.options()).await?;
            let seconds = write(store, events).await?;
            file.audit(events, &audit::ORDER, &audit::contents(Rung::Row))?;
            Ok(seconds)
        }
        Engine::Postgres => {
            let database = Database::fresh(&place.server, Rung::Row).await?;
            let store = eventstore_postgres::Store::open(database.options()).await?;
            let seconds = write(store, events).await?;
            database.audit(events, &audit::ORDER, &audit::contents(Rung::Row)).await?;
            database.drop().await?;
            Ok(seconds)
        }
    }
}

/// Who writes, how much is left, and when each part was there.
struct Growth<S> {
    ours: Ours<S>,
    events: u64,
    begun: AtomicU64,
    done: AtomicU64,
    reached: Mutex<Vec<Instant>>,
}

async fn write<S: EventStore>(store: S, events: u64) -> anyhow::Result<Vec<f64>> {
    ensure!(events.is_multiple_of(PARTS), "{events} events have no tenths");
    let reached = Mutex::new(vec![Instant::now()]);
    let (begun, done) = (AtomicU64::new(0), AtomicU64::new(0));
    let growth = Arc::new(Growth { ours: Ours(store), events, begun, done, reached });
    let callers = callers(0, CALLERS, Rung::Row, Mix::ALL_ACCEPTED).into_iter();
    let tasks: Vec<_> = callers.map(|caller| tokio::spawn(call(Arc::clone(&growth), caller))).collect();
    for task in tasks {
        task.await??;
    }
    let Ok(growth) = Arc::try_unwrap(growth) else { bail!("a caller still holds the store") };
    growth.ours.0.close().await;
    let reached = growth.reached.into_inner().unwrap_or_else(PoisonError::into_inner);
    ensure!(reached.len() as u64 == PARTS + 1, "a tenth is missing");
    Ok(reached.windows(2).map(|pair| (pair[1] - pair[0]).as_secs_f64()).collect())
}

async fn call<S: EventStore>(growth: Arc<Growth<S>>, mut caller: Caller) -> anyhow::Result<()> {
    while growth.begun.fetch_add(1, Ordering::Relaxed) < growth.events {
        let answer = growth.ours.execute(&mut (), caller.next()).await?;
        ensure!(answer == Answer::Accepted, "{answer:?}");
        caller.accepted();
        let done = growth.done.fetch_add(1, Ordering::Relaxed) + 1;
        if done.is_multiple_of(growth.events / PARTS) {
            growth.reached.lock().unwrap_or_else(PoisonError::into_inner).push(Instant::now());
        }
    }
    Ok(())
}

/// The rate of the last tenth, of that of the first.
pub(crate) fn last_of_first(seconds: &[f64]) -> anyhow::Result<f64> {
    Ok(seconds.first().context("no first tenth")? / seconds.last().context("no last tenth")?)
}
