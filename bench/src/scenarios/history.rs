//! A directory with a long past on both stores: what can be asked of it, and what it costs to build anew.

use anyhow::Context;

use crate::bar::{Judged, Limit};
use crate::contender::on;
use crate::past::{Built, Compared, Kind, Page, Task};
use crate::ratio::Ratio;
use crate::record::Series;
use crate::service::{Cores, Engine, Service};
use crate::stage::{Findings, Stage};

pub(super) const NAME: &str = "a directory with a long past";

pub(super) fn run(stage: &Stage) -> anyhow::Result<Findings> {
    stage.on_both_stores(|engine, url| on_one(engine, url, stage))
}

/// Everything that is measured on one store.
fn on_one(engine: Engine, url: &str, stage: &Stage) -> anyhow::Result<Findings> {
    let store = engine.name();
    let (users, rounds) = (stage.full_or_quick(1_000_000, 10_000), stage.full_or_quick(5, 2));
    let events: u64 = Task::Write { users }.measure(url)?;
    eprintln!("{store}: {events} events of {users} users");
    let (mut findings, mut judged) = (Findings::default(), Vec::new());
    if stage.only.touches(&["G2"]) {
        findings.extend(rebuilt(engine, url, (users, stage.full_or_quick(PROJECTED, PROJECTED / 10)))?);
    }
    if stage.only.touches(&["G4"]) {
        judged.push(started(engine, url, stage)?);
    }
    if stage.only.touches(&["R3"]) {
        judged.extend(listed(store, url, rounds)?);
    }
    if stage.only.touches(&["R5"]) {
        judged.extend(moments(store, url, rounds)?);
    }
    if stage.only.touches(&["export"]) {
        judged.push(exported(store, url, [events / 10, events])?);
    }
    if stage.only.touches(&["G7"]) {
        let listened: Compared = Task::Feed { rounds }.measure(url)?;
        judged.push(compared(format!("G7-{store}"), &listened, 1.5)?);
    }
    findings.extend(judged.into());
    Ok(findings)
}

/// The users built anew: on SQLite against decoding and folding, on PostgreSQL against the predecessor's projector before and
/// after, in bounded memory. Every row was compared with the live ones, or the measurement has failed.
fn rebuilt(engine: Engine, url: &str, (users, events): (usize, usize)) -> anyhow::Result<Findings> {
    let store = engine.name();
    let project = || -> anyhow::Result<Option<Built>> {
        match engine {
            Engine::Sqlite => Ok(None),
            Engine::Postgres => Ok(Some(Task::Projector { users, events }.measure(url)?)),
        }
    };
    let before = project()?;
    let folded: Built = Task::Fold.measure(url)?;
    let built: Vec<Built> = Task::Rebuild { only: None }.measure(url)?;
    let projected: Vec<_> = before.into_iter().chain(project()?).collect();
    let all = || std::iter::once(&folded).chain(&built).chain(&projected);
    print_built(store, all());
    let anew = built.iter().skip(1);
    let mut bars = vec![bounded(store, &built)?];
    match engine {
        Engine::Sqlite => {
            bars.extend(anew.map(|built| folds(store, built, &folded)).collect::<Result<Vec<_>, _>>()?);
        }
        Engine::Postgres => {
            let users = built.iter().find(|built| built.what == "users").context("users were not built")?;
            let ratios = projected.iter().map(|projected| rate(users) / rate(projected));
            bars.push(Judged {
                id: format!("G2-{store}-seed"),
                what: format!("{store}: users built anew, times the predecessor's projector"),
                limit: Limit::AtLeast(50.0),
                ratio: Ratio::of(ratios.collect())?,
            });
        }
    }
    let series = all().map(|built| noted(store, built)).collect();
    Ok(Findings { bars, series, ..Findings::default() })
}

/// Events that the predecessor's projector is given: what it costs for each does not depend on how many there are.
const PROJECTED: usize = 20_000;

/// What building anew may take, however long the log is; that is what the service as a whole may.
const MEMORY_MAX_MIB: f64 = 256.0;

fn rate(built: &Built) -> f64 {
    crate::load::ratio(built.events, 1) / built.seconds
}

/// The largest decides: one that does not stay within it is enough.
fn bounded(store: &str, built: &[Built]) -> anyhow::Result<Judged> {
    let peak_mib = built.iter().map(|built| built.peak_mib).fold(0.0, f64::max);
    Ok(Judged {
        id: format!("G2-{store}-memory"),
        what: format!("{store}: memory of building anew, of {MEMORY_MAX_MIB} MiB"),
        limit: Limit::AtMost(1.0),
        ratio: Ratio::of(vec![peak_mib / MEMORY_MAX_MIB])?,
    })
}

fn folds(store: &str, built: &Built, folded: &Built) -> anyhow::Result<Judged> {
    Ok(Judged {
        id: format!("G2-{store}-{}", built.what.replace('_', "-")),
        what: format!("{store}: {} built anew, of the rate of decoding and folding", built.what),
        limit: Limit::AtLeast(0.3),
        ratio: Ratio::of(vec![rate(built) / rate(folded)])?,
    })
}

