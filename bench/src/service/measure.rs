//! One measurement of the service on a new store with some people, and of the echo.

use std::path::Path;

use super::child::Setting;
use super::wire::Wire;
use super::{Call, Cores, Engine, PEOPLE, Pace, Service, generator, open, populate};
use crate::audit;
use crate::load::{Measured, Shape};
use crate::postgres::{Database, Server};
use crate::sqlite::File;
use crate::workload::Rung;

const UNCACHED: &[Setting] = &[("USER_SERVICE_CACHED_USERS_MAX", "0")];

/// What was measured, and how many events that wrote.
type Played = (Measured, u64);

/// Reads for which there is time between others, and enough of them for a percentile.
const READS_PER_SECOND: f64 = 1000.0;

pub(crate) async fn measure_echo(call: Call, cores: Cores, shape: Shape) -> anyhow::Result<Measured> {
    let service = Service::echo(cores, None).await?;
    generator::call(&service, None, (call, cores), Pace::Closed(shape.callers), shape).await
}

/// An echo that reads each user from PostgreSQL.
pub(crate) async fn measure_echo_of_database(
    server: &Server,
    cores: Cores,
    shape: Shape,
) -> anyhow::Result<Measured> {
    let database = Database::fresh(server, Rung::Row).await?;
    populate(&database.url).await?;
    let (echo, pace) = (Service::echo(cores, Some(&database.url)).await?, Pace::Closed(shape.callers));
    let measured = generator::call(&echo, Some(&database.url), (Call::Get, cores), pace, shape).await?;
    database.drop().await?;
    Ok(measured)
}

pub(crate) async fn measure_service(
    on: (&Server, &Path),
    engine: Engine,
    asked: (Call, Cores),
    shape: Shape,
) -> anyhow::Result<Measured> {
    measure_set(on, engine, asked, &[], shape).await
}

/// Reads on the embedded store, where nobody is kept in memory.
pub(crate) async fn measure_uncached(on: (&Server, &Path), shape: Shape) -> anyhow::Result<Measured> {
    measure_set(on, Engine::Sqlite, (Call::Get, Cores::Apart), UNCACHED, shape).await
}

async fn measure_set(
    on: (&Server, &Path),
    engine: Engine,
    (call, cores): (Call, Cores),
    settings: &[Setting],
    shape: Shape,
) -> anyhow::Result<Measured> {
    let play = async |service: &Service, database: Option<&str>| {
        let pace = Pace::Closed(shape.callers);
        let measured = generator::call(service, database, (call, cores), pace, shape).await?;
        Ok((measured.clone(), written(call, &measured)))
    };
    on_a_directory(on, (engine, cores), settings, play).await
}

/// Reads at a rate that is always the same, alone or beside a closed loop of other calls.
pub(crate) async fn measure_reads(
    on: (&Server, &Path),
    engine: Engine,
    beside: Option<Call>,
    shape: Shape,
) -> anyhow::Result<Measured> {
    let cores = Cores::Shared;
    let play = async |service: &Service, database: Option<&str>| {
        let pace = Pace::Open(READS_PER_SECOND);
        let reads = generator::call(service, database, (Call::Get, cores), pace, shape);
        let Some(call) = beside else { return Ok((reads.await?, 0)) };
        let pace = Pace::Closed(shape.callers);
        let others = generator::call(service, database, (call, cores), pace, shape);
        let (reads, others) = tokio::try_join!(reads, others)?;
        let written = written(call, &others);
        Ok((Measured { beside: Some(Box::new(others)), ..reads }, written))
    };
    on_a_directory(on, (engine, cores), &[], play).await
}

/// Changes at half of the rate that a closed loop reaches just before, and how soon they are seen in a projection.
pub(crate) async fn measure_followed(
    on: (&Server, &Path),
    engine: Engine,
    shape: Shape,
) -> anyhow::Result<Measured> {
    let asked = (Call::Update, Cores::Shared);
    let play = async |service: &Service, database: Option<&str>| {
        let full = generator::call(service, database, asked, Pace::Closed(shape.callers), shape).await?;
        // What is left to do of the full load is no part of the half.
        let head = PEOPLE as u64 + full.accepted;
        open::until_seen(&mut Wire::to(service.address).await?, head).await?;
        let half = generator::call(service, database, asked, Pace::Followed(full.rate / 2.0), shape).await?;
        let written = full.accepted + half.accepted;
        Ok((half, written))
    };
    on_a_directory(on, (engine, asked.1), &[], play).await
}

/// Plays on a new directory with some people, and looks it over.
async fn on_a_directory(
    (server, folder): (&Server, &Path),
    (engine, cores): (Engine, Cores),
    settings: &[Setting],
    play: impl AsyncFnOnce(&Service, Option<&str>) -> anyhow::Result<Played>,
) -> anyhow::Result<Measured> {
    match engine {
        Engine::Sqlite => {
            let file = File::fresh(folder, Rung::Row, crate::sqlite::FULL).await?;
            let store = format!("sqlite:{}", file.path().display());
            let (measured, events) = serve((&store, None), cores, settings, play).await?;
            file.audit(events, &audit::ORDER, &audit::without_requests())?;
            Ok(measured)
        }
        Engine::Postgres => {
            let database = Database::fresh(server, Rung::Row).await?;
            let (measured, events) =
                serve((&database.url, Some(&database.url)), cores, settings, play).await?;
            database.audit(events, &audit::ORDER, &audit::without_requests()).await?;
            database.drop().await?;
            Ok(measured)
        }
    }
}

/// What was measured, and how many events there must be.
async fn serve(
    (store, database): (&str, Option<&str>),
    cores: Cores,
    settings: &[Setting],
    play: impl AsyncFnOnce(&Service, Option<&str>) -> anyhow::Result<Played>,
) -> anyhow::Result<Played> {
    populate(store).await?;
    let service = Service::start_with(settings, store, cores).await?;
    let (measured, written) = play(&service, database).await?;
    service.end().await?;
    Ok((measured, PEOPLE as u64 + written))
}

/// How many events a closed loop left behind.
fn written(call: Call, measured: &Measured) -> u64 {
    match call {
        Call::Get | Call::Verify => 0,
        Call::Update => measured.accepted,
    }
}
