//! Clock jump: the clock that stamps the log jumps by hours, days and back to 1970 under sixteen writers. On PostgreSQL that is
//! the database's, and the clocks of the three instances are days apart besides. Nothing is lost or doubled, times never go
//! backwards along the log, and a long jump forward stops all writing until somebody who knows says that it is right.

mod jump;
mod times;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::ValueEnum;
use tokio::time::sleep;

use crate::black_hole::{Readiness, until_ready};
use crate::cluster::Cluster;
use crate::ground::{Ground, Kind};
use crate::kill_service::{self, AFTERWARDS, Crew, Habits, Retries};
use crate::proxy::Proxy;
use crate::seed::Seed;
use crate::service::{Program, Service, accept_clock};
use crate::shim::{Environment, Order, Shim};
use crate::verdict::Findings;
use jump::{A_LONG_ONE, JUMPS, Jump};

/// Rounds of a small run, on each store: each jump comes so often.
const SMALL: u64 = 1;

/// For what every caller waits: no clock that jumps may make that longer.
const DEADLINE: Duration = Duration::from_secs(2);

/// How long they write, or may not, between two jumps.
const WRITING: Duration = Duration::from_millis(300);

/// Within which an instance has seen where its clock has gone, and that somebody has accepted it.
const NOTICED_MAX: Duration = Duration::from_secs(20);

/// By how many seconds the clocks of the instances on PostgreSQL are wrong.
const SKEWS: [i64; 3] = [0, -86_400, 3 * 86_400];

/// What makes this campaign fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Control {
    /// Whatever the clock shows is accepted at once
    AcceptEveryJump,
}

pub(crate) async fn run(size: Option<u64>, control: Option<Control>, seed: Seed) -> anyhow::Result<Findings> {
    let rounds = size.unwrap_or(SMALL);
    let mut findings = under_a_file(rounds, control, seed).await?;
    findings.take(under_a_server(rounds, control, seed).await?);
    Ok(findings)
}

/// The clock is the service's own.
async fn under_a_file(rounds: u64, control: Option<Control>, seed: Seed) -> anyhow::Result<Findings> {
    let ground = Ground::new(Kind::Sqlite).await?;
    let clock = Shim::over(ground.folder(), None).await?;
    let instance = Instance::start(&ground, 0, clock.environment()).await?;
    Scene { ground: &ground, clock: &clock, instances: vec![instance], rounds, control }.play(seed).await
}

/// The clock is the database's.
async fn under_a_server(rounds: u64, control: Option<Control>, seed: Seed) -> anyhow::Result<Findings> {
    let cluster = Cluster::given().await?;
    let clock = Shim::over(cluster.data(), None).await?;
    let mut cluster = cluster.under(clock.environment());
    cluster.start().await?;
    let found = with(&cluster, &clock, rounds, control, seed).await;
    let (ended, findings) = (cluster.stop().await, found?);
    ended.map(|()| findings)
}

async fn with(
    cluster: &Cluster,
    clock: &Shim,
    rounds: u64,
    control: Option<Control>,
    seed: Seed,
) -> anyhow::Result<Findings> {
    let ground = Ground::on_server(&cluster.url).await?;
    let (mut instances, mut skewed) = (Vec::new(), Vec::new());
    let skews = match control {
        None => &SKEWS[..],
        Some(Control::AcceptEveryJump) => &SKEWS[..1],
    };
    for (number, seconds) in skews.iter().copied().enumerate() {
        let shim = Shim::over(ground.folder(), None).await?;
        shim.order(Order::ClockSeconds, seconds)?;
        instances.push(Instance::start(&ground, number, shim.environment()).await?);
        skewed.push(shim);
    }
    Scene { ground: &ground, clock, instances, rounds, control }.play(seed).await
}

/// One that serves, and how whoever runs it reaches it.
struct Instance {
    service: Service,
    address: String,
    operations: std::net::SocketAddr,
    socket: PathBuf,
}

