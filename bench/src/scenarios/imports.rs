//! G6: users who come in through `ImportUsers` with hashes of their passwords, of the rate at which the store alone takes
//! commands; and whether the last come in as fast as the first.

use super::rates;
use crate::bar::{Judged, Limit};
use crate::contender::Contender::{Imports, Postgres, Sqlite};
use crate::contender::on;
use crate::growth::last_of_first;
use crate::ratio::Ratio;
use crate::scenario::Scenario;
use crate::service::{Engine, tenths};
use crate::stage::{Findings, Stage};
use crate::workload::Rung;

pub(super) const NAME: &str = "a directory that moves in";

pub(super) fn run(stage: &Stage) -> anyhow::Result<Findings> {
    let mut findings = stage.play(scenario())?;
    // A million take ten minutes on both stores, which a run of everything does not have.
    let rows = stage.full_or_quick(200_000, 20_000) as u64;
    for engine in Engine::ALL {
        let id = format!("G6-{}-growth", engine.name());
        if stage.only.wants(&id) {
            findings.bars.push(growth(stage, engine, rows, id)?);
        }
    }
    Ok(findings)
}

fn scenario() -> Scenario {
    let bar = |engine: Engine| {
        let alone = match engine {
            Engine::Sqlite => Sqlite(Rung::Row),
            Engine::Postgres => Postgres(Rung::Row),
        };
        rates(
            &format!("G6-{}-rate", engine.name()),
            format!("{}: rows of ImportUsers, of commands of the store alone, 64 callers", engine.name()),
            (Imports(engine).at(1), alone.at(64)),
            0.5,
        )
    };
    Scenario { name: NAME, yardsticks: Vec::new(), bars: Engine::ALL.map(bar).to_vec(), beside: Vec::new() }
}

fn growth(stage: &Stage, engine: Engine, rows: u64, id: String) -> anyhow::Result<Judged> {
    let place = (&stage.place.server, stage.place.folder.as_path());
    let seconds = on(1)?.block_on(tenths(place, engine, rows))?;
    let rates: Vec<_> = seconds.iter().map(|seconds| crate::load::ratio(rows / 10, 1) / seconds).collect();
    println!("\n{}: rows in a second, tenth by tenth of {rows}: {rates:.0?}", engine.name());
    Ok(Judged {
        id,
        what: format!(
            "{}: the last tenth of {rows} rows of an import, of the rate of the first",
            engine.name()
        ),
        limit: Limit::AtLeast(0.7),
        ratio: Ratio::of(vec![last_of_first(&seconds)?])?,
    })
}
