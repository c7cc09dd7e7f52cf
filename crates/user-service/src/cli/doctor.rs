//! `doctor`: check a store against its own log, and have what is wrong mended.

use clap::Args;
use cqrs::projection::Outcome;
use indicatif::{ProgressBar, ProgressStyle};

use super::Exit;
use super::projection::{Desk, Place};
use crate::directory::{Directory, Parts};
use crate::doctor::{self, Mending, Progress, Report};
use crate::store::Access;

/// Reading takes the most time; what is compared then is said.
const BAR: &str = "{wide_bar} {percent}% of {len} events, {per_sec}, {eta} left{msg}";

#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    #[command(flatten)]
    place: Place,
    /// Check so many users, drawn at random, instead of everything
    #[arg(long, value_name = "USERS")]
    sample: Option<usize>,
    /// Mend the rows that are wrong, and no others, then look at them again. Ends with 3 if something is still wrong
    #[arg(long)]
    repair: bool,
}

pub(super) async fn doctor(args: &DoctorArgs) -> anyhow::Result<Exit> {
    let keys = args.place.key.of_existing(&args.place.service.store.store)?;
    let store = args.place.service.store.options(Access::Reader).open().await?;
    let directory = Directory::open_existing(store, Parts::of_an_operator(keys)).await?;
    let report = match args.sample {
        Some(users) => doctor::examine_some(&directory, users).await?,
        None => examine(&directory).await?,
    };
    let exit = show(&report);
    if args.repair && exit == Exit::Unsound {
        return repair(&directory, &args.place, &report).await;
    }
    Ok(exit)
}

/// Checks all of it, and shows how far that has come.
pub(super) async fn examine(directory: &Directory) -> anyhow::Result<Report> {
    let bar = ProgressBar::new(0).with_style(ProgressStyle::with_template(BAR)?);
    let report = doctor::examine_telling(directory, |progress| match progress {
        Progress::Read { events, of } => bar.update(|state| {
            state.set_len(of);
            state.set_pos(events);
        }),
        Progress::Compares(what) => bar.set_message(format!("; {what} are compared")),
    });
    let report = report.await;
    bar.finish_and_clear();
    Ok(report?)
}

/// Prints what was found, and says how the process is to end.
pub(super) fn show(report: &Report) -> Exit {
    say!("{report}");
    if report.findings.is_empty() { Exit::Success } else { Exit::Unsound }
}

/// Whoever owns the projections mends, this process if nobody does.
async fn repair(directory: &Directory, place: &Place, report: &Report) -> anyhow::Result<Exit> {
    let mending = Mending::of(report);
    if mending.wishes().next().is_some() {
        let desk = Desk::open(place).await?;
        let mended = mend(&desk, &mending).await;
        desk.close().await?;
        mended?;
    }
    let left = doctor::examine_mended(directory, &mending).await?;
    for finding in &left {
        say!("LEFT   {finding}\n       {}", finding.repair());
    }
    if left.is_empty() {
        say!("looked at again: all is well");
        return Ok(Exit::Success);
    }
    say!("looked at again: {} still wrong", left.len());
    Ok(Exit::Unsound)
}

async fn mend(desk: &Desk, mending: &Mending) -> anyhow::Result<()> {
    for (projection, wish) in mending.wishes() {
        let outcome = desk.fulfil(projection, wish).await?;
        let said = match &outcome {
            Outcome::Done(_) => "MENDED",
            Outcome::Refused(_) | Outcome::Failed(_) => "FAILED",
        };
        say!("{said} {projection}: {outcome}");
    }
    Ok(())
}
