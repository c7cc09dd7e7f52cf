//! Rolling restart: instances behind a balancer are told to end (SIGTERM) one after the other, under sixteen writers who retry as
//! the documents say, and start anew. The balancer learns of it late. No caller sees more than a call that took longer.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use clap::ValueEnum;
use tokio::time::sleep;

use crate::ground::{Ground, Kind};
use crate::kill_service::{self, AFTERWARDS, Crew, Habits, Retries};
use crate::proxy::Proxy;
use crate::seed::Seed;
use crate::service::{Program, Service};
use crate::verdict::Findings;

/// Restarts of a small run on PostgreSQL; half as many on the embedded store.
const SMALL: u64 = 5;

const CONTROL: u64 = 2;

/// On PostgreSQL; an embedded store has one.
const INSTANCES: usize = 3;

/// An instance is told to end so long after the last one came: at least, and at most so much more.
const SERVING: (Duration, Duration) = (Duration::from_millis(200), Duration::from_millis(300));

/// What makes this campaign fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Control {
    /// Callers take the first error that they hear for the last word
    NoRetries,
}

pub(crate) async fn run(size: Option<u64>, control: Option<Control>, seed: Seed) -> anyhow::Result<Findings> {
    let restarts = size.unwrap_or(if control.is_some() { CONTROL } else { SMALL });
    let mut findings = Findings::default();
    for kind in Kind::BOTH {
        let (instances, restarts) = match kind {
            Kind::Sqlite => (1, restarts.div_ceil(2)),
            Kind::Postgres => (INSTANCES, restarts),
        };
        findings.take(on(kind, instances, restarts, control, seed).await?);
    }
    Ok(findings)
}

/// Those who serve, the oldest first.
type Fleet = VecDeque<(Service, SocketAddr)>;

async fn on(
    kind: Kind,
    instances: usize,
    restarts: u64,
    control: Option<Control>,
    seed: Seed,
) -> anyhow::Result<Findings> {
    let ground = Ground::new(kind).await?;
    let retries = match control {
        None => Retries::AsPublished,
        Some(Control::NoRetries) => Retries::Never,
    };
    let crew = Crew::with(Habits { retries, deadline: None }, &ground, seed)?;
    let (mut fleet, mut rng, mut findings) = (Fleet::new(), seed.rng("restarts", 0), Findings::default());
    for _ in 0..instances {
        fleet.push_back(start(&ground).await?);
    }
    let balancer = Proxy::before(String::new()).await?;
    balancer.lead_to(addresses(&fleet));
    crew.tell(Some(balancer.address));
    crew.settle_in().await?;
    let mut longest = Duration::ZERO;
    for _ in 0..restarts {
        let (least, spread) = SERVING;
        sleep(least + spread.mul_f64(rng.f64())).await;
        let (service, _) = fleet.pop_front().context("somebody serves")?;
        let (ended, took) = service.end().await?;
        longest = longest.max(took);
        if !ended.is_some_and(|status| status.success()) {
            findings.add("an instance does not end in order", format!("{ended:?}"));
        }
        // Until now the balancer has led callers there.
        fleet.push_back(start(&ground).await?);
        balancer.lead_to(addresses(&fleet));
    }
    sleep(AFTERWARDS).await;
    let (ledger, mut all) = crew.rest().await?;
    for (service, _) in fleet {
        service.kill().await?;
    }
    println!(
        "{kind}: {restarts} restarts of {instances} instances, each ended within {:.1} s; {all}",
        longest.as_secs_f64()
    );
    findings.take(std::mem::take(&mut all.findings));
    kill_service::verify(&ground, &ledger, &mut findings).await?;
    Ok(findings)
}

async fn start(ground: &Ground) -> anyhow::Result<(Service, SocketAddr)> {
    let mut service = Service::spawn(Program::Shipped, ground)?;
    let address = service.address().await?;
    Ok((service, address))
}

fn addresses(fleet: &Fleet) -> Vec<String> {
    fleet.iter().map(|(_, address)| address.to_string()).collect()
}
