//! `bench history`: a directory with a long past on both stores, and the bars of what can be asked of it.

use std::path::PathBuf;
use std::process::ExitCode;

use tempfile::TempDir;

use crate::contender::{Place, on};
use crate::past::{Built, Compared, Task};
use crate::postgres::{Database, Server};
use crate::ratio::Ratio;
use crate::report;
use crate::scenario::Judged;
use crate::workload::Rung;

#[derive(Debug, clap::Args)]
pub(crate) struct History {
    /// Write the bars here as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// A smaller directory and fewer rounds: shows the shape, decides no bar
    #[arg(long)]
    quick: bool,

    /// How many users
    #[arg(long, value_name = "N")]
    users: Option<usize>,

    #[command(flatten)]
    server: Server,
}

/// How large, and how often.
struct Size {
    users: usize,
    rounds: usize,
    exported: [u64; 2],
}

impl History {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let users = self.users.unwrap_or(if self.quick { 30_000 } else { 1_000_000 });
        let exported = [users as u64 / 10, users as u64];
        let size = Size { users, rounds: if self.quick { 3 } else { 5 }, exported };
        let place = Place::new(self.server)?;
        let folder = TempDir::new_in(&place.folder)?;
        let file = format!("sqlite:{}", folder.path().join("store.db").display());
        let mut judged = on_one("sqlite", &file, &size)?;
        drop(folder);
        let runtime = on(1)?;
        let database = runtime.block_on(Database::fresh(&place.server, Rung::Row))?;
        judged.extend(on_one("postgres", &database.url, &size)?);
        runtime.block_on(database.drop())?;
        report::print_bars(&judged);
        if let Some(file) = &self.json {
            report::write_bars(file, &judged)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Everything that is measured on one store.
fn on_one(store: &str, url: &str, size: &Size) -> anyhow::Result<Vec<Judged>> {
    let events: u64 = Task::Write { users: size.users }.measure(url)?;
    eprintln!("{store}: {events} events of {} users", size.users);
    let mut judged = rebuilt(store, url)?;
    judged.extend(moments(store, url, size.rounds)?);
    judged.push(exported(store, url, size.exported)?);
    let listened: Compared = Task::Feed { rounds: size.rounds }.measure(url)?;
    judged.push(compared(format!("feed-{store}"), &listened, 1.5)?);
    Ok(judged)
}

fn rebuilt(store: &str, url: &str) -> anyhow::Result<Vec<Judged>> {
    let folded: Built = Task::Fold.measure(url)?;
    let built: Vec<Built> = Task::Rebuild { only: None }.measure(url)?;
    print_built(store, std::iter::once(&folded).chain(&built));
    let rate = |built: &Built| crate::load::ratio(built.events, 1) / built.seconds;
    let judge = |built: &Built| {
        Ok(Judged {
            id: format!("rebuild-{store}-{}", built.what),
            what: format!("{} built anew, of the rate of decoding and folding", built.what),
            at_least: 0.3,
            ratio: Ratio::of(vec![rate(built) / rate(&folded)])?,
        })
    };
    built.iter().skip(1).map(judge).collect()
}

/// Pages against the first page of today: those of the past within twice its time, the others within one and a half.
fn moments(store: &str, url: &str, rounds: usize) -> anyhow::Result<Vec<Judged>> {
    let measured: Vec<Compared> = Task::Moments { rounds }.measure(url)?;
    let within = |what: &str| match what {
        "searched" => 3.0,
        "at depth" | "of those suspended" | "by e-mail" => 1.5,
        _ => 2.0,
    };
    let judge = |one: &Compared| {
        compared(format!("page-{store}-{}", one.what.replace([' ', '%', '.'], "-")), one, within(&one.what))
    };
    measured.iter().map(judge).collect()
}

/// The memory of an export does not grow with what is exported.
fn exported(store: &str, url: &str, events: [u64; 2]) -> anyhow::Result<Judged> {
    let [few, many] = events;
    let few: Built = Task::Export { events: few }.measure(url)?;
    let many: Built = Task::Export { events: many }.measure(url)?;
    print_built(store, [&few, &many]);
    Ok(Judged {
        id: format!("export-{store}"),
        what: "memory of an export, a tenth of it to all of it".to_owned(),
        at_least: 0.8,
        ratio: Ratio::of(vec![few.peak_mib / many.peak_mib])?,
    })
}

/// The time of the one as a part of the other's: at least one over `within`.
fn compared(id: String, compared: &Compared, within: f64) -> anyhow::Result<Judged> {
    let ratio = Ratio::of(compared.rounds.iter().map(|(one, other)| one / other).collect())?;
    for (one, other) in &compared.rounds {
        eprintln!("{id}: {one:.0} µs, {other:.0} µs");
    }
    Ok(Judged { id, what: compared.what.clone(), at_least: 1.0 / within, ratio })
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
