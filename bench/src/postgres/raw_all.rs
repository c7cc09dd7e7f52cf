//! The same rows as with everything on, one command per statement and commit, one connection per caller, in no order:
//! what remains of our design when nothing is batched and nothing is ordered.

use std::collections::HashMap;

use anyhow::ensure;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Statement};

use super::database::Database;
use super::raw::NUMBERED;
use super::raw_all_sql::{text, values};
use super::server::Server;
use super::session::enter;
use crate::audit;
use crate::load::{Measured, Shape, Target, drive};
use crate::workload::{Answer, Command, Kind, Mix, Rung, callers};

#[derive(Debug)]
struct RawAll {
    url: String,
}

/// A connection, and a statement per kind of command.
#[derive(Debug)]
struct Line {
    client: Client,
    statements: HashMap<Kind, Statement>,
}

impl Target for RawAll {
    type Line = Line;

    async fn line(&self) -> anyhow::Result<Line> {
        Ok(Line { client: enter(&self.url).await?, statements: HashMap::new() })
    }

    async fn execute(&self, line: &mut Line, command: Command) -> anyhow::Result<Answer> {
        let statement = if let Some(statement) = line.statements.get(&command.kind) {
            statement
        } else {
            let statement = line.client.prepare(&text(&command.append)).await?;
            line.statements.entry(command.kind).or_insert(statement)
        };
        let values = values(&command.append);
        let values: Vec<_> = values.iter().map(|datum| datum as &(dyn ToSql + Sync)).collect();
        let written = line.client.execute(statement, &values).await?;
        ensure!(written == 1, "a command wrote {written} events");
        Ok(Answer::Accepted)
    }
}

pub(crate) async fn measure_raw_all(server: &Server, shape: Shape) -> anyhow::Result<Measured> {
    let database = Database::fresh(server, Rung::Row).await?;
    database.owner().await?.batch_execute(NUMBERED).await?;
    let raw = RawAll { url: database.url.clone() };
    let gauge = database.gauge().await?;
    let (_, measured) =
        drive(raw, callers(0, shape.callers, Rung::Row, Mix::ALL_ACCEPTED), shape, gauge).await?;
    database.audit(measured.accepted, &[], &audit::contents(Rung::Row)).await?;
    database.drop().await?;
    Ok(measured)
}
