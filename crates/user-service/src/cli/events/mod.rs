//! `events`: what happened, listed, followed and taken away, from a running service.

mod export;
mod filter;
mod list;
mod tail;

use std::io::{self, Write, stdout};

use clap::{Subcommand, ValueEnum};
use user_api::v1;

use super::shown::{Kind, List, Reader};
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

/// How events are written to a file.
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

/// How events are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Look {
    /// For people
    Table,
    /// JSON Lines: one object a line
    Jsonl,
    /// RFC 4180 with a header; cells that a spreadsheet would calculate begin with an apostrophe
    Csv,
}

/// Events on the standard output, as they come.
enum Shown {
    Table(List),
    Lines(EventLines),
}

impl Shown {
    fn begin(look: Look) -> io::Result<Self> {
        let lines = match look {
            Look::Table => return Ok(Self::Table(List::new(Kind::Events, Reader::Person))),
            Look::Jsonl => EventLines::Json,
            Look::Csv => EventLines::Csv,
        };
        stdout().write_all(lines.header().as_bytes())?;
        Ok(Self::Lines(lines))
    }

    /// At once: whoever follows wants to see what happens when it happens.
    fn print(&mut self, events: &[v1::UserEvent]) -> anyhow::Result<()> {
        match self {
            Self::Table(list) => {
                let events: Result<Vec<_>, _> = events.iter().map(serde_json::to_value).collect();
                list.print(&events?)?;
            }
            Self::Lines(lines) => {
                events.iter().try_for_each(|event| stdout().write_all(lines.line(event).as_bytes()))?;
            }
        }
        Ok(stdout().flush()?)
    }
}

pub(super) async fn events(command: EventsCommand) -> anyhow::Result<()> {
    match command {
        EventsCommand::List(args) => list::list(args).await,
        EventsCommand::Tail(args) => tail::tail(args).await,
        EventsCommand::Export(args) => export::export(args).await,
    }
}
