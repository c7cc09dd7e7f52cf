//! W9: a user with ten events, a thousand and a hundred thousand: the same command costs the same, by a process that knows
//! her and by one that has just been started.

use crate::bar::{Judged, Limit};
use crate::past::{Stream, Task};
use crate::ratio::Ratio;
use crate::stage::{Findings, Stage};

pub(super) const NAME: &str = "users with few and many events";

pub(super) fn run(stage: &Stage) -> anyhow::Result<Findings> {
    stage.on_both_stores(|engine, url| on_one(engine.name(), url, stage))
}

fn on_one(store: &str, url: &str, stage: &Stage) -> anyhow::Result<Vec<Judged>> {
    let (most, rounds) = (stage.full_or_quick(100_000, 2000), stage.full_or_quick(7, 3));
    let mut streams: Vec<Stream> = Task::Streams { most, rounds }.measure(url)?;
    let mut judged = judge(store, "warm", &streams)?;
    for stream in &mut streams {
        stream.micros.clear();
    }
    for round in 0..rounds {
        // Once forth and once back: whoever comes after another process finds something warm.
        let mut order: Vec<_> = streams.iter_mut().collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for stream in order {
            stream.micros.push(Task::First { id: stream.id }.measure(url)?);
        }
    }
    judged.extend(judge(store, "cold", &streams)?);
    Ok(judged)
}

/// Each against the user with the fewest events.
fn judge(store: &str, how: &str, streams: &[Stream]) -> anyhow::Result<Vec<Judged>> {
    let Some((few, many)) = streams.split_first() else { return Ok(Vec::new()) };
    let judge = |many: &Stream| {
        let (events, fewest) = (many.events, few.events);
        let ratios = many.micros.iter().zip(&few.micros).map(|(many, few)| many / few);
        Ok(Judged {
            id: format!("W9-{store}-{events}-{how}"),
            what: format!("{store}: a command on a user with {events} events, of one with {fewest}, {how}"),
            limit: Limit::AtMost(1.2),
            ratio: Ratio::of(ratios.collect())?,
        })
    };
    many.iter().map(judge).collect()
}
