//! The control: a table with a bigserial, and readers who ask for what lies beyond the last that they saw.
//!
//! A number is given when a row is inserted and seen when it is committed, so a reader passes by whoever commits late.

use std::time::Duration;

use fastrand::Rng;
use tokio::task::JoinSet;
use tokio_postgres::Client;

use super::WRITERS;
use super::sequence::Sequence;
use crate::ground::{Ground, Kind};
use crate::seed::Seed;
use crate::verdict::Findings;

/// Enough that a few hundred are missed.
pub(super) const SMALL: u64 = 10_000;

const READERS: u64 = 2;
const PAUSE_LONGEST: Duration = Duration::from_millis(2);

pub(super) async fn run(events: u64, seed: Seed) -> anyhow::Result<Findings> {
    let ground = Ground::new(Kind::Postgres).await?;
    let owner = ground.owner().await?;
    owner.batch_execute("CREATE TABLE naive (pos bigserial PRIMARY KEY, writer bigint NOT NULL)").await?;
    let (mut writers, mut readers) = (JoinSet::new(), JoinSet::new());
    for n in 0..WRITERS {
        writers.spawn(write(ground.owner().await?, n, events.div_ceil(WRITERS), seed.rng("writer", n)));
    }
    let events = events.div_ceil(WRITERS) * WRITERS;
    for _ in 0..READERS {
        readers.spawn(read(ground.owner().await?, events));
    }
    while let Some(written) = writers.join_next().await {
        written??;
    }
    let mut findings = Findings::default();
    while let Some(sequence) = readers.join_next().await {
        findings.take(sequence??.findings);
    }
    println!("PostgreSQL, a bigserial: {events} events by {WRITERS} writers, {READERS} readers tailing");
    Ok(findings)
}

async fn write(mut client: Client, writer: u64, events: u64, mut rng: Rng) -> anyhow::Result<()> {
    for _ in 0..events {
        let transaction = client.transaction().await?;
        transaction.execute("INSERT INTO naive (writer) VALUES ($1)", &[&writer.cast_signed()]).await?;
        if rng.u8(..) < 64 {
            tokio::time::sleep(PAUSE_LONGEST.mul_f64(rng.f64())).await;
        }
        transaction.commit().await?;
    }
    Ok(())
}

/// Until the last number has been seen; nothing is rolled back here, so it comes.
async fn read(client: Client, events: u64) -> anyhow::Result<Sequence> {
    let mut sequence = Sequence::default();
    while sequence.last() < events {
        let after = sequence.last().cast_signed();
        let rows =
            client.query("SELECT pos FROM naive WHERE pos > $1 ORDER BY pos LIMIT 500", &[&after]).await?;
        for row in rows {
            sequence.see(row.try_get::<_, i64>(0)?.cast_unsigned());
        }
    }
    Ok(sequence)
}
