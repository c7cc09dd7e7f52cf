//! Kill PostgreSQL: every process of the database dies at once under sixteen writers, again and again, and comes back. The
//! service stays, and finds it again by itself. The writers' ledger shows that nothing was lost or doubled.

use std::time::{Duration, Instant};

use clap::ValueEnum;
use tokio::time::sleep;
use tokio_postgres::Client;

use crate::cluster::Cluster;
use crate::ground::{Ground, Kind};
use crate::kill_service::{self, AFTERWARDS, Crew};
use crate::seed::Seed;
use crate::service::{Program, Service};
use crate::verdict::Findings;

/// Kills of a small run.
const SMALL: u64 = 3;

/// Under the control, the first is enough.
const CONTROL: u64 = 1;

/// A kill comes so long after writing went on: at least, and at most so much more.
const WRITING: (Duration, Duration) = (Duration::from_millis(200), Duration::from_millis(800));

/// The service asks again after a second at most; on a machine with much else to do it takes its time.
const RETURN_MAX: Duration = Duration::from_secs(30);

const PAUSE: Duration = Duration::from_millis(20);

/// What is committed waits in the memory of the server for its walwriter.
pub(crate) const WEAK: &[&str] = &["synchronous_commit=off", "wal_buffers=16MB"];

/// What makes this campaign fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Control {
    /// The server says that a commit is done before it is on the disk, and the service is told to accept that
    WeakDurability,
}

pub(crate) async fn run(size: Option<u64>, control: Option<Control>, seed: Seed) -> anyhow::Result<Findings> {
    let (kills, program, settings) = match control {
        None => (SMALL, Program::Shipped, &[][..]),
        Some(Control::WeakDurability) => (CONTROL, Program::ShippedWeakened, WEAK),
    };
    let mut cluster = Cluster::take(settings).await?;
    let ground = Ground::new(Kind::Postgres).await?;
    let kills = size.unwrap_or(kills);
    let found = on(&ground, &mut cluster, kills, program, control, seed).await;
    drop(ground);
    let (ended, findings) = (cluster.stop().await, found?);
    ended.map(|()| findings)
}

async fn on(
    ground: &Ground,
    cluster: &mut Cluster,
    kills: u64,
    program: Program,
    control: Option<Control>,
    seed: Seed,
) -> anyhow::Result<Findings> {
    let (crew, mut rng) = (Crew::begin(ground, seed)?, seed.rng("kills", 0));
    let mut service = Service::spawn(program, ground)?;
    crew.tell(Some(service.address().await?));
    crew.settle_in().await?;
    // Also under the control there is something to come back to.
    ground.owner().await?.batch_execute("CHECKPOINT").await?;
    if control == Some(Control::WeakDurability) {
        cluster.stop_writing_behind().await?;
    }
    let (mut findings, mut longest) = (Findings::default(), Duration::ZERO);
    for n in 0..kills {
        let (least, spread) = WRITING;
        sleep(least + spread.mul_f64(rng.f64())).await;
        cluster.kill().await?;
        cluster.start().await?;
        match goes_on(ground).await? {
            Some(time) => longest = longest.max(time),
            None => findings.add("the service does not find its database again", format!("after {n} others")),
        }
    }
    sleep(AFTERWARDS).await;
    let (ledger, mut all) = crew.rest().await?;
    service.kill().await?;
    println!(
        "{kills} kills of the whole server; the service wrote again at the latest {:.1} s after it was back; {all}",
        longest.as_secs_f64()
    );
    findings.take(std::mem::take(&mut all.findings));
    match control {
        None => kill_service::verify(ground, &ledger, &mut findings).await?,
        // What is lost is lost everywhere: the doctor would find the store sound.
        Some(Control::WeakDurability) => kill_service::audit(ground, &ledger, &mut findings).await?,
    }
    Ok(findings)
}

/// How long it takes until something is written again, if it is.
pub(crate) async fn goes_on(ground: &Ground) -> anyhow::Result<Option<Duration>> {
    let (began, log) = (Instant::now(), ground.owner().await?);
    let stood = head(&log).await?;
    while began.elapsed() < RETURN_MAX {
        if head(&log).await? > stood {
            return Ok(Some(began.elapsed()));
        }
        sleep(PAUSE).await;
    }
    Ok(None)
}

async fn head(log: &Client) -> anyhow::Result<i64> {
    let row = log.query_one("SELECT coalesce(max(position), 0) FROM user_service.events", &[]).await?;
    Ok(row.try_get(0)?)
}
