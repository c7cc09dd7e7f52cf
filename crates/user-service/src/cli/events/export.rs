//! `events export`: everything that happened, to a file or to the standard output, with a bar that says how far it is.

use std::fs::OpenOptions;
use std::io::{BufWriter, Write, stdout};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use buffa::MessageField;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use user_api::v1;

use super::super::api::ApiArgs;
use super::Format;
use super::filter::{WhenArgs, WhichArgs};

/// Positions of the log, how fast, how much longer, and how many events that made.
const BAR: &str = "{wide_bar} {percent}% of {len} positions, {per_sec}, {eta} left; {msg}";

#[derive(Debug, Args)]
pub(in super::super) struct ExportArgs {
    #[command(flatten)]
    api: ApiArgs,
    #[command(flatten)]
    which: WhichArgs,
    #[command(flatten)]
    when: WhenArgs,
    /// How they are written
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    format: Format,
    /// The file to write; the standard output if absent
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Go on after this log position, where an export broke off: the file is added to
    #[arg(long, value_name = "POSITION", default_value_t = 0)]
    after: u64,
}

/// How far an export has come.
#[derive(Clone, Copy, Debug)]
struct Reached {
    position: u64,
    events: u64,
}

pub(super) async fn export(args: ExportArgs) -> anyhow::Result<()> {
    let mut out = open(args.output.as_deref(), args.after)?;
    let bar = ProgressBar::new(0).with_style(ProgressStyle::with_template(BAR)?);
    let mut reached = Reached { position: args.after, events: 0 };
    let written = write(&args, &mut out, &bar, &mut reached).await;
    bar.finish_and_clear();
    out.flush()?;
    written.with_context(|| {
        format!("the export broke off: go on with --after {}, what is written is whole", reached.position)
    })?;
    eprintln!("{} events, up to position {}", reached.events, reached.position);
    Ok(())
}

fn open(output: Option<&Path>, after: u64) -> anyhow::Result<Box<dyn Write>> {
    let Some(path) = output else { return Ok(Box::new(stdout().lock())) };
    let mut options = OpenOptions::new();
    // What happened to people is for whoever asked, and for nobody else on the machine.
    let file = match after {
        0 => options.write(true).create(true).truncate(true).mode(0o600),
        _ => options.append(true),
    };
    let file = file.open(path).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(Box::new(BufWriter::new(file)))
}

async fn write(
    args: &ExportArgs,
    out: &mut dyn Write,
    bar: &ProgressBar,
    reached: &mut Reached,
) -> anyhow::Result<()> {
    let request = v1::ExportEventsRequest {
        filter: MessageField::some(args.which.filter(args.when)),
        format: match args.format {
            Format::Jsonl => v1::ExportFormat::JsonLines.into(),
            Format::Csv => v1::ExportFormat::Csv.into(),
        },
        after_position: args.after,
    };
    let mut parts = args.api.stream("ExportEvents", &serde_json::to_value(&request)?).await?;
    while let Some(part) = parts.next().await? {
        let part: v1::ExportEventsResponse = serde_json::from_value(part)?;
        out.write_all(&part.chunk).context("cannot write")?;
        *reached = Reached { position: part.position, events: part.events };
        bar.set_length(part.end_position.saturating_sub(args.after));
        bar.set_position(part.position.saturating_sub(args.after));
        bar.set_message(format!("{} events", part.events));
    }
    Ok(())
}
