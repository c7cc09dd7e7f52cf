//! Bad disk: under sixteen writers and sixteen readers the disk of the store is slow, then full, then fails to sync. What cannot be
//! done is refused in time and in so many words, reads go on where the store can, and so does writing when it has passed: by
//! itself, or after somebody has started the server that gave up. The ledger shows that nothing acknowledged was lost.

mod fault;
mod small;

use std::time::{Duration, Instant};

use clap::ValueEnum;
use tokio::time::sleep;

use crate::black_hole::Lookers;
use crate::child::Adapter;
use crate::cluster::{Cluster, Life};
use crate::ground::{Ground, Kind};
use crate::kill_service::{self, AFTERWARDS, Crew, Habits, Retries};
use crate::seed::Seed;
use crate::service::{Program, Service};
use crate::verdict::Findings;
use fault::{Fault, befall, pass};
use small::SmallDisk;

/// Rounds of a small run, on each store: each fault befalls it so often.
const SMALL: u64 = 1;

/// For what every caller waits.
const DEADLINE: Duration = Duration::from_millis(800);

/// Each fault lasts longer than that, so that all calls that met its beginning end in it.
const LASTING: Duration = Duration::from_secs(1);

/// Within which something is written again; on a machine with much else to do it takes its time.
const RETURN_MAX: Duration = Duration::from_secs(30);

/// Between two looks at whether the server is still there.
const PAUSE: Duration = Duration::from_millis(300);

/// Room for the embedded store, and for a server's own files.
const FILE_MEBIBYTES: u32 = 64;
const SERVER_MEBIBYTES: u32 = 256;

/// It takes its room as it needs it.
const SERVER: &[&str] = &["max_wal_size=64MB", "min_wal_size=32MB"];

/// What makes this campaign fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Control {
    /// An append is answered when it is queued, not when it is durable
    AcknowledgeBeforeCommit,
}

pub(crate) async fn run(size: Option<u64>, control: Option<Control>, seed: Seed) -> anyhow::Result<Findings> {
    let rounds = size.unwrap_or(SMALL);
    let mut findings = under_a_file(rounds, control, seed).await?;
    if control.is_none() {
        findings.take(under_a_server(rounds, seed).await?);
    }
    Ok(findings)
}

async fn under_a_file(rounds: u64, control: Option<Control>, seed: Seed) -> anyhow::Result<Findings> {
    let disk = SmallDisk::new(FILE_MEBIBYTES).await?;
    let ground = Ground::in_folder(&disk.root)?;
    let program = match control {
        None => Program::Shipped,
        Some(Control::AcknowledgeBeforeCommit) => Program::Child(Some(Adapter::AcknowledgeBeforeCommit)),
    };
    let service = Service::spawn_under(program, &ground, disk.shim.environment())?;
    let faults = match control {
        None => &Fault::ALL[..],
        Some(_) => &[Fault::Full],
    };
    Scene { ground: &ground, disk: &disk, server: None, faults, rounds }.play(service, seed).await
}

async fn under_a_server(rounds: u64, seed: Seed) -> anyhow::Result<Findings> {
    let disk = SmallDisk::new(SERVER_MEBIBYTES).await?;
    let cluster = Cluster::given().await?.copied_to(&disk.root).await?.told(SERVER);
    let mut cluster = cluster.under(disk.shim.environment());
    cluster.start().await?;
    let ground = Ground::on_server(&cluster.url).await?;
    let service = Service::spawn(Program::Shipped, &ground)?;
    let server = Some(&mut cluster);
    let found =
        Scene { ground: &ground, disk: &disk, server, faults: &Fault::ALL, rounds }.play(service, seed).await;
    let (ended, findings) = (cluster.stop().await, found?);
    ended.map(|()| findings)
}

/// A store on a bad disk.
struct Scene<'a> {
    ground: &'a Ground,
    disk: &'a SmallDisk,
    /// Who writes to the disk, if that is not the service itself.
    server: Option<&'a mut Cluster>,
    faults: &'static [Fault],
    rounds: u64,
}

impl Scene<'_> {
    async fn play(mut self, mut service: Service, seed: Seed) -> anyhow::Result<Findings> {
        let habits = Habits { retries: Retries::OfTheUnanswered, deadline: Some(DEADLINE) };
        let crew = Crew::with(habits, self.ground, seed)?;
        let address = service.address().await?;
        crew.tell(Some(address));
        crew.settle_in().await?;
        let (lookers, mut findings) = (Lookers::begin(address, DEADLINE)?, Findings::default());
        let faults = self.faults;
        for fault in (0..self.rounds).flat_map(|_| faults) {
            self.endure(*fault, &crew, &lookers, &mut findings).await?;
        }
        sleep(AFTERWARDS).await;
        let looked = lookers.rest().await?;
        let (ledger, mut all) = crew.rest().await?;
        service.kill().await?;
        println!("{}: on {}, {all}", self.ground.kind, self.disk);
        findings.take(looked.findings);
        findings.take(std::mem::take(&mut all.findings));
        kill_service::verify(self.ground, &ledger, &mut findings).await?;
        Ok(findings)
    }

    /// One fault, from before it begins until all is well again.
    async fn endure(
        &mut self,
        fault: Fault,
        crew: &Crew,
        lookers: &Lookers,
        findings: &mut Findings,
    ) -> anyhow::Result<()> {
        let put_off = lookers.put_off();
        let full = befall(fault, self.disk)?;
        sleep(LASTING).await;
        let before = crew.acknowledged();
        sleep(LASTING / 2).await;
        let acknowledged = crew.acknowledged() - before;
        let put_off = lookers.put_off() - put_off;
        pass(self.disk, full).await?;
        let (gave_up, goes_on) = self.recover(crew).await?;
        let kind = self.ground.kind;
        match (fault, acknowledged) {
            (Fault::Slow, 0) => findings.add("nothing is done where it only takes longer", kind),
            (Fault::SyncFails, 1..) => findings.add("something is done that cannot be on the disk", kind),
            (Fault::Full | Fault::SyncFails | Fault::Slow, _) => {}
        }
        // A server that gives up takes its readers along.
        if put_off > 0 && gave_up == Life::Stayed && kind == Kind::Sqlite {
            findings.add("readers are put off where only writing is impossible", fault);
        }
        if goes_on.is_none() {
            findings.add("the service does not go on", format!("{kind}: {fault}"));
        }
        println!(
            "{kind}: {fault}: {acknowledged} done in the midst of it, {put_off} readers put off; {}writing {}",
            match gave_up {
                Life::Stayed => "",
                Life::Ended => "the server gave up and was started anew; ",
            },
            goes_on.map_or("never".to_owned(), |time| format!("after {:.1} s", time.as_secs_f64()))
        );
        Ok(())
    }

    /// Returns when something is written again, if it is. PostgreSQL ends when it cannot sync its log, and does not come back
    /// while it cannot: then somebody has to start it.
    async fn recover(&mut self, crew: &Crew) -> anyhow::Result<(Life, Option<Duration>)> {
        let (began, mut life) = (Instant::now(), Life::Stayed);
        while began.elapsed() < RETURN_MAX {
            if let Some(server) = &mut self.server
                && server.life()? == Life::Ended
            {
                life = Life::Ended;
                server.start().await?;
            }
            if crew.goes_on(PAUSE).await.is_some() {
                return Ok((life, Some(began.elapsed())));
            }
        }
        Ok((life, None))
    }
}
