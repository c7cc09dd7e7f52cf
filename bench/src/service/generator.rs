//! `bench call`: whoever calls, in a process of her own with one thread. A closed loop: so many calls in flight, each with
//! the next one behind it. Prints what it came to.

use std::net::SocketAddr;
use std::process::{ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use buffa::{Message, MessageField};
use buffa_types::google::protobuf::FieldMask;
use hdrhistogram::Histogram;
use user_api::v1;
use user_api::v1::get_user_request::By;

use super::pinned::{self, Role};
use super::wire::Wire;
use super::{Call, Cores, PEOPLE, Service, people};
use crate::contender::on;
use crate::cost::Gauge;
use crate::load::{LATENCY_MAX_MICROS, Measured, Shape, ratio};

#[derive(Debug, clap::Args)]
pub(crate) struct Generator {
    #[arg(long)]
    address: SocketAddr,
    #[arg(long)]
    call: Call,
    #[arg(long)]
    in_flight: usize,
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

const DATABASE_VARIABLE: &str = "BENCH_CALL_DATABASE";

/// A connection's messages stand behind one lock: two keep the service busy while it is held.
const CONNECTIONS_MAX: usize = 2;

/// Calls a service from another process.
pub(super) async fn call(
    service: &Service,
    database: Option<&str>,
    (call, cores): (Call, Cores),
    shape: Shape,
) -> anyhow::Result<Measured> {
    let mut command = pinned::command(std::env::current_exe()?, cores, Role::Calls);
    command.args(["call", "--call", call.name()]);
    let numbers = [
        ("--address", service.address.to_string()),
        ("--in-flight", shape.callers.to_string()),
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
        let mut wires = Vec::new();
        for _ in 0..self.in_flight.min(CONNECTIONS_MAX) {
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
        let caller = |number| {
            let caller = Caller { number, of: self.in_flight, call: self.call, asked: 0 };
            tokio::spawn(caller.go(wires[number % wires.len()].clone(), window))
        };
        let callers: Vec<_> = (0..self.in_flight).map(caller).collect();
        let (mut latency, mut accepted) = (Histogram::new_with_bounds(1, LATENCY_MAX_MICROS, 3)?, 0);
        for caller in callers {
            let (its, asked) = caller.await??;
            latency.add(its)?;
            accepted += asked;
        }
        Ok(Measured {
            rate: ratio(latency.len(), 1) / during.as_secs_f64(),
            p50_micros: latency.value_at_quantile(0.5),
            p99_micros: latency.value_at_quantile(0.99),
            accepted,
            refused: 0.0,
            batch: None,
            evenness: 1.0,
            cost: gauged.await??,
            answered: latency.len(),
        })
    }
}

/// One call in flight, and the users that it is about: nobody else's.
struct Caller {
    number: usize,
    of: usize,
    call: Call,
    asked: u64,
}

impl Caller {
    /// Latencies inside the window, and how many calls were answered in all.
    async fn go(
        mut self,
        mut wire: Wire,
        (from, to): (Instant, Instant),
    ) -> anyhow::Result<(Histogram<u64>, u64)> {
        let mut random = fastrand::Rng::with_seed(self.number as u64);
        let mut latency = Histogram::new_with_bounds(1, LATENCY_MAX_MICROS, 3)?;
        let own: Vec<_> =
            (self.number..PEOPLE).step_by(self.of).map(|number| people::id(number).to_string()).collect();
        loop {
            let id = random.choice(&own).context("more callers than people")?;
            let message = self.message(id);
            let began = Instant::now();
            if began >= to {
                return Ok((latency, self.asked));
            }
            wire.call(self.call, &message, id).await?;
            let ended = Instant::now();
            self.asked += 1;
            if ended >= from && ended < to {
                latency.saturating_record(u64::try_from((ended - began).as_micros())?);
            }
        }
    }

    fn message(&self, id: &str) -> Vec<u8> {
        match self.call {
            Call::Get => {
                v1::GetUserRequest { by: Some(By::Id(id.to_owned())), ..v1::GetUserRequest::default() }
                    .encode_to_vec()
            }
            // Never the name that she has: that would change nothing, and write nothing.
            Call::Update => v1::UpdateUserRequest {
                id: id.to_owned(),
                first_name: Some(format!("Ada {}", self.asked)),
                update_mask: MessageField::some(FieldMask {
                    paths: vec!["first_name".to_owned()],
                    ..FieldMask::default()
                }),
                ..v1::UpdateUserRequest::default()
            }
            .encode_to_vec(),
        }
    }
}
