//! Two reads in turns: what the one takes in multiples of the other is all that counts.

use std::time::Instant;

use serde::{Deserialize, Serialize};

/// Microseconds of two reads in each round.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Compared {
    pub(crate) what: String,
    /// Of the live one, then of the one that is compared with it.
    pub(crate) rounds: Vec<(f64, f64)>,
}

/// How often, and how often each is asked in a round.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turns {
    pub(super) rounds: usize,
    pub(super) asked: usize,
}

/// In each round the medians, in microseconds.
pub(super) async fn pair(
    turns: Turns,
    one: impl AsyncFn() -> anyhow::Result<usize>,
    other: impl AsyncFn() -> anyhow::Result<usize>,
) -> anyhow::Result<Vec<(f64, f64)>> {
    let mut medians = Vec::new();
    for _ in 0..turns.rounds {
        let (mut ones, mut others) = (Vec::new(), Vec::new());
        for _ in 0..turns.asked {
            ones.push(timed(&one).await?);
            others.push(timed(&other).await?);
        }
        medians.push((median(ones), median(others)));
    }
    Ok(medians)
}

async fn timed(read: &impl AsyncFn() -> anyhow::Result<usize>) -> anyhow::Result<f64> {
    let begun = Instant::now();
    read().await?;
    Ok(begun.elapsed().as_secs_f64() * 1e6)
}

pub(super) fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
