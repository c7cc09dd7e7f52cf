//! The limit of one connection: COPY of the same event rows in batches of 1,000, each a commit. The rows of the next batch
//! are made and encoded while the server is busy with this one.

use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use bytes::{BufMut, Bytes, BytesMut};
use futures_util::SinkExt;
use hdrhistogram::Histogram;
use tokio::task::spawn_blocking;
use tokio_postgres::types::{IsNull, ToSql, Type};
use tokio_postgres::{Client, Statement};

use super::database::Database;
use super::datum::{EVENT_COLUMNS, event};
use super::raw::NUMBERED;
use super::server::Server;
use super::session::enter;
use crate::audit;
use crate::load::{Measured, Shape, ratio};
use crate::workload::{Caller, Mix, Rung, callers};

const BATCH: u64 = 1000;

/// Such rows have no time of their own: COPY takes values, not expressions.
const TIMED: &str = "ALTER TABLE events ALTER COLUMN recorded_at SET DEFAULT clock_timestamp()";

const COLUMN_TYPES: [Type; 12] = [
    Type::UUID,
    Type::UUID,
    Type::UUID,
    Type::UUID,
    Type::UUID,
    Type::INT8,
    Type::INT2,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::BYTEA,
];

pub(crate) async fn measure_copy(server: &Server, shape: Shape) -> anyhow::Result<Measured> {
    let database = Database::fresh(server, Rung::Log).await?;
    database.owner().await?.batch_execute(&format!("{NUMBERED}; {TIMED}")).await?;
    let client = enter(&database.url).await?;
    let copy = client.prepare(&format!("COPY events ({EVENT_COLUMNS}) FROM STDIN (FORMAT binary)")).await?;
    let from = Instant::now() + shape.warm_up;
    let window = (from, from + shape.measured);
    let gauged = tokio::spawn(database.gauge().await?.between(window.0, window.1));
    let callers = callers(0, shape.callers, Rung::Log, Mix::ALL_ACCEPTED);
    let (latency, batches) = copy_until(&client, &copy, callers, window).await?;
    let answered = latency.len() * BATCH;
    let measured = Measured {
        rate: ratio(answered, 1) / shape.measured.as_secs_f64(),
        p50_micros: latency.value_at_quantile(0.5),
        p99_micros: latency.value_at_quantile(0.99),
        accepted: batches * BATCH,
        refused: 0.0,
        batch: Some(ratio(BATCH, 1)),
        evenness: 1.0,
        cost: gauged.await??,
        answered,
        beside: None,
    };
    database.audit(measured.accepted, &[], &audit::contents(Rung::Log)).await?;
    database.drop().await?;
    Ok(measured)
}

/// Latencies of the batches that ended inside the window, and the count of all.
async fn copy_until(
    client: &Client,
    copy: &Statement,
    callers: Vec<Caller>,
    (from, to): (Instant, Instant),
) -> anyhow::Result<(Histogram<u64>, u64)> {
    let (mut latency, mut batches) = (Histogram::new(3)?, 0);
    let (mut callers, mut rows) = encode(callers)?;
    loop {
        let began = Instant::now();
        if began >= to {
            return Ok((latency, batches));
        }
        let next = spawn_blocking(move || encode(callers));
        let mut sink = Box::pin(client.copy_in(copy).await?);
        sink.send(rows).await?;
        let copied = sink.as_mut().finish().await?;
        anyhow::ensure!(copied == BATCH, "{copied} rows were copied");
        let ended = Instant::now();
        batches += 1;
        if ended >= from && ended < to {
            latency.record(micros(ended - began))?;
        }
        (callers, rows) = next.await??;
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// A batch of the callers' next commands, one from each in turn.
fn encode(mut callers: Vec<Caller>) -> anyhow::Result<(Vec<Caller>, Bytes)> {
    let mut out = BytesMut::with_capacity(1 << 20);
    out.put_slice(b"PGCOPY\n\xff\r\n\0");
    out.put_u64(0); // no flags, no extension
    let count = callers.len();
    for n in 0..usize::try_from(BATCH)? {
        let caller = callers.get_mut(n % count).context("somebody calls")?;
        let command = caller.next();
        caller.accepted();
        out.put_i16(i16::try_from(COLUMN_TYPES.len())?);
        for (datum, column) in event(&command.append).iter().zip(&COLUMN_TYPES) {
            put(datum, column, &mut out)?;
        }
    }
    out.put_i16(-1);
    Ok((callers, out.freeze()))
}

/// A length and so many bytes; -1 for nothing.
fn put(datum: &dyn ToSql, column: &Type, out: &mut BytesMut) -> anyhow::Result<()> {
    let place = out.len();
    out.put_i32(-1);
    let written = datum.to_sql_checked(column, out).map_err(|error| anyhow!(error))?;
    if matches!(written, IsNull::No) {
        let length = i32::try_from(out.len() - place - 4)?;
        out[place..place + 4].copy_from_slice(&length.to_be_bytes());
    }
    Ok(())
}
