//! `events`: what happened, listed, followed and taken away, from a running service.

mod export;
mod filter;
mod list;
mod tail;

use clap::{Subcommand, ValueEnum};

use crate::grpc::event_lines::EventLines;

#[derive(Debug, Subcommand)]
pub(super) enum EventsCommand {
    /// List what happened, newest first unless asked otherwise
    List(list::ListArgs),
    /// Show the latest events, and with --follow every one that happens from now on
    Tail(tail::TailArgs),
    /// Write everything that happened to a file or to the standard output
    Export(export::ExportArgs),
}

/// How events are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// JSON Lines: one object a line
    Jsonl,
    /// RFC 4180 with a header; cells that a spreadsheet would calculate begin with an apostrophe
    Csv,
}

impl From<Format> for EventLines {
    fn from(format: Format) -> Self {
        match format {
            Format::Jsonl => Self::Json,
            Format::Csv => Self::Csv,
        }
    }
}

pub(super) async fn events(command: EventsCommand) -> anyhow::Result<()> {
    match command {
        EventsCommand::List(args) => list::list(args).await,
        EventsCommand::Tail(args) => tail::tail(args).await,
        EventsCommand::Export(args) => export::export(args).await,
    }
}
