//! Our store over TCP, with the load in front of each append: the user and her key by one SELECT on a pooled connection, as
//! the product loads her for a command, and then everything on. Nothing is remembered from one command to the next.
//!
//! Left out is what the product looks up besides before it appends: a request's id, and whether an address is taken. Both
//! are decided by the append; whole commands are another scenario's business.

use anyhow::{Context, ensure};
use eventstore::{EventStore, Version};
use eventstore_postgres::Store;
use user_service::read_model;

use super::database::Database;
use super::ours::Ours;
use super::server::Server;
use crate::audit;
use crate::load::{Measured, Shape, Target, drive};
use crate::workload::{Answer, Command, Mix, Rung, callers};

#[derive(Debug)]
struct Loaded(Ours<Store>);

impl Target for Loaded {
    type Line = ();

    async fn line(&self) -> anyhow::Result<()> {
        Ok(())
    }

    /// Who is created is not loaded, as in the product: her id is new.
    async fn execute(&self, (): &mut (), command: Command) -> anyhow::Result<Answer> {
        if command.append.expected != Version::NONE {
            let found = read_model::load(&self.0.0, command.append.aggregate_id).await?;
            let version = found.context("she was created")?.user.version;
            ensure!(version == command.append.expected, "she is at version {version}");
        }
        self.0.execute(&mut (), command).await
    }
}

pub(crate) async fn measure_loaded(server: &Server, shape: Shape) -> anyhow::Result<Measured> {
    server.is_reached_over_tcp()?;
    let database = Database::fresh(server, Rung::Row).await?;
    let store = Store::open(database.options()).await?;
    let callers = callers(0, shape.callers, Rung::Row, Mix::ALL_ACCEPTED);
    let (loaded, measured) = drive(Loaded(Ours(store)), callers, shape, database.gauge().await?).await?;
    loaded.0.0.close().await;
    let batch = Some(database.audit(measured.accepted, &audit::ORDER, &audit::contents(Rung::Row)).await?);
    database.drop().await?;
    Ok(Measured { batch, ..measured })
}
