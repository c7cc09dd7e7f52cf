//! G1: the rate of appends while the log grows from nothing to five million events of a million users.

use crate::bar::{Judged, Limit};
use crate::contender::on;
use crate::growth::{grow, last_of_first};
use crate::ratio::Ratio;
use crate::record::Series;
use crate::service::Engine;
use crate::stage::{Findings, Stage};

pub(super) const NAME: &str = "a log that grows";

pub(super) fn run(stage: &Stage) -> anyhow::Result<Findings> {
    let events = stage.full_or_quick(5_000_000, 100_000) as u64;
    let mut findings = Findings::default();
    for engine in Engine::ALL {
        let id = format!("G1-{}", engine.name());
        if !stage.only.wants(&id) {
            continue;
        }
        let seconds = on(1)?.block_on(grow(&stage.place, engine, events))?;
        let rates: Vec<_> =
            seconds.iter().map(|seconds| crate::load::ratio(events / 10, 1) / seconds).collect();
        println!("\n{}: appends in a second, tenth by tenth of {events} events: {rates:.0?}", engine.name());
        findings.series.push(Series {
            id: id.clone(),
            what: format!("{}: appends in a second, tenth by tenth of {events} events", engine.name()),
            values: rates,
        });
        findings.bars.push(Judged {
            id,
            what: format!("{}: the last tenth of {events} events, of the rate of the first", engine.name()),
            limit: Limit::AtLeast(0.7),
            ratio: Ratio::of(vec![last_of_first(&seconds)?])?,
        });
    }
    Ok(findings)
}
