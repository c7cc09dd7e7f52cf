//! `key`: see under which master keys the store's keys are, and wrap them anew with another.

mod keeper;

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use super::projection::Place;
use super::settings::new_master_key;
use keeper::Keeper;

const BAR: &str = "{wide_bar} {percent}% of {len} users, {per_sec}, {eta} left";

#[derive(Debug, Args)]
pub(super) struct KeyCommandArgs {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// How many users' keys are wrapped by which master key. A master key is known by four digits
    Status {
        /// As one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Wrap every key of the store anew, while the service goes on. Before: hand the new master key to every instance as an
    /// older one (--old-master-keys-file), and start it again. Afterwards: make it the current one everywhere, rotate once
    /// more for users who were new meanwhile, and take the old one away. Can be broken off, and begun again
    Rotate {
        /// A file with the new master key; or the key itself in `USER_SERVICE_NEW_MASTER_KEY`. Without either: the one that is
        /// current
        #[arg(long, value_name = "FILE")]
        new_master_key_file: Option<PathBuf>,
    },
}

pub(super) async fn key(args: KeyCommandArgs) -> anyhow::Result<()> {
    match args.command {
        Command::Status { json } => {
            let keeper = Keeper::open(&args.place, None).await?;
            let status = keeper.status().await;
            keeper.close().await;
            let status = status?;
            if json {
                say!("{status}");
            } else {
                print(&status);
            }
            Ok(())
        }
        Command::Rotate { new_master_key_file } => {
            let new = new_master_key(new_master_key_file.as_ref())?;
            let to = new.as_ref().map(|new| new.current().to_string());
            let keeper = Keeper::open(&args.place, new).await?;
            let rotated = rotate(&keeper, to).await;
            keeper.close().await;
            rotated
        }
    }
}

async fn rotate(keeper: &Keeper, to: Option<String>) -> anyhow::Result<()> {
    let before = keeper.status().await?;
    let to = to.or_else(|| before["current"].as_str().map(str::to_owned)).context("which key is current?")?;
    let bar = ProgressBar::new(users(&before).map(|(_, users)| users).sum());
    let bar = bar.with_style(ProgressStyle::with_template(BAR)?);
    let (mut rewrapped, mut unreadable, mut after) = (0, 0, None);
    loop {
        let step = keeper.rotate_some(&to, after.as_deref()).await?;
        let count = |what: &str| step[what].as_u64().unwrap_or_default();
        bar.inc(count("looked_at"));
        rewrapped += count("rewrapped");
        unreadable += count("unreadable");
        match step["next"].as_str() {
            Some(next) => after = Some(next.to_owned()),
            None => break,
        }
    }
    bar.finish_and_clear();
    say!("{rewrapped} users' keys were wrapped anew, with the master key {to}");
    print(&keeper.status().await?);
    if unreadable > 0 {
        bail!(
            "{unreadable} users' keys are under a master key that was not given, or damaged: `doctor` names them"
        );
    }
    Ok(())
}

fn print(status: &Value) {
    let current = status["current"].as_str().unwrap_or_default();
    let root = status["root"].as_str().unwrap_or_default();
    say!("{current}  wraps the keys of new users");
    say!("{root}  wraps the root of the vault");
    for (key, users) in users(status) {
        say!("{key}  wraps the keys of {users} users");
    }
}

fn users(status: &Value) -> impl Iterator<Item = (&str, u64)> {
    let users = status["users"].as_object().into_iter().flatten();
    users.map(|(key, users)| (key.as_str(), users.as_u64().unwrap_or_default()))
}
