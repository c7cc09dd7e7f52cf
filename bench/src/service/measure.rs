//! One measurement of the service on a new store with some people, and of the echo.

use std::path::Path;

use super::{Call, Cores, Engine, PEOPLE, Service, generator, populate};
use crate::audit;
use crate::load::{Measured, Shape};
use crate::postgres::{Database, Server};
use crate::sqlite::File;
use crate::workload::Rung;

pub(crate) async fn measure_echo(call: Call, cores: Cores, shape: Shape) -> anyhow::Result<Measured> {
    let service = Service::echo(cores).await?;
    generator::call(&service, None, (call, cores), shape).await
}

pub(crate) async fn measure_service(
    (server, folder): (&Server, &Path),
    engine: Engine,
    (call, cores): (Call, Cores),
    shape: Shape,
) -> anyhow::Result<Measured> {
    match engine {
        Engine::Sqlite => {
            let file = File::fresh(folder, Rung::Row, crate::sqlite::FULL).await?;
            let store = format!("sqlite:{}", file.path().display());
            let measured = serve(&store, None, (call, cores), shape).await?;
            file.audit(written(call, &measured), &audit::ORDER, &audit::without_requests())?;
            Ok(measured)
        }
        Engine::Postgres => {
            let database = Database::fresh(server, Rung::Row).await?;
            let measured = serve(&database.url, Some(&database.url), (call, cores), shape).await?;
            database.audit(written(call, &measured), &audit::ORDER, &audit::without_requests()).await?;
            database.drop().await?;
            Ok(measured)
        }
    }
}

async fn serve(
    store: &str,
    database: Option<&str>,
    (call, cores): (Call, Cores),
    shape: Shape,
) -> anyhow::Result<Measured> {
    populate(store).await?;
    let service = Service::start(store, cores).await?;
    let measured = generator::call(&service, database, (call, cores), shape).await?;
    service.end().await?;
    Ok(measured)
}

/// How many events there must be.
fn written(call: Call, measured: &Measured) -> u64 {
    PEOPLE as u64
        + match call {
            Call::Get => 0,
            Call::Update => measured.accepted,
        }
}
