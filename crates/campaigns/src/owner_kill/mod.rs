//! Owner kill: three instances on one PostgreSQL under writes, and whoever owns a projection is killed without warning,
//! or put to sleep and woken when another has taken over. Counts tell whether an event was projected twice.

pub(crate) mod no_fence;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::ValueEnum;
use eventstore::{Lease, Position, ProjectionMode, Slot};
use fastrand::Rng;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use user_service::Sources;
use user_service::directory::Directory;
use user_service::projections::LAYOUTS;

use crate::child::Adapter;
use crate::ground::{Ground, Kind};
use crate::population::Population;
use crate::seed::Seed;
use crate::service::{Program, Service};
use crate::verdict::Findings;
use crate::{instance, projection_oracle};

const INSTANCES: usize = 3;

/// Owners of a small run that are killed or put to sleep, by turns.
const SMALL: u64 = 4;

/// Under the control, owners are put to sleep until one had something on its way that shows; that many at most.
const CONTROL_MAX: u64 = 8;

/// Whoever wakes has written what was on its way.
const AWAKE: Duration = Duration::from_secs(2);

/// Between two things that happen, so that the machine has time for what is to be shown.
const PAUSE: Duration = Duration::from_millis(5);

/// An owner is hit so long after another has become one, at most.
const OWNING_MAX: Duration = Duration::from_millis(500);

/// A lease lasts a second; on a machine with much else to do whatever follows takes its time.
const PATIENCE: Duration = Duration::from_secs(30);

/// What makes this campaign fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Control {
    /// What a process wrote before it lost its right is written all the same, when it arrives
    NoFence,
}

pub(crate) async fn run(size: Option<u64>, control: Option<Control>, seed: Seed) -> anyhow::Result<Findings> {
    let ground = Ground::new(Kind::Postgres).await?;
    let options = ground.options()?;
    options.migrate().await?;
    let directory = instance::directory(options.open().await?, Sources::system()).await?;
    let mut scene = Scene {
        fleet: Fleet::start(&ground, control).await?,
        directory: directory.clone(),
        rng: seed.rng("owners", 0),
        findings: Findings::default(),
        told: Told::default(),
    };
    match control {
        None => {
            let people = Population::new(directory.clone(), "kill", seed.rng("people", 0));
            scene.hit_under_writes(people, size.unwrap_or(SMALL)).await?;
            projection_oracle::nobody_is_parked(directory.store(), &mut scene.findings).await?;
            scene.told.rows = projection_oracle::compare(&directory, &mut scene.findings).await?;
        }
        Some(Control::NoFence) => scene.until_it_shows(size.unwrap_or(CONTROL_MAX), seed).await?,
    }
    let Scene { fleet, findings, told, .. } = scene;
    fleet.end().await?;
    let Told { hits, written, longest, rows } = told;
    println!(
        "{hits} owners of projections hit among {INSTANCES} instances; {written} things happened meanwhile; at the latest \
         {:.1} s later others had gone on with all of it; {rows} rows compared",
        longest.as_secs_f64()
    );
    directory.store().close().await;
    Ok(findings)
}

/// What came of it, for people.
#[derive(Debug, Default)]
struct Told {
    hits: u64,
    written: u64,
    longest: Duration,
    rows: usize,
}

/// The instances, and somebody who looks at what they make of the log.
struct Scene<'a> {
    fleet: Fleet<'a>,
    directory: Directory,
    rng: Rng,
    findings: Findings,
    told: Told,
}

impl Scene<'_> {
    /// Hits owners while things happen, and waits until everything is projected.
    async fn hit_under_writes(&mut self, people: Population, owners: u64) -> anyhow::Result<()> {
        let stop = CancellationToken::new();
        let writing = tokio::spawn(write(people, stop.clone()));
        for n in 0..owners {
            sleep(OWNING_MAX.mul_f64(self.rng.f64())).await;
            // Under the control nobody is killed: a dead process writes nothing.
            let hit = match self.fleet.program {
                Program::Shipped if n % 2 == 0 => Hit::Kill,
                Program::Shipped | Program::ShippedWeakened | Program::Child(_) => Hit::Sleep,
            };
            match self.fleet.hit(hit, &self.directory, &mut self.rng).await? {
                Some(time) => self.told.longest = self.told.longest.max(time),
                None => self.findings.add("nobody takes over", format!("after {n} others: {hit:?}")),
            }
            self.told.hits += 1;
        }
        stop.cancel();
        self.told.written += writing.await??;
        projection_oracle::settle(self.directory.store(), &mut self.findings).await?;
        Ok(())
    }

    /// Puts one owner after the other to sleep, until what one wrote when it woke shows. It may have had nothing on its way,
    /// or what happens next may cover what it wrote.
    async fn until_it_shows(&mut self, owners_max: u64, seed: Seed) -> anyhow::Result<()> {
        for n in 0..owners_max {
            let people = Population::new(self.directory.clone(), &format!("kill-{n}"), seed.rng("people", n));
            self.hit_under_writes(people, 1).await?;
            let woken = Instant::now();
            while self.findings.is_empty() && woken.elapsed() < AWAKE {
                self.told.rows = projection_oracle::compare(&self.directory, &mut self.findings).await?;
                sleep(PAUSE).await;
            }
            if !self.findings.is_empty() {
                break;
            }
        }
        Ok(())
    }
}

