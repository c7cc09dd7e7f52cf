//! Failover: the primary dies under sixteen writers, its standby takes its place, and the service follows by the list of servers
//! in its URL. Half the time the standby hears nothing before, and whoever waits for it is told to stop waiting: the server then
//! says that all is well, with a warning. Nothing that the service acknowledged is lost.

mod pair;

use std::time::{Duration, Instant};

use clap::ValueEnum;
use tokio::time::sleep;
use tokio_postgres::Client;

use crate::cluster::Cluster;
use crate::ground::Ground;
use crate::kill_service::{self, AFTERWARDS, Crew};
use crate::seed::Seed;
use crate::service::{Program, Service};
use crate::verdict::Findings;
use pair::{Pair, Replication};

/// Failovers of a small run.
const SMALL: u64 = 2;

/// Under the control, the first is enough.
const CONTROL: u64 = 1;

/// How long they write before the primary dies: at least, and at most so much more.
const WRITING: (Duration, Duration) = (Duration::from_millis(300), Duration::from_millis(500));

/// For so long the standby hears nothing.
const DEAF: Duration = Duration::from_millis(500);

/// Within which something is written again; on a machine with much else to do it takes its time.
const RETURN_MAX: Duration = Duration::from_secs(30);

const PAUSE: Duration = Duration::from_millis(10);

/// Whoever waits for the standby is told to stop waiting.
const CANCEL: &str = "SELECT count(*) FILTER (WHERE pg_cancel_backend(pid)) FROM pg_stat_activity \
    WHERE wait_event = 'SyncRep'";

/// What makes this campaign fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Control {
    /// Nobody waits for the standby
    Asynchronous,
}

pub(crate) async fn run(size: Option<u64>, control: Option<Control>, seed: Seed) -> anyhow::Result<Findings> {
    let (failovers, replication) = match control {
        None => (SMALL, Replication::Synchronous),
        Some(Control::Asynchronous) => (CONTROL, Replication::Asynchronous),
    };
    let mut pair = Pair::of(Cluster::given().await?, replication).await?;
    let found = on(&mut pair, size.unwrap_or(failovers), control, seed).await;
    let (ended, findings) = (pair.stop().await, found?);
    ended.map(|()| findings)
}

async fn on(
    pair: &mut Pair,
    failovers: u64,
    control: Option<Control>,
    seed: Seed,
) -> anyhow::Result<Findings> {
    let mut ground = Ground::on_server(pair.primary_url()).await?;
    ground.url = pair.url_of_both(&ground.url)?;
    let (crew, mut rng) = (Crew::begin(&ground, seed)?, seed.rng("failovers", 0));
    let mut service = Service::spawn(Program::Shipped, &ground)?;
    crew.tell(Some(service.address().await?));
    crew.settle_in().await?;
    let (mut findings, mut cancelled, mut longest) = (Findings::default(), 0, Duration::ZERO);
    for n in 0..failovers {
        let (least, spread) = WRITING;
        sleep(least + spread.mul_f64(rng.f64())).await;
        // The first time it is deaf, the second it is not, and so on.
        if control.is_some() || n.is_multiple_of(2) {
            pair.deafen_standby();
            cancelled += cancel_for(&pair.admin().await?, DEAF).await?;
        }
        let began = Instant::now();
        pair.fail_over().await?;
        match crew.goes_on(RETURN_MAX).await {
            Some(_) => longest = longest.max(began.elapsed()),
            None => findings.add("the service does not follow", format!("after {n} others")),
        }
        if n + 1 < failovers {
            pair.renew_standby().await?;
        }
    }
    sleep(AFTERWARDS).await;
    let (ledger, mut all) = crew.rest().await?;
    service.kill().await?;
    println!(
        "{failovers} failovers, {cancelled} waits for a deaf standby cancelled; the service wrote again at the latest {:.1} s \
         after the primary had begun to die; {all}",
        longest.as_secs_f64()
    );
    anyhow::ensure!(control.is_some() || cancelled > 0, "nobody waited for the standby");
    findings.take(std::mem::take(&mut all.findings));
    match control {
        None => kill_service::verify(&ground, &ledger, &mut findings).await?,
        // What is lost is lost everywhere: the doctor would find the store sound.
        Some(Control::Asynchronous) => kill_service::audit(&ground, &ledger, &mut findings).await?,
    }
    Ok(findings)
}

/// Cancels, again and again, whoever waits for the standby: how many that were.
async fn cancel_for(admin: &Client, time: Duration) -> anyhow::Result<i64> {
    let (began, mut cancelled) = (Instant::now(), 0);
    while began.elapsed() < time {
        cancelled += admin.query_one(CANCEL, &[]).await?.try_get::<_, i64>(0)?;
        sleep(PAUSE).await;
    }
    Ok(cancelled)
}
