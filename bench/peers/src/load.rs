//! The load: the closed loop of `bench/src/load.rs`. Each caller has one command in flight and sends the next when it is
//! answered.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde::Serialize;
use uuid::Uuid;

use crate::user::Command;
use crate::workload::Caller;

/// Carries out commands: loads the user, decides, appends.
pub(crate) trait Library: Send + Sync + 'static {
    fn execute(&self, id: Uuid, command: Command) -> impl Future<Output = anyhow::Result<()>> + Send;
}

/// How many callers, for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) callers: usize,
    pub(crate) warm_up: Duration,
    pub(crate) measured: Duration,
}

/// What it came to.
#[derive(Debug, Serialize)]
pub(crate) struct Measured {
    /// All commands, those of the warm-up too: so many events must be there.
    accepted: u64,
    /// Those that were answered while it counted.
    answered: u64,
    p50_micros: u64,
    p99_micros: u64,
}

/// Longer ones count as this: a minute.
const LATENCY_MAX_MICROS: u64 = 60_000_000;

pub(crate) async fn drive(library: impl Library, shape: Shape) -> anyhow::Result<Measured> {
    let library = Arc::new(library);
    let from = Instant::now() + shape.warm_up;
    let window = (from, from + shape.measured);
    let call = |number| tokio::spawn(call(Arc::clone(&library), Caller::new(number), window));
    let callers: Vec<_> = (0..shape.callers).map(call).collect();
    let (mut latency, mut accepted) = (latencies()?, 0);
    for caller in callers {
        let (its, count) = caller.await??;
        latency.add(its)?;
        accepted += count;
    }
    Ok(Measured {
        accepted,
        answered: latency.len(),
        p50_micros: latency.value_at_quantile(0.5),
        p99_micros: latency.value_at_quantile(0.99),
    })
}

/// One caller. Answers with the latencies inside the window, and how many commands were carried out in all.
async fn call(
    library: Arc<impl Library>,
    mut caller: Caller,
    (from, to): (Instant, Instant),
) -> anyhow::Result<(Histogram<u64>, u64)> {
    let (mut latency, mut accepted) = (latencies()?, 0);
    loop {
        let (id, command) = caller.next();
        let began = Instant::now();
        if began >= to {
            return Ok((latency, accepted));
        }
        library.execute(id, command).await?;
        let ended = Instant::now();
        accepted += 1;
        if ended >= from && ended < to {
            latency.saturating_record(u64::try_from((ended - began).as_micros())?);
        }
    }
}

fn latencies() -> anyhow::Result<Histogram<u64>> {
    Ok(Histogram::new_with_bounds(1, LATENCY_MAX_MICROS, 3)?)
}
