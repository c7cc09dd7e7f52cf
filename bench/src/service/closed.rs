//! A closed loop: so many calls in flight, each with the next one behind it.

use std::time::Instant;

use anyhow::Context;
use hdrhistogram::Histogram;

use super::generator::Answers;
use super::wire::Wire;
use super::{Call, PEOPLE, message, people};
use crate::load::LATENCY_MAX_MICROS;

/// Calls until the end of the window.
pub(super) async fn go(
    wires: &[Wire],
    call: Call,
    in_flight: usize,
    window: (Instant, Instant),
) -> anyhow::Result<Answers> {
    let caller = |number| {
        let caller = Caller { number, of: in_flight, call, asked: 0 };
        tokio::spawn(caller.go(wires[number % wires.len()].clone(), window))
    };
    let callers: Vec<_> = (0..in_flight).map(caller).collect();
    let mut answers = Answers::new()?;
    for caller in callers {
        let (latency, asked) = caller.await??;
        answers.latency.add(latency)?;
        answers.accepted += asked;
    }
    Ok(answers)
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
            let message = message::about(self.call, id, format!("Ada {}", self.asked));
            let began = Instant::now();
            if began >= to {
                return Ok((latency, self.asked));
            }
            wire.call(self.call.path(), &message, id).await?;
            let ended = Instant::now();
            self.asked += 1;
            if ended >= from && ended < to {
                latency.saturating_record(u64::try_from((ended - began).as_micros())?);
            }
        }
    }
}
