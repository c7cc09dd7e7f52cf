//! Black hole: the database is there and yet it is not. It answers nobody, or lets nobody read, or lets nobody in, while sixteen
//! writers and sixteen readers call with a deadline. Each call ends by it and says what is known; the service is not ready
//! meanwhile, and goes on by itself. The ledger shows that nothing it said was a lie.

pub(crate) mod call_unknowns_failures;
mod fault;
mod looker;

use std::net::SocketAddr;
use std::time::Duration;

use clap::ValueEnum;
use tokio::time::sleep;

use crate::child::Adapter;
use crate::cluster::Cluster;
use crate::ground::{Ground, Kind};
use crate::kill_postgres::goes_on;
use crate::kill_service::{self, AFTERWARDS, Crew, Habits, Retries};
use crate::proxy::Proxy;
use crate::seed::Seed;
use crate::service::{Program, Service};
use crate::verdict::Findings;
use fault::{Fault, befall, in_its_midst, pass};

pub(crate) use looker::{Lookers, Readiness, until_ready};

/// Rounds of a small run: each fault befalls it so often.
const SMALL: u64 = 1;

/// For what every caller waits.
const DEADLINE: Duration = Duration::from_millis(800);

/// Each fault lasts longer than that, so that all calls that met its beginning end in it.
const LASTING: Duration = Duration::from_secs(1);

/// The service has learnt of it after so long at most.
const NOTICED_MAX: Duration = Duration::from_secs(20);

/// And that it has passed.
const READY_MAX: Duration = Duration::from_secs(30);

/// What makes this campaign fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Control {
    /// What nobody can tell is called not executed
    CallUnknownsFailures,
}

pub(crate) async fn run(size: Option<u64>, control: Option<Control>, seed: Seed) -> anyhow::Result<Findings> {
    let connections = format!("max_connections={}", fault::CONNECTIONS_MAX);
    let cluster = Cluster::take(&[&connections]).await?;
    let found = match Ground::new(Kind::Postgres).await {
        Ok(ground) => on(&ground, size.unwrap_or(SMALL), control, seed).await,
        Err(error) => Err(error),
    };
    let (ended, findings) = (cluster.stop().await, found?);
    ended.map(|()| findings)
}

async fn on(ground: &Ground, rounds: u64, control: Option<Control>, seed: Seed) -> anyhow::Result<Findings> {
    let wire = Proxy::before(ground.server()?).await?;
    let program = match control {
        None => Program::Shipped,
        Some(Control::CallUnknownsFailures) => Program::Child(Some(Adapter::CallUnknownsFailures)),
    };
    let habits = Habits { retries: Retries::OfTheUnanswered, deadline: Some(DEADLINE) };
    let crew = Crew::with(habits, ground, seed)?;
    let behind = vec![("USER_SERVICE_STORE", ground.url_behind(wire.address)?)];
    let mut service = Service::spawn_under(program, ground, behind)?;
    let address = service.address().await?;
    crew.tell(Some(address));
    crew.settle_in().await?;
    let (lookers, mut findings) = (Lookers::begin(address, DEADLINE)?, Findings::default());
    if control.is_some() {
        let lasting = befall(Fault::NoAnswers, ground, &wire).await?;
        sleep(LASTING).await;
        pass(lasting, &wire);
    } else {
        let operations = service.operations().await?;
        for fault in (0..rounds).flat_map(|_| Fault::ALL) {
            endure(fault, ground, &wire, operations, &mut findings).await?;
        }
    }
    sleep(AFTERWARDS).await;
    let looked = lookers.rest().await?;
    let (ledger, mut all) = crew.rest().await?;
    service.kill().await?;
    println!("{all}; of those who read, {} were answered and {} put off", looked.answers, looked.put_off);
    findings.take(looked.findings);
    findings.take(std::mem::take(&mut all.findings));
    kill_service::verify(ground, &ledger, &mut findings).await?;
    Ok(findings)
}

/// One fault, from before it begins until all is well again.
async fn endure(
    fault: Fault,
    ground: &Ground,
    wire: &Proxy,
    operations: SocketAddr,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let lasting = befall(fault, ground, wire).await?;
    let noticed = until_ready(operations, Readiness::NotReady, NOTICED_MAX).await;
    if noticed.is_none() {
        findings.add("the service calls itself ready without its database", fault);
    }
    sleep(LASTING).await;
    in_its_midst(fault, ground, &lasting).await?;
    pass(lasting, wire);
    let ready = until_ready(operations, Readiness::Ready, READY_MAX).await;
    if ready.is_none() {
        findings.add("the service does not become ready again", fault);
    }
    let goes_on = goes_on(ground).await?;
    if goes_on.is_none() {
        findings.add("the service does not go on by itself", fault);
    }
    let after = |time: Option<Duration>| {
        time.map_or("never".to_owned(), |time| format!("after {:.1} s", time.as_secs_f64()))
    };
    println!(
        "{fault}: not ready {}; when it had passed, ready {} and writing {}",
        after(noticed),
        after(ready),
        after(goes_on)
    );
    Ok(())
}