/// Things happen until they are to stop. How many did.
async fn write(mut people: Population, stop: CancellationToken) -> anyhow::Result<u64> {
    let mut count = 0;
    while !stop.is_cancelled() {
        people.act().await?;
        count += 1;
        sleep(PAUSE).await;
    }
    Ok(count)
}

/// What befalls an owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hit {
    /// It is gone, and another process comes.
    Kill,
    /// It sleeps until others have taken over, then goes on.
    Sleep,
}

/// The instances, by process id.
struct Fleet<'a> {
    ground: &'a Ground,
    program: Program,
    instances: BTreeMap<u32, Service>,
}

impl<'a> Fleet<'a> {
    async fn start(ground: &'a Ground, control: Option<Control>) -> anyhow::Result<Self> {
        let program = match control {
            Some(Control::NoFence) => Program::Child(Some(Adapter::NoFence)),
            None => Program::Shipped,
        };
        let mut fleet = Self { ground, program, instances: BTreeMap::new() };
        let mut starting = Vec::new();
        for _ in 0..INSTANCES {
            starting.push(Service::spawn(program, ground)?);
        }
        for mut service in starting {
            service.address().await?;
            fleet.join(service)?;
        }
        Ok(fleet)
    }

    fn join(&mut self, service: Service) -> anyhow::Result<u32> {
        let pid = service.pid().context("it has ended already")?;
        self.instances.insert(pid, service);
        Ok(pid)
    }

    /// Hits an owner. How long it took until others had gone on beyond where it was; `None` if they do not.
    async fn hit(
        &mut self,
        hit: Hit,
        directory: &Directory,
        rng: &mut Rng,
    ) -> anyhow::Result<Option<Duration>> {
        let Some(pid) = self.owner(directory, rng).await? else { return Ok(None) };
        let service = self.instances.remove(&pid).context("it is one of ours")?;
        match hit {
            Hit::Kill => {
                service.kill().await?;
                let began = Instant::now();
                let other = self.join(Service::spawn(self.program, self.ground)?)?;
                let taken = self.taken_over(directory, began).await?;
                self.instances.get_mut(&other).context("it has just joined")?.address().await?;
                Ok(taken)
            }
            Hit::Sleep => {
                service.stop().await?;
                let taken = self.taken_over(directory, Instant::now()).await?;
                service.go_on().await?;
                self.join(service)?;
                Ok(taken)
            }
        }
    }

    /// A process that owns something, as soon as there is one.
    async fn owner(&self, directory: &Directory, rng: &mut Rng) -> anyhow::Result<Option<u32>> {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            let leases = directory.store().projections().leases().await?;
            let owners: Vec<_> = leases.iter().filter_map(|lease| self.holder(lease)).collect();
            if let Some(pid) = rng.choice(owners) {
                return Ok(Some(pid));
            }
            sleep(PAUSE).await;
        }
        Ok(None)
    }

    /// One of us.
    fn holder(&self, lease: &Lease) -> Option<u32> {
        let pid = lease.label.rsplit(' ').next()?.parse().ok()?;
        self.instances.contains_key(&pid).then_some(pid)
    }

    /// Waits until every projection belongs to one of us and stands beyond where the log was.
    async fn taken_over(&self, directory: &Directory, began: Instant) -> anyhow::Result<Option<Duration>> {
        let head = directory.store().head().await?.position;
        while began.elapsed() < PATIENCE {
            if self.goes_on(directory, head).await? {
                return Ok(Some(began.elapsed()));
            }
            sleep(PAUSE).await;
        }
        Ok(None)
    }

    async fn goes_on(&self, directory: &Directory, head: Position) -> anyhow::Result<bool> {
        let projections = directory.store().projections();
        let (leases, generations) = (projections.leases().await?, projections.generations().await?);
        Ok(LAYOUTS.iter().filter(|layout| layout.mode == ProjectionMode::Async).all(|layout| {
            let lease = leases.iter().find(|lease| lease.projection == layout.name);
            let mut own = generations.iter().filter(|it| it.projection == layout.name);
            lease.is_some_and(|lease| self.holder(lease).is_some())
                && own.any(|it| it.slot == Slot::Live && it.checkpoint.position > head)
        }))
    }

    async fn end(self) -> anyhow::Result<()> {
        for service in self.instances.into_values() {
            service.kill().await?;
        }
        Ok(())
    }
}