impl Instance {
    async fn start(ground: &Ground, number: usize, mut around: Environment) -> anyhow::Result<Self> {
        let socket = ground.folder().join(format!("admin-{number}.sock"));
        around.push(("USER_SERVICE_ADMIN_SOCKET", socket.display().to_string()));
        let mut service = Service::spawn_under(Program::Shipped, ground, around)?;
        let address = service.address().await?.to_string();
        let operations = service.operations().await?;
        Ok(Self { service, address, operations, socket })
    }
}

struct Scene<'a> {
    ground: &'a Ground,
    /// The one that stamps the log.
    clock: &'a Shim,
    instances: Vec<Instance>,
    rounds: u64,
    control: Option<Control>,
}

impl Scene<'_> {
    async fn play(self, seed: Seed) -> anyhow::Result<Findings> {
        let first = self.instances.first().context("somebody serves")?;
        let balancer = Proxy::before(first.address.clone()).await?;
        balancer.lead_to(self.instances.iter().map(|instance| instance.address.clone()).collect());
        let habits = Habits { retries: Retries::OfTheUnanswered, deadline: Some(DEADLINE) };
        let crew = Crew::with(habits, self.ground, seed)?;
        crew.tell(Some(balancer.address));
        crew.settle_in().await?;
        let mut findings = Findings::default();
        let jumps = match self.control {
            None => &JUMPS[..],
            Some(Control::AcceptEveryJump) => &A_LONG_ONE,
        };
        for jump in (0..self.rounds).flat_map(|_| jumps) {
            self.endure(*jump, &crew, &mut findings).await?;
        }
        sleep(AFTERWARDS).await;
        let (ledger, mut all) = crew.rest().await?;
        let instances = self.instances.len();
        for instance in self.instances {
            instance.service.kill().await?;
        }
        self.clock.order(Order::ClockSeconds, 0)?;
        let jumps = self.rounds * jumps.len() as u64;
        println!("{}: {jumps} jumps under {instances} instances; {all}", self.ground.kind);
        findings.take(std::mem::take(&mut all.findings));
        times::examine(self.ground, &mut findings).await?;
        kill_service::verify(self.ground, &ledger, &mut findings).await?;
        Ok(findings)
    }

    /// One jump, until they write again.
    async fn endure(&self, jump: Jump, crew: &Crew, findings: &mut Findings) -> anyhow::Result<()> {
        let kind = self.ground.kind;
        self.clock.order(Order::ClockSeconds, jump.seconds())?;
        if self.control == Some(Control::AcceptEveryJump) {
            self.accept().await?;
        }
        if jump.is_long() {
            let mut noticed = true;
            for Instance { operations, .. } in &self.instances {
                noticed &= until_ready(*operations, Readiness::NotReady, self.patience()).await.is_some();
            }
            if !noticed {
                findings.add("a long jump of the clock is believed", format!("{kind}: {jump}"));
            }
            if noticed && !falls_silent(crew).await {
                findings
                    .add("something is recorded by a clock that is not believed", format!("{kind}: {jump}"));
            }
            self.accept().await?;
        }
        if crew.goes_on(NOTICED_MAX).await.is_none() {
            findings.add("writing does not go on", format!("{kind}: {jump}"));
        }
        sleep(WRITING).await;
        Ok(())
    }

    /// Under the control it would be waited for in vain.
    fn patience(&self) -> Duration {
        match self.control {
            None => NOTICED_MAX,
            Some(Control::AcceptEveryJump) => WRITING,
        }
    }

    /// As whoever runs the service does it.
    async fn accept(&self) -> anyhow::Result<()> {
        for Instance { socket, .. } in &self.instances {
            accept_clock(self.ground, socket).await?;
        }
        Ok(())
    }
}

/// Whether nothing more is acknowledged, as soon as what had begun before has been answered.
async fn falls_silent(crew: &Crew) -> bool {
    let began = Instant::now();
    while began.elapsed() < NOTICED_MAX {
        let before = crew.acknowledged();
        sleep(WRITING).await;
        if crew.acknowledged() == before {
            return true;
        }
    }
    false
}
