//! Kill service: sixteen writers over the wire, and a service that is killed without warning, again and again.
//!
//! Shows I1, I2 and I3 by a ledger that the writers keep on disk, and the rest by the doctor. The shipped binary and the
//! same service put together here take turns; the control stands in front of the store of the second.

pub(crate) mod acknowledge_before_commit;
mod audit;
mod crew;
mod habits;
mod ledger;
mod plan;
mod writer;

pub(crate) use crew::Crew;
pub(crate) use habits::{Habits, Retries};
pub(crate) use ledger::SoFar;
pub(crate) use writer::LATE_MAX;

use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use clap::ValueEnum;
use fastrand::Rng;
use tokio::time::sleep;
use user_service::Sources;
use user_service::store::{Access, StoreOptions};

use crate::child::Adapter;
use crate::ground::{Ground, Kind};
use crate::seed::Seed;
use crate::service::{Program, Service, shipped_doctor};
use crate::verdict::Findings;
use crate::{instance, oracle};
use ledger::accounts;

/// Kills of a small run, half of them on each store.
const SMALL: u64 = 10;

/// A kill while the service serves comes so long after it began to: at least, and at most so much more.
const SERVING: (Duration, Duration) = (Duration::from_millis(100), Duration::from_millis(1400));

/// One kill in so many comes while the service starts, at most this long after the process began.
const STARTING: (u8, Duration) = (6, Duration::from_millis(400));

/// After the last kill: long enough for every writer to settle what it left open.
pub(crate) const AFTERWARDS: Duration = Duration::from_millis(800);

/// What makes this campaign fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Control {
    /// An append is answered when it is queued, not when it is durable
    AcknowledgeBeforeCommit,
}

pub(crate) async fn run(size: Option<u64>, control: Option<Control>, seed: Seed) -> anyhow::Result<Findings> {
    let kills = size.unwrap_or(SMALL);
    let mut findings = Findings::default();
    for (kind, kills) in Kind::BOTH.into_iter().zip([kills / 2, kills.div_ceil(2)]) {
        findings.take(on(kind, kills, control, seed).await?);
    }
    Ok(findings)
}

async fn on(kind: Kind, kills: u64, control: Option<Control>, seed: Seed) -> anyhow::Result<Findings> {
    let ground = Ground::new(kind).await?;
    let crew = Crew::begin(&ground, seed)?;
    let mut rng = seed.rng("kills", 0);
    let mut first = Service::spawn(program(0, control), &ground)?;
    crew.tell(Some(first.address().await?));
    crew.settle_in().await?;
    first.kill().await?;
    let early = kill(&ground, 1..kills, control, &crew, &mut rng).await?;
    let mut last = Service::spawn(program(kills, control), &ground)?;
    crew.tell(Some(last.address().await?));
    sleep(AFTERWARDS).await;
    let (ledger, mut all) = crew.rest().await?;
    last.kill().await?;
    println!("{kind}: {kills} kills and one at the end, {early} of them while it started; {all}");
    let mut findings = std::mem::take(&mut all.findings);
    verify(&ground, &ledger, &mut findings).await?;
    Ok(findings)
}

/// Starts and kills; says how many kills came before the service served.
async fn kill(
    ground: &Ground,
    kills: Range<u64>,
    control: Option<Control>,
    crew: &Crew,
    rng: &mut Rng,
) -> anyhow::Result<u64> {
    let mut early = 0;
    for n in kills {
        let mut service = Service::spawn(program(n, control), ground)?;
        if rng.u8(..STARTING.0) == 0 {
            early += 1;
            sleep(STARTING.1.mul_f64(rng.f64())).await;
        } else {
            crew.tell(Some(service.address().await?));
            let (least, spread) = SERVING;
            sleep(least + spread.mul_f64(rng.f64())).await;
        }
        service.kill().await?;
        crew.tell(None);
    }
    Ok(early)
}

/// The shipped binary and our own by turns. Under a control, our own alone: the shipped one cannot reach it.
fn program(n: u64, control: Option<Control>) -> Program {
    match control {
        None if n.is_multiple_of(2) => Program::Shipped,
        None => Program::Child(None),
        Some(Control::AcknowledgeBeforeCommit) => Program::Child(Some(Adapter::AcknowledgeBeforeCommit)),
    }
}

/// The ledger against the log.
pub(crate) async fn audit(ground: &Ground, ledger: &Path, findings: &mut Findings) -> anyhow::Result<()> {
    let accounts = accounts(&std::fs::read_to_string(ledger)?)?;
    let store = StoreOptions { access: Access::Reader, ..ground.options()? }.open().await?;
    audit::audit(&accounts, &*store, findings).await?;
    println!("{}: {} requests in the ledger", ground.kind, accounts.len());
    store.close().await;
    Ok(())
}

/// The ledger against the log, and the doctor: the shipped one and the library's.
pub(crate) async fn verify(ground: &Ground, ledger: &Path, findings: &mut Findings) -> anyhow::Result<()> {
    audit(ground, ledger, findings).await?;
    let store = StoreOptions { access: Access::Reader, ..ground.options()? }.open().await?;
    let directory = instance::directory(store, Sources::system()).await?;
    let report = oracle::examine(&directory, findings).await?;
    directory.store().close().await;
    let (sound, said) = shipped_doctor(ground, &[]).await?;
    if !sound {
        findings.add("the shipped doctor complains", &said);
    }
    println!(
        "{}: {} events and {} users in the log; doctor: {}",
        ground.kind,
        report.events,
        report.users,
        said.lines().last().unwrap_or_default()
    );
    if !findings.is_empty() {
        keep_log(ground)?;
    }
    Ok(())
}

/// What the services said, if anything, for whoever has to find out why.
fn keep_log(ground: &Ground) -> anyhow::Result<()> {
    let log = ground.folder().join("service.log");
    if std::fs::metadata(&log)?.len() > 0 {
        let name = format!("kill-service-{}-{}.log", ground.kind, std::process::id());
        let kept = std::env::temp_dir().join(name);
        std::fs::copy(log, &kept)?;
        println!("{}: what the services logged is kept in {}", ground.kind, kept.display());
    }
    Ok(())
}
