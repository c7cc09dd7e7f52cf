//! Power cut: the disk under the store goes dark in the midst of sixteen writers, again and again, and with it whoever wrote to
//! it. What comes back is what had been synced. The writers' ledger shows that nothing acknowledged was lost or doubled.

mod disk;
pub(crate) mod normal;

use std::time::Duration;

use clap::ValueEnum;
use fastrand::Rng;
use tokio::time::sleep;

use crate::child::Adapter;
use crate::cluster::Cluster;
use crate::ground::{Ground, Kind};
use crate::kill_postgres::{WEAK, goes_on};
use crate::kill_service::{self, AFTERWARDS, Crew};
use crate::seed::Seed;
use crate::service::{Program, Service};
use crate::verdict::Findings;
use disk::Disk;

/// Cuts of a small run, on each store.
const SMALL: u64 = 3;

/// Under the control, the first is enough.
const CONTROL: u64 = 1;

/// A cut comes so long after writing went on: at least, and at most so much more.
const WRITING: (Duration, Duration) = (Duration::from_millis(200), Duration::from_millis(600));

/// The server outlives its disk by so much at most: meanwhile it may not acknowledge anything.
const IN_THE_DARK: Duration = Duration::from_millis(150);

/// What makes this campaign fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Control {
    /// A commit is acknowledged before it is on the disk: NORMAL on SQLite, off on PostgreSQL
    WeakDurability,
}

pub(crate) async fn run(size: Option<u64>, control: Option<Control>, seed: Seed) -> anyhow::Result<Findings> {
    let cuts = size.unwrap_or(if control.is_some() { CONTROL } else { SMALL });
    let mut findings = Findings::default();
    for kind in Kind::BOTH {
        let found = match kind {
            Kind::Sqlite => under_a_file(cuts, control, seed).await?,
            Kind::Postgres => under_a_server(cuts, control, seed).await?,
        };
        // Each store has a control of its own.
        anyhow::ensure!(control.is_none() || !found.is_empty(), "on {kind} the control loses nothing");
        findings.take(found);
    }
    Ok(findings)
}

/// The service itself writes to the disk, and goes with it.
async fn under_a_file(cuts: u64, control: Option<Control>, seed: Seed) -> anyhow::Result<Findings> {
    let disk = Disk::new().await?;
    let ground = Ground::in_folder(&disk.root)?;
    let (crew, mut rng) = (Crew::begin(&ground, seed)?, seed.rng("cuts", 0));
    let program = match control {
        None => Program::Shipped,
        Some(Control::WeakDurability) => Program::Child(Some(Adapter::SynchronousNormal)),
    };
    let mut service = Service::spawn_under(program, &ground, disk.environment())?;
    crew.tell(Some(service.address().await?));
    crew.settle_in().await?;
    for _ in 0..cuts {
        sleep(moment(&mut rng)).await;
        // All that the machine does ends in one moment.
        service.stop().await?;
        disk.cut().await?;
        service.kill().await?;
        crew.tell(None);
        disk.come_back().await?;
        service = Service::spawn_under(program, &ground, disk.environment())?;
        crew.tell(Some(service.address().await?));
    }
    sleep(AFTERWARDS).await;
    let (ledger, mut all) = crew.rest().await?;
    service.kill().await?;
    println!("{}: {cuts} cuts of {disk}; {all}", ground.kind);
    let mut findings = std::mem::take(&mut all.findings);
    match control {
        None => kill_service::verify(&ground, &ledger, &mut findings).await?,
        Some(Control::WeakDurability) => kill_service::audit(&ground, &ledger, &mut findings).await?,
    }
    Ok(findings)
}

/// The database writes to the disk, and goes with it. The service stays.
async fn under_a_server(cuts: u64, control: Option<Control>, seed: Seed) -> anyhow::Result<Findings> {
    let disk = Disk::new().await?;
    let settings = match control {
        None => &[][..],
        Some(Control::WeakDurability) => WEAK,
    };
    let mut cluster = Cluster::given().await?.copied_to(&disk.root).await?.told(settings);
    disk.settle().await?;
    cluster = cluster.under(disk.environment());
    cluster.start().await?;
    let ground = Ground::on_server(&cluster.url).await?;
    let found = with(&ground, &mut cluster, &disk, cuts, control, seed).await;
    drop(ground);
    let (ended, findings) = (cluster.stop().await, found?);
    ended.map(|()| findings)
}

async fn with(
    ground: &Ground,
    cluster: &mut Cluster,
    disk: &Disk,
    cuts: u64,
    control: Option<Control>,
    seed: Seed,
) -> anyhow::Result<Findings> {
    let (crew, mut rng) = (Crew::begin(ground, seed)?, seed.rng("cuts", 1));
    let program = match control {
        None => Program::Shipped,
        Some(Control::WeakDurability) => Program::ShippedWeakened,
    };
    let mut service = Service::spawn(program, ground)?;
    crew.tell(Some(service.address().await?));
    crew.settle_in().await?;
    // Also under the control there is something to come back to.
    ground.owner().await?.batch_execute("CHECKPOINT").await?;
    if control == Some(Control::WeakDurability) {
        cluster.stop_writing_behind().await?;
    }
    let mut findings = Findings::default();
    for n in 0..cuts {
        sleep(moment(&mut rng)).await;
        disk.cut().await?;
        sleep(IN_THE_DARK.mul_f64(rng.f64())).await;
        cluster.kill().await?;
        disk.come_back().await?;
        cluster.start().await?;
        if goes_on(ground).await?.is_none() {
            findings.add("the service does not find its database again", format!("after {n} others"));
        }
    }
    sleep(AFTERWARDS).await;
    let (ledger, mut all) = crew.rest().await?;
    service.kill().await?;
    println!("{}: {cuts} cuts of {disk}; {all}", ground.kind);
    findings.take(std::mem::take(&mut all.findings));
    match control {
        None => kill_service::verify(ground, &ledger, &mut findings).await?,
        Some(Control::WeakDurability) => kill_service::audit(ground, &ledger, &mut findings).await?,
    }
    Ok(findings)
}

/// How long they write until the next cut.
fn moment(rng: &mut Rng) -> Duration {
    let (least, spread) = WRITING;
    least + spread.mul_f64(rng.f64())
}
