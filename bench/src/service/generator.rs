//! `bench call`: whoever calls, in a process of her own with one thread that calls and, in an open loop, one that says when.
//! Prints what it came to.

use std::net::SocketAddr;
use std::process::{ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::ensure;
use hdrhistogram::Histogram;

use super::open::Follow;
use super::pinned::{self, Role};
use super::wire::Wire;
use super::{Call, Cores, Pace, Service, closed, open};
use crate::contender::on;
use crate::cost::{Cost, Gauge};
use crate::load::{LATENCY_MAX_MICROS, Measured, Shape, ratio};

#[derive(Debug, clap::Args)]
pub(crate) struct Generator {
    #[arg(long)]
    address: SocketAddr,
    #[arg(long)]
    call: Call,
    #[command(flatten)]
    pace: PaceArgs,
    #[arg(long)]
    warm_up_millis: u64,
    #[arg(long)]
    measured_millis: u64,
    /// Whose processor time counts
    #[arg(long)]
    service: u32,
    /// The database behind it, if there is one
    #[arg(long, env = DATABASE_VARIABLE, hide_env_values = true)]
    database: Option<String>,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct PaceArgs {
    /// A closed loop of so many calls in flight
    #[arg(long)]
    in_flight: Option<usize>,
    /// An open loop of so many calls a second
    #[arg(long)]
    rate: Option<f64>,
    /// The same, and some are followed
    #[arg(long)]
    followed_rate: Option<f64>,
}

const DATABASE_VARIABLE: &str = "BENCH_CALL_DATABASE";

/// A connection's messages stand behind one lock: two keep the service busy while it is held.
const CONNECTIONS_MAX: usize = 2;

/// Calls a service from another process.
pub(super) async fn call(
    service: &Service,
    database: Option<&str>,
    (call, cores): (Call, Cores),
    pace: Pace,
    shape: Shape,
) -> anyhow::Result<Measured> {
    let mut command = pinned::command(std::env::current_exe()?, cores, Role::Calls);
    command.args(["call", "--call", call.name()]);
    let pace = match pace {
        Pace::Closed(in_flight) => ("--in-flight", in_flight.to_string()),
        Pace::Open(rate) => ("--rate", rate.to_string()),
        Pace::Followed(rate) => ("--followed-rate", rate.to_string()),
    };
    let numbers = [
        ("--address", service.address.to_string()),
        pace,
        ("--warm-up-millis", shape.warm_up.as_millis().to_string()),
        ("--measured-millis", shape.measured.as_millis().to_string()),
        ("--service", service.pid()?.to_string()),
    ];
    for (name, value) in numbers {
        command.args([name, &value]);
    }
    command.envs(database.map(|url| (DATABASE_VARIABLE, url)));
    let done = command.stdin(Stdio::null()).stderr(Stdio::inherit()).kill_on_drop(true).output().await?;
    ensure!(done.status.success(), "whoever calls failed");
    Ok(serde_json::from_slice(&done.stdout)?)
}

impl Generator {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let measured = on(1)?.block_on(self.measure())?;
        println!("{}", serde_json::to_string(&measured)?);
        Ok(ExitCode::SUCCESS)
    }

    async fn measure(self) -> anyhow::Result<Measured> {
        let pace = self.pace.pace();
        let connections = if let Pace::Closed(in_flight) = pace { in_flight } else { CONNECTIONS_MAX };
        let mut wires = Vec::new();
        for _ in 0..connections.min(CONNECTIONS_MAX) {
            wires.push(Wire::to(self.address).await?);
        }
        let gauge = match &self.database {
            Some(url) => Gauge::with_database(self.service, url).await?,
            None => Gauge::of(self.service),
        };
        let from = Instant::now() + Duration::from_millis(self.warm_up_millis);
        let during = Duration::from_millis(self.measured_millis);
        let window = (from, from + during);
        let gauged = tokio::spawn(gauge.between(window.0, window.1));
        let answers = match pace {
            Pace::Closed(in_flight) => closed::go(&wires, self.call, in_flight, window).await?,
            Pace::Open(rate) => open::go(&wires, self.call, (rate, Follow::No), window).await?,
            Pace::Followed(rate) => open::go(&wires, self.call, (rate, Follow::Some), window).await?,
        };
        Ok(answers.measured(during, gauged.await??))
    }
}

impl PaceArgs {
    fn pace(&self) -> Pace {
        match (self.in_flight, self.rate, self.followed_rate) {
            (Some(in_flight), ..) => Pace::Closed(in_flight),
            (None, Some(rate), _) => Pace::Open(rate),
            (None, None, rate) => Pace::Followed(rate.expect("one of them is required")),
        }
    }
}

/// What was answered.
pub(super) struct Answers {
    /// In microseconds, of what counts.
    pub(super) latency: Histogram<u64>,
    /// Of everything, the warm-up too.
    pub(super) accepted: u64,
    /// How long after their answers changes were seen, if some were followed.
    pub(super) seen: Option<Histogram<u64>>,
}

impl Answers {
    pub(super) fn new() -> anyhow::Result<Self> {
        Ok(Self { latency: latencies()?, accepted: 0, seen: None })
    }

    fn measured(self, during: Duration, cost: Cost) -> Measured {
        let seen = self.seen.map(|seen| Box::new(of(&seen, during)));
        Measured { accepted: self.accepted, cost, beside: seen, ..of(&self.latency, during) }
    }
}

pub(super) fn latencies() -> anyhow::Result<Histogram<u64>> {
    Ok(Histogram::new_with_bounds(1, LATENCY_MAX_MICROS, 3)?)
}

pub(super) fn of(latency: &Histogram<u64>, during: Duration) -> Measured {
    Measured {
        rate: ratio(latency.len(), 1) / during.as_secs_f64(),
        p50_micros: latency.value_at_quantile(0.5),
        p99_micros: latency.value_at_quantile(0.99),
        accepted: latency.len(),
        refused: 0.0,
        batch: None,
        evenness: 1.0,
        cost: Cost::default(),
        answered: latency.len(),
        beside: None,
    }
}
