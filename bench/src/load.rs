//! The shape of the load: a closed loop. Each caller has one command in flight and sends the next when it is answered.
//!
//! This flatters whatever works in batches (all callers of a batch come back together) and nobody else; calls of the service
//! can be an open loop, too.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::cost::{Cost, Gauge};
use crate::workload::{Answer, Caller, Command};

/// Carries out commands.
pub(crate) trait Target: Send + Sync + 'static {
    /// One caller's own way in: a connection, say.
    type Line: Send + 'static;

    fn line(&self) -> impl Future<Output = anyhow::Result<Self::Line>> + Send;

    fn execute(
        &self,
        line: &mut Self::Line,
        command: Command,
    ) -> impl Future<Output = anyhow::Result<Answer>> + Send;
}

/// How many callers, for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) callers: usize,
    pub(crate) warm_up: Duration,
    pub(crate) measured: Duration,
}

/// What one measurement came to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Measured {
    /// Accepted commands per second.
    pub(crate) rate: f64,
    pub(crate) p50_micros: u64,
    pub(crate) p99_micros: u64,
    /// All commands that were accepted, those of the warm-up too.
    pub(crate) accepted: u64,
    /// The share of commands that were refused, as they should be.
    pub(crate) refused: f64,
    /// Events per commit, where they are committed in batches.
    pub(crate) batch: Option<f64>,
    /// The smallest share of a process as a part of the largest.
    pub(crate) evenness: f64,
    pub(crate) cost: Cost,
    /// What was answered while it counted, accepted or refused.
    pub(crate) answered: u64,
    /// What was measured at the same time.
    pub(crate) beside: Option<Box<Self>>,
}

impl Measured {
    pub(crate) fn p50(&self) -> f64 {
        ratio(self.p50_micros.max(1), 1)
    }

    pub(crate) fn p99(&self) -> f64 {
        ratio(self.p99_micros.max(1), 1)
    }

    /// Something of what was measured at the same time.
    pub(crate) fn beside(&self, of: fn(&Self) -> f64) -> f64 {
        self.beside.as_deref().map_or(f64::NAN, of)
    }

    /// Microseconds of a processor for each answer.
    pub(crate) fn micros_each(&self, seconds: f64) -> f64 {
        seconds * 1e6 / ratio(self.answered.max(1), 1)
    }
}

/// Longer ones count as this: a minute.
pub(crate) const LATENCY_MAX_MICROS: u64 = 60_000_000;

/// Latencies in microseconds, and what was answered while it counted.
#[derive(Debug)]
struct Tally {
    latency: Histogram<u64>,
    accepted: u64,
    refused: u64,
}

/// Drives the callers against a target.
pub(crate) async fn drive<T: Target>(
    target: T,
    callers: Vec<Caller>,
    shape: Shape,
    gauge: Gauge,
) -> anyhow::Result<(T, Measured)> {
    ensure!(callers.len() == shape.callers, "one workload per caller");
    let target = Arc::new(target);
    let tally = Arc::new(Mutex::new(Tally {
        latency: Histogram::new_with_bounds(1, LATENCY_MAX_MICROS, 3)?,
        accepted: 0,
        refused: 0,
    }));
    let mut lines = Vec::new();
    for caller in callers {
        lines.push((caller, target.line().await?));
    }
    let (lines, made) = prepare(&target, lines).await?;
    let from = Instant::now() + shape.warm_up;
    let window = (from, from + shape.measured);
    let gauged = tokio::spawn(gauge.between(window.0, window.1));
    let tasks: Vec<_> = lines
        .into_iter()
        .map(|(caller, line)| {
            tokio::spawn(call(Arc::clone(&target), caller, line, window, Arc::clone(&tally)))
        })
        .collect();
    let mut accepted = made;
    for task in tasks {
        accepted += task.await??;
    }
    let cost = gauged.await??;
    let tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
    let answered = tally.accepted + tally.refused;
    let measured = Measured {
        rate: ratio(tally.accepted, 1) / shape.measured.as_secs_f64(),
        p50_micros: tally.latency.value_at_quantile(0.5),
        p99_micros: tally.latency.value_at_quantile(0.99),
        accepted,
        refused: ratio(tally.refused, answered.max(1)),
        batch: None,
        evenness: 1.0,
        cost,
        answered,
        beside: None,
    };
    match Arc::try_unwrap(target) {
        Ok(target) => Ok((target, measured)),
        Err(_) => bail!("a caller still holds the target"),
    }
}

/// Callers make the users that they need from the start, all at once. Answers how many commands that took.
async fn prepare<T: Target>(
    target: &Arc<T>,
    lines: Vec<(Caller, T::Line)>,
) -> anyhow::Result<(Vec<(Caller, T::Line)>, u64)> {
    let begin = |(mut caller, mut line): (Caller, T::Line)| {
        let target = Arc::clone(target);
        tokio::spawn(async move {
            let mut count = 0;
            while let Some(command) = caller.missing() {
                ensure!(
                    target.execute(&mut line, command).await? == Answer::Accepted,
                    "nobody is in the way"
                );
                caller.accepted();
                count += 1;
            }
            Ok((caller, line, count))
        })
    };
    let (mut ready, mut count) = (Vec::new(), 0);
    for task in lines.into_iter().map(begin).collect::<Vec<_>>() {
        let (caller, line, its) = task.await??;
        ready.push((caller, line));
        count += its;
    }
    Ok((ready, count))
}

/// One caller. Answers how many of its commands were accepted.
async fn call<T: Target>(
    target: Arc<T>,
    mut caller: Caller,
    mut line: T::Line,
    (from, to): (Instant, Instant),
    tally: Arc<Mutex<Tally>>,
) -> anyhow::Result<u64> {
    let mut accepted = 0;
    loop {
        let command = caller.next();
        let due = command.due;
        let began = Instant::now();
        if began >= to {
            return Ok(accepted);
        }
        let answer = target.execute(&mut line, command).await?;
        let ended = Instant::now();
        ensure!(answer == due, "{due:?} was due, {answer:?} was answered");
        if answer == Answer::Accepted {
            caller.accepted();
            accepted += 1;
        }
        if ended >= from && ended < to {
            tally.lock().unwrap_or_else(PoisonError::into_inner).note(answer, ended - began);
        }
    }
}

impl Tally {
    fn note(&mut self, answer: Answer, latency: Duration) {
        match answer {
            Answer::Accepted => self.accepted += 1,
            Answer::Conflict | Answer::ClaimTaken => self.refused += 1,
        }
        self.latency.saturating_record(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX));
    }
}

/// Counts here are far below 2^52.
#[expect(clippy::cast_precision_loss, reason = "counts of one run are far below 2^52")]
pub(crate) fn ratio(a: u64, b: u64) -> f64 {
    a as f64 / b as f64
}
