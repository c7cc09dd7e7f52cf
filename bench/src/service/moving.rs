//! A directory that moves into a service on an empty store: how fast, and whether that stays so.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use super::generator::{latencies, of};
use super::import::{Progress, ROWS_AT_ONCE, import};
use super::{Cores, Engine, Service};
use crate::audit;
use crate::cost::{Cost, Gauge};
use crate::load::{Measured, Shape, ratio};
use crate::postgres::{Database, Server};
use crate::sqlite::File;
use crate::workload::Rung;

/// Longer than any import that is worth waiting for.
const PATIENCE: Duration = Duration::from_hours(1);

/// Shorter, and too few calls would end in time.
const MEASURED_MIN: Duration = Duration::from_secs(3);

/// Rows of an import in a second, between the ends of calls.
pub(crate) async fn measure_imports(
    on: (&Server, &Path),
    engine: Engine,
    shape: Shape,
) -> anyhow::Result<Measured> {
    let shape = Shape { measured: shape.measured.max(MEASURED_MIN), ..shape };
    let (progress, cost) = moved_in(on, engine, u64::MAX, shape).await?;
    let (from, to) = (shape.warm_up.as_secs_f64(), (shape.warm_up + shape.measured).as_secs_f64());
    let inside: Vec<_> = progress.iter().filter(|(_, at)| (from..to).contains(at)).collect();
    let ((&&(before, began), &&(after, ended)), mut latency) =
        (inside.first().zip(inside.last()).context("no call has ended in time")?, latencies()?);
    ensure!(after > before, "one call has ended in time");
    for pair in inside.windows(2) {
        latency.saturating_record(u64::try_from(Duration::from_secs_f64(pair[1].1 - pair[0].1).as_micros())?);
    }
    let (accepted, _) = progress.last().copied().unwrap_or_default();
    Ok(Measured {
        rate: ratio(after - before, 1) / (ended - began),
        accepted,
        cost,
        answered: after - before,
        ..of(&latency, shape.measured)
    })
}

/// Seconds that each tenth of an import took.
pub(crate) async fn tenths(on: (&Server, &Path), engine: Engine, rows: u64) -> anyhow::Result<Vec<f64>> {
    let tenth = rows / 10;
    ensure!(tenth.is_multiple_of(ROWS_AT_ONCE), "calls of {ROWS_AT_ONCE} rows make no tenths of {rows}");
    let shape = Shape { callers: 1, warm_up: Duration::ZERO, measured: PATIENCE };
    let (progress, _) = moved_in(on, engine, rows, shape).await?;
    let ends = progress.iter().filter(|(rows, _)| rows.is_multiple_of(tenth)).map(|(_, at)| *at);
    let ends: Vec<_> = std::iter::once(0.0).chain(ends).collect();
    Ok(ends.windows(2).map(|pair| pair[1] - pair[0]).collect())
}

async fn moved_in(
    (server, folder): (&Server, &Path),
    engine: Engine,
    rows: u64,
    shape: Shape,
) -> anyhow::Result<(Progress, Cost)> {
    // A row is an event.
    let events = |(progress, _): &(Progress, Cost)| progress.last().map_or(0, |(rows, _)| *rows);
    match engine {
        Engine::Sqlite => {
            let file = File::fresh(folder, Rung::Row, crate::sqlite::FULL).await?;
            let store = format!("sqlite:{}", file.path().display());
            let moved = into(&store, None, rows, shape).await?;
            file.audit(events(&moved), &audit::ORDER, &audit::contents(Rung::Row))?;
            Ok(moved)
        }
        Engine::Postgres => {
            let database = Database::fresh(server, Rung::Row).await?;
            let moved = into(&database.url, Some(&database.url), rows, shape).await?;
            database.audit(events(&moved), &audit::ORDER, &audit::contents(Rung::Row)).await?;
            database.drop().await?;
            Ok(moved)
        }
    }
}

async fn into(
    store: &str,
    database: Option<&str>,
    rows: u64,
    shape: Shape,
) -> anyhow::Result<(Progress, Cost)> {
    let service = Service::start(store, Cores::Shared).await?;
    let gauge = match database {
        Some(url) => Gauge::with_database(service.pid()?, url).await?,
        None => Gauge::of(service.pid()?),
    };
    let from = Instant::now() + shape.warm_up;
    // An import that ends with its last row is not watched: it may end at any time.
    let watched = async {
        if rows == u64::MAX { gauge.between(from, from + shape.measured).await } else { Ok(Cost::default()) }
    };
    let moved = tokio::try_join!(import(&service, rows, shape.warm_up + shape.measured), watched)?;
    service.end().await?;
    Ok(moved)
}