fn noted(store: &str, built: &Built) -> Series {
    let [half, most, longest] = built.waited;
    Series {
        id: format!("G2-{store}"),
        what: format!(
            "{}: events a second · MiB at most · a writer waited ms: p50 · p99 · longest",
            built.what
        ),
        values: vec![rate(built), built.peak_mib, half, most, longest],
    }
}

/// Today's pages against the first of them. What a total costs is shown; there is no bar for it.
fn listed(store: &str, url: &str, rounds: usize) -> anyhow::Result<Vec<Judged>> {
    let pages: Vec<Page> = Task::Lists { rounds }.measure(url)?;
    print_pages(store, &pages)?;
    let judge = |page: Page| {
        let within = match page.kind {
            Kind::Listed => 1.5,
            Kind::Searched => 3.0,
            Kind::Counted => return None,
        };
        let what = format!("{store}: a page {}, of the first", page.compared.what);
        Some(compared(format!("R3-{store}-{}", page.name), &Compared { what, ..page.compared }, within))
    };
    pages.into_iter().filter_map(judge).collect()
}

fn print_pages(store: &str, pages: &[Page]) -> anyhow::Result<()> {
    println!("\n{store}, a page of 50 {:>26} {:>9} {:>9}", "", "first µs", "µs");
    for Page { compared: Compared { what, rounds }, .. } in pages {
        let (first, page): (Vec<_>, Vec<_>) = rounds.iter().copied().unzip();
        let (first, page) = (Ratio::of(first)?.median, Ratio::of(page)?.median);
        println!("{what:<48} {first:>9.0} {page:>9.0}");
    }
    Ok(())
}

/// Pages of the past within twice the time of the first page of today.
fn moments(store: &str, url: &str, rounds: usize) -> anyhow::Result<Vec<Judged>> {
    let measured: Vec<Compared> = Task::Moments { rounds }.measure(url)?;
    let judge = |one: &Compared| compared(format!("R5-{store}-{}", dashed(&one.what)), one, 2.0);
    measured.iter().map(judge).collect()
}

/// The shipped binary on this store and on an empty one, in turns, until it serves. Each has been served once before, so
/// nothing is made at the start.
fn started(engine: Engine, url: &str, stage: &Stage) -> anyhow::Result<Judged> {
    let (runtime, store) = (on(1)?, engine.name());
    let start = |url: &str| runtime.block_on(Service::seconds_to_start(url, Cores::Shared));
    let ratios = stage.on_new_store(engine, |empty| {
        start(empty)?;
        start(url)?;
        let round = |_| anyhow::Ok(start(url)? / start(empty)?);
        (0..stage.full_or_quick(7, 3)).map(round).collect::<anyhow::Result<Vec<_>>>()
    })?;
    Ok(Judged {
        id: format!("G4-{store}"),
        what: format!("{store}: start with a long past, of the start on an empty store"),
        limit: Limit::AtMost(2.0),
        ratio: Ratio::of(ratios)?,
    })
}

/// The memory of an export does not grow with what is exported.
fn exported(store: &str, url: &str, events: [u64; 2]) -> anyhow::Result<Judged> {
    let [few, many] = events;
    let few: Built = Task::Export { events: few }.measure(url)?;
    let many: Built = Task::Export { events: many }.measure(url)?;
    print_built(store, [&few, &many]);
    Ok(Judged {
        id: format!("export-{store}"),
        what: format!("{store}: memory of an export, all of it to a tenth of it"),
        limit: Limit::AtMost(1.25),
        ratio: Ratio::of(vec![many.peak_mib / few.peak_mib])?,
    })
}

/// The words of a bar in its name.
fn dashed(what: &str) -> String {
    what.replace([' ', '%', '.'], "-").replace("--", "-")
}

/// The time of the other, in multiples of the one's.
fn compared(id: String, compared: &Compared, within: f64) -> anyhow::Result<Judged> {
    let ratio = Ratio::of(compared.rounds.iter().map(|(one, other)| other / one).collect())?;
    for (one, other) in &compared.rounds {
        eprintln!("{id}: {one:.0} µs, {other:.0} µs");
    }
    let what = compared.what.clone();
    Ok(Judged { id, what, limit: Limit::AtMost(within), ratio })
}

fn print_built<'a>(store: &str, built: impl IntoIterator<Item = &'a Built>) {
    println!(
        "\n{store:<32} {:>9} {:>9} {:>8} {:>8}   waited ms: p50 p99 max",
        "events", "per s", "CPU s", "MiB"
    );
    for one in built {
        let rate = crate::load::ratio(one.events, 1) / one.seconds;
        let [half, most, longest] = one.waited;
        println!(
            "{:<32} {:>9} {rate:>9.0} {:>8.1} {:>8.0}   {half:.1} {most:.1} {longest:.1}",
            one.what, one.events, one.processor_seconds, one.peak_mib
        );
    }
}
