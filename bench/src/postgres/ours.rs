//! Our store, driven through its port.

use std::time::{Duration, Instant};

use anyhow::bail;
use eventstore::{AppendError, Deadline, EventStore, Rejection};
use eventstore_postgres::Store;

use super::database::Database;
use super::server::Server;
use crate::audit;
use crate::load::{Measured, Shape, Target, drive};
use crate::workload::{Answer, Command, Mix, Rung, callers};

/// A store of ours, on either engine.
#[derive(Debug)]
pub(crate) struct Ours<S>(pub(crate) S);

/// Longer than any measurement: nothing is to run out of time here.
const PATIENCE: Duration = Duration::from_mins(1);

impl<S: EventStore> Target for Ours<S> {
    type Line = ();

    async fn line(&self) -> anyhow::Result<()> {
        Ok(())
    }

    async fn execute(&self, (): &mut (), command: Command) -> anyhow::Result<Answer> {
        match self.0.append(command.append, Deadline(Instant::now() + PATIENCE)).await {
            Ok(_) => Ok(Answer::Accepted),
            Err(AppendError::Rejected(Rejection::Conflict { .. })) => Ok(Answer::Conflict),
            Err(AppendError::Rejected(Rejection::ClaimTaken { .. })) => Ok(Answer::ClaimTaken),
            Err(error) => bail!(error),
        }
    }
}

pub(crate) async fn measure_ours(
    server: &Server,
    rung: Rung,
    mix: Mix,
    shape: Shape,
) -> anyhow::Result<Measured> {
    let database = Database::fresh(server, rung).await?;
    let store = Store::open(database.options()).await?;
    let callers = callers(0, shape.callers, rung, mix);
    let (ours, measured) = drive(Ours(store), callers, shape, database.gauge().await?).await?;
    ours.0.close().await;
    let batch = Some(database.audit(measured.accepted, &audit::ORDER, &audit::contents(rung)).await?);
    database.drop().await?;
    Ok(Measured { batch, ..measured })
}
