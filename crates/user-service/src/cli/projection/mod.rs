//! `projection`: see how projections are, build them anew, switch between generations, look after what is parked.

mod desk;
mod progress;
mod table;

use anyhow::bail;
use clap::{Args, Subcommand, ValueEnum};
use cqrs::projection::{MoreParked, Outcome, Then, Wish};
use eventstore::{AggregateId, Slot};
use uuid::Uuid;

use super::settings::{AdminArgs, KeyArgs};
pub(super) use desk::{Desk, Own, service_at};

#[derive(Debug, Args)]
pub(super) struct ProjectionArgs {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    place: Place,
}

/// Where the projections are.
#[derive(Debug, Args)]
pub(super) struct Place {
    #[command(flatten)]
    pub(super) service: AdminArgs,
    #[command(flatten)]
    pub(super) key: KeyArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// How every projection is: its generations, how far they have come, who owns it
    List {
        /// One JSON object a line
        #[arg(long, global = true)]
        json: bool,
    },
    /// Build a projection anew from history beside the live one, compare, and put it in its place. Readers never see less: if
    /// users are parked in it whom the live one shows, it stays beside that until `switch`
    Rebuild {
        name: String,
        /// The rows of this user alone
        #[arg(long, conflicts_with = "keep")]
        user: Option<Uuid>,
        /// Build and compare only; `switch` puts it in place
        #[arg(long)]
        keep: bool,
    },
    /// Put the next generation in the place of the live one
    Switch {
        name: String,
        /// Also if users are parked in it whom the live one shows: they go from the view
        #[arg(long)]
        accept_parked: bool,
    },
    /// Put the prior generation back, after it has caught up
    Rollback { name: String },
    /// Drop a generation that is not live
    Retire { name: String, which: Which },
    /// Stop a projection until `resume`
    Pause { name: String },
    /// Let a paused projection go on
    Resume { name: String },
    /// What a projection could not take, by reference
    #[command(subcommand)]
    Parked(ParkedCommand),
}

#[derive(Debug, Subcommand)]
enum ParkedCommand {
    /// The users whose events are parked, and why
    List {
        name: String,
        /// The events themselves, one JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Every parked event of a user
    Show {
        name: String,
        #[arg(long)]
        user: Uuid,
    },
    /// Try again, after the cause was mended
    Retry {
        name: String,
        /// This user alone
        #[arg(long)]
        user: Option<Uuid>,
    },
    /// Leave a user's parked events out for ever: her rows will differ from her history until she is rebuilt
    Drop {
        name: String,
        #[arg(long)]
        user: Uuid,
        /// Why that is right. It is logged: nothing personal
        #[arg(long)]
        reason: String,
    },
}

/// A generation that is not live.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Which {
    Next,
    Prior,
}

pub(super) async fn projection(args: ProjectionArgs) -> anyhow::Result<()> {
    let desk = Desk::open(&args.place).await?;
    let done = serve(&desk, args.command).await;
    desk.close().await?;
    done
}

async fn serve(desk: &Desk, command: Command) -> anyhow::Result<()> {
    match command {
        Command::List { json } => table::print(&desk.status().await?, json),
        Command::Rebuild { name, user: Some(user), keep: _ } => {
            told(desk, &name, Wish::RebuildStream(AggregateId(user))).await?;
        }
        Command::Rebuild { name, user: None, keep } => {
            let then = if keep { Then::Keep } else { Then::Switch };
            told(desk, &name, Wish::Rebuild(then)).await?;
        }
        Command::Switch { name, accept_parked } => {
            let parked = if accept_parked { MoreParked::Accepted } else { MoreParked::Refused };
            told(desk, &name, Wish::Switch(parked)).await?;
        }
        Command::Rollback { name } => told(desk, &name, Wish::Rollback).await?,
        Command::Retire { name, which } => told(desk, &name, Wish::Retire(which.into())).await?,
        Command::Pause { name } => told(desk, &name, Wish::Pause).await?,
        Command::Resume { name } => told(desk, &name, Wish::Resume).await?,
        Command::Parked(command) => parked(desk, command).await?,
    }
    Ok(())
}

async fn parked(desk: &Desk, command: ParkedCommand) -> anyhow::Result<()> {
    match command {
        ParkedCommand::List { name, json: true } => table::print_lines(&desk.parked(&name, None).await?),
        ParkedCommand::List { name, json: false } => {
            table::print_parked_users(&desk.parked(&name, None).await?);
        }
        ParkedCommand::Show { name, user } => table::print_lines(&desk.parked(&name, Some(user)).await?),
        ParkedCommand::Retry { name, user } => {
            told(desk, &name, Wish::RetryParked(user.map(AggregateId))).await?;
        }
        ParkedCommand::Drop { name, user, reason } => {
            told(desk, &name, Wish::DropParked { stream: AggregateId(user), reason }).await?;
        }
    }
    Ok(())
}

/// Wishes, and prints what became of it. A script learns from the exit code whether it was done.
async fn told(desk: &Desk, name: &str, wish: Wish) -> anyhow::Result<()> {
    match desk.fulfil(name, wish).await? {
        Outcome::Done(text) => say!("{text}"),
        missed @ (Outcome::Refused(_) | Outcome::Failed(_)) => bail!("{name}: {missed}"),
    }
    Ok(())
}

impl From<Which> for Slot {
    fn from(which: Which) -> Self {
        match which {
            Which::Next => Self::Next,
            Which::Prior => Self::Prior,
        }
    }
}
