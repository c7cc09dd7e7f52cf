//! `cargo xtask campaign`: the fault campaigns and, for each, the control that must make it fail.
//! What they do stands in `crates/campaigns`; here they are given a server and the product to break.

use std::process::{Command, ExitCode};

use anyhow::{Context, bail};

use crate::postgres::{Choice, Purpose, Server};
use crate::repository::{cargo, target_dir};
use crate::shell;

/// The exit code of a campaign whose oracle found what must not be. Anything else but 0 is a crash, which proves
/// nothing about the control that caused it.
pub(crate) const VIOLATIONS_FOUND: u8 = 3;

/// The campaigns that are given a server of their own, whoever names another.
const BREAK_THEIR_SERVER: [&str; 7] =
    ["kill-postgres", "power-cut", "black-hole", "bad-disk", "clock-jump", "failover", "point-in-time"];

/// A campaign and the settings or adapters that must make it fail.
#[derive(Debug)]
pub(crate) struct Campaign {
    pub name: &'static str,
    pub control: &'static str,
    shows: &'static str,
}

pub(crate) const CAMPAIGNS: [Campaign; 25] = [
    Campaign {
        name: "kill-service",
        control: "acknowledge-before-commit",
        shows: "nothing acknowledged is lost or doubled under kill -9",
    },
    Campaign {
        name: "unique-race",
        control: "check-then-insert",
        shows: "one owner per e-mail, however it is spelled and raced for",
    },
    Campaign {
        name: "visibility",
        control: "bigserial",
        shows: "no reader misses, doubles or sees an event out of order",
    },
    Campaign {
        name: "read-your-writes",
        control: "cached-instance",
        shows: "no read after a write is stale, from any instance",
    },
    Campaign {
        name: "differential",
        control: "one-rule-changed",
        shows: "SQLite, PostgreSQL and the model give the same answers",
    },
    Campaign {
        name: "owner-kill",
        control: "no-fence",
        shows: "whoever owns a projection dies or sleeps: nothing twice, nothing missing",
    },
    Campaign {
        name: "projector-crash",
        control: "checkpoint-apart",
        shows: "a crash at any step of a projection leaves the fold of the log",
    },
    Campaign {
        name: "poison",
        control: "skip-on-error",
        shows: "whoever an unreadable event is about waits, the others do not; the fix mends it",
    },
    Campaign {
        name: "erasure",
        control: "rows-left-to-the-projection",
        shows: "whoever is erased is gone from every table and all that is told, also when a backup is put back",
    },
    Campaign {
        name: "rebuild-under-load",
        control: "swap-without-lock",
        shows: "nobody is missing while everything is built anew under writers and readers",
    },
    Campaign {
        name: "as-of",
        control: "order-by-arrival",
        shows: "every moment of the past is as the log says, on every page",
    },
    Campaign {
        name: "repair",
        control: "blind-doctor",
        shows: "a row that is not what the log says is named and mended, and no other is touched",
    },
    Campaign {
        name: "feed",
        control: "position-only",
        shows: "each listener gets exactly her events in order, and learns of a log that went another way",
    },
    Campaign {
        name: "restore",
        control: "head-only",
        shows: "projections and feeds beyond a restored backup stop and say so; nothing is corrupted",
    },
    Campaign {
        name: "cut",
        control: "no-request-ids",
        shows: "whoever asks again after a cut wire is told the same, and it happened once",
    },
    Campaign {
        name: "linearizable",
        control: "no-version-check",
        shows: "what is done to a user from several instances at once happens one after the other",
    },
    Campaign {
        name: "kill-postgres",
        control: "weak-durability",
        shows: "nothing acknowledged is lost or doubled when PostgreSQL is killed; the service goes on",
    },
    Campaign {
        name: "power-cut",
        control: "weak-durability",
        shows: "nothing acknowledged is lost or doubled when the power goes under either store",
    },
    Campaign {
        name: "rolling-restart",
        control: "no-retries",
        shows: "callers who retry as told do not notice that instances end and start anew",
    },
    Campaign {
        name: "black-hole",
        control: "call-unknowns-failures",
        shows: "without its database the service says so in time, tells no lie, and goes on by itself",
    },
    Campaign {
        name: "bad-disk",
        control: "acknowledge-before-commit",
        shows: "a disk that is slow, full or broken loses nothing, and what cannot be done is refused",
    },
    Campaign {
        name: "clock-jump",
        control: "accept-every-jump",
        shows: "no clock changes the order, and a long jump forward stops writing until it is accepted",
    },
    Campaign {
        name: "failover",
        control: "asynchronous",
        shows: "nothing acknowledged is lost when the standby takes over; the service follows",
    },
    Campaign {
        name: "import",
        control: "fresh-import-ids",
        shows: "an import that is killed and sent again, from either end, brings every row in once",
    },
    Campaign {
        name: "point-in-time",
        control: "empty-list",
        shows: "a backup and an archive of PostgreSQL lead back to a moment, and the erased are erased again",
    },
];

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Which campaign; --list shows them
    #[arg(required_unless_present = "list")]
    name: Option<String>,

    /// Rounds, kills, events or commands, as the campaign counts; small without it
    #[arg(long)]
    size: Option<u64>,

    /// Break the product on purpose: the campaign must find it and end with exit code 3
    #[arg(long)]
    control: Option<String>,

    /// Show the campaigns and their controls
    #[arg(long)]
    list: bool,

    #[command(flatten)]
    postgres: Choice,

    /// For the campaign itself
    #[arg(last = true)]
    more: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    if arguments.list {
        for Campaign { name, control, shows } in &CAMPAIGNS {
            println!("{name:<18} {shows}\n{:<18} --control {control}", "");
        }
        return Ok(ExitCode::SUCCESS);
    }
    let name = arguments.name.as_deref().context("which campaign?")?;
    if !CAMPAIGNS.iter().any(|campaign| campaign.name == name) {
        bail!("there is no campaign {name:?}; see `cargo xtask campaign --list`");
    }
    start(name, arguments)
}

/// Set by CI, which has built everything before.
pub(crate) const BUILT: &str = "XTASK_BUILT";

/// The service and what breaks it, together: built apart they would have other features, and be built twice.
pub(crate) fn build() -> anyhow::Result<()> {
    if std::env::var_os(BUILT).is_some() {
        return Ok(());
    }
    shell::run(cargo().args(["build", "--quiet", "--package", "campaigns", "--package", "user-service"]))
}

/// Builds first and runs the program itself: its exit code must arrive, and Cargo would wait in between.
fn start(name: &str, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    build()?;
    let build = target_dir()?.join("debug");
    let server = if BREAK_THEIR_SERVER.contains(&name) {
        Server::of_our_own(&arguments.postgres, Purpose::Campaign)?
    } else {
        Server::provide(&arguments.postgres, Purpose::Campaign)?
    };
    let mut command = Command::new(build.join("campaigns"));
    command.arg(name).current_dir(crate::repository::root());
    command.env("USER_SERVICE_PROGRAM", build.join("user-service"));
    server.tell(&mut command);
    if let Some(size) = arguments.size {
        command.arg("--size").arg(size.to_string());
    }
    if let Some(control) = &arguments.control {
        command.arg("--control").arg(control);
    }
    let status = shell::show(command.args(&arguments.more))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(ExitCode::from(code.with_context(|| format!("the campaign was ended: {status}"))?))
}
