//! The command line: what can be said, and who does it.

#![warn(clippy::print_stdout)] // it panics when nobody reads: `say!` does not

/// Prints a line. Whoever reads may stop when she has seen enough: what was asked for is done all the same, and the exit
/// code says how it ended.
macro_rules! say {
    ($($line:tt)*) => {{
        use std::io::Write as _;
        let _nobody_reads = writeln!(std::io::stdout(), $($line)*);
    }};
}

mod api;
mod backup;
mod clock;
mod configuration;
mod doctor;
mod events;
mod examples;
mod key;
mod limits;
mod log;
mod migrate;
mod moment;
mod projection;
mod protection;
mod restore;
mod serve;
mod settings;
mod shown;
mod table;
mod tls;
mod token;
mod top_users;
mod users;

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Context;
use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::{Generator, Shell};

pub use log::{LogArgs, LogFormat};
use settings::AdminArgs;
use top_users::TopUsersArgs;

/// The directory of users: every change an immutable event, everything that is read a projection of them.
#[derive(Debug, Parser)]
#[command(name = "user-service", version)]
pub struct Cli {
    /// A file with settings: `user-service config` prints one with every default
    #[arg(long, global = true, env = "USER_SERVICE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    log: LogArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve users over gRPC, gRPC-Web and JSON until told to stop
    #[command(after_help = examples::SERVE)]
    Serve(serve::ServeArgs),
    /// Bring a store to the schema that this binary needs (PostgreSQL: as its owner), then exit
    #[command(after_help = examples::MIGRATE)]
    Migrate(migrate::MigrateArgs),
    /// See how projections are, build them anew, switch between generations, look after what is parked
    #[command(after_help = examples::PROJECTION)]
    Projection(projection::ProjectionArgs),
    /// Copy an embedded store to a file, while a service is using it or none does, and check the copy. Ends with 3 if
    /// something is wrong with the store
    #[command(after_help = examples::BACKUP)]
    Backup(backup::BackupArgs),
    /// Put a backup in the place of an embedded store, or look after one that has been put back: erase again whoever has been
    /// erased since it was made, then check everything. Ends with 3 if something is wrong
    #[command(after_help = examples::RESTORE)]
    Restore(restore::RestoreArgs),
    /// Check a store against its own log, also while a service is using it. Ends with 3 if something is wrong
    #[command(after_help = examples::DOCTOR)]
    Doctor(doctor::DoctorArgs),
    /// Rotate the master key: see what is wrapped by which, and wrap all anew while the service goes on
    #[command(after_help = examples::KEY)]
    Key(key::KeyCommandArgs),
    /// Ask about users and change them, as they are and as they were, through a running service
    #[command(after_help = examples::USERS)]
    Users(users::UsersArgs),
    /// Show, follow and export what happened, from a running service
    #[command(subcommand, after_help = examples::EVENTS)]
    Events(events::EventsCommand),
    /// Make, show and revoke the tokens that callers of a running service show
    #[command(after_help = examples::TOKEN)]
    Token(token::TokenArgs),
    /// Tell a running service that a clock which jumped forward is right
    AcceptClock(AdminArgs),
    /// Print every setting with its default and what it means, as a configuration file
    Config,
    /// Print what completes commands in a shell: `source <(user-service completions bash)`
    Completions {
        /// Of which shell
        shell: Shell,
    },
    /// Print a manual page, of all or of one command
    #[command(after_help = examples::MAN)]
    Man {
        /// Of which command: its words
        #[arg(value_name = "COMMAND")]
        command: Vec<String>,
    },
    /// Show whom a running service is asked about most
    TopUsers(TopUsersArgs),
}

/// What the process ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All is well.
    Success,
    /// The store contradicts its own log.
    Unsound,
}

impl Cli {
    /// What was said on the command line, in the environment, and in the file that either names. Ends the process if it
    /// cannot be understood, as it does when only help was asked for.
    #[must_use]
    pub fn said() -> Self {
        configuration::cli(std::env::args_os().collect()).unwrap_or_else(|wrong| wrong.exit())
    }

    /// What is to be logged, and how.
    #[must_use]
    pub fn log(&self) -> &LogArgs {
        &self.log
    }

    /// Does what was said. What only prints is over when nobody reads any more.
    pub async fn run(self) -> anyhow::Result<Exit> {
        let closed = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
        match self.execute().await {
            Err(error) if error.downcast_ref().is_some_and(closed) => Ok(Exit::Success),
            ended => ended,
        }
    }

    async fn execute(self) -> anyhow::Result<Exit> {
        match self.command {
            // By far the largest of these futures.
            Command::Serve(args) => Box::pin(serve::serve(args)).await.map(|()| Exit::Success),
            Command::Migrate(args) => migrate::migrate(&args).await.map(|()| Exit::Success),
            Command::Projection(args) => projection::projection(args).await.map(|()| Exit::Success),
            Command::Backup(args) => backup::back_up(&args).await,
            Command::Restore(args) => restore::restore(&args).await,
            Command::Doctor(args) => doctor::doctor(&args).await,
            Command::Key(args) => key::key(args).await.map(|()| Exit::Success),
            Command::Users(args) => users::users(&args).await.map(|()| Exit::Success),
            Command::Events(command) => events::events(command).await.map(|()| Exit::Success),
            Command::Token(args) => token::token(&args).await.map(|()| Exit::Success),
            Command::AcceptClock(args) => clock::accept(&args).await.map(|()| Exit::Success),
            Command::Config => print(|page| page.write_all(configuration::reference::page().as_bytes())),
            Command::Completions { shell } => print(|page| shell.try_generate(&named_command(), page)),
            Command::Man { command } => {
                let page = clap_mangen::Man::new(subcommand(&command)?);
                print(|out| page.render(out))
            }
            Command::TopUsers(args) => top_users::show(&args).await.map(|()| Exit::Success),
        }
    }
}

/// The command line with every name built, as generators want it.
fn named_command() -> clap::Command {
    let mut command = Cli::command();
    command.set_bin_name("user-service");
    command.build();
    command
}

/// The command of these words.
fn subcommand(words: &[String]) -> anyhow::Result<clap::Command> {
    let mut command = named_command();
    for word in words {
        let known = command.find_subcommand(word).cloned();
        let known = known.with_context(|| format!("there is no command {}", words.join(" ")))?;
        // The name of a page has hyphens, so that `man` finds it.
        let name = format!("{}-{word}", command.get_name());
        command = known.display_name(&name).name(name);
    }
    Ok(command)
}

fn print(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> anyhow::Result<Exit> {
    let mut page = Vec::new();
    write(&mut page)?;
    io::stdout().write_all(&page)?;
    Ok(Exit::Success)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    /// The command that makes each call.
    const CALLS: &[(&str, &str)] = &[
        ("CreateUser", "users create --email a@example.org --username a --password-file -"),
        ("GetUser", "users get --username a"),
        ("BatchGetUsers", "users batch-get 1 2"),
        ("ListUsers", "users list"),
        ("UpdateUser", "users update 1 --first-name A --clear last_name"),
        ("ChangePassword", "users change-password 1 --old-password-file a --new-password-file b"),
        ("SetPassword", "users set-password 1 --password-hash-file a"),
        ("VerifyPassword", "users verify-password --email a@example.org --password-file -"),
        ("ActivateUser", "users activate 1"),
        ("DeactivateUser", "users deactivate 1"),
        ("SuspendUser", "users suspend 1 --reason because"),
        ("ReinstateUser", "users reinstate 1"),
        ("DeleteUser", "users delete 1 --etag a"),
        ("RestoreUser", "users restore 1 --request-id a"),
        ("EraseUser", "users erase 1"),
        ("ListUserEvents", "users events 1"),
        ("ListEvents", "events list"),
        ("ExportEvents", "events export"),
        ("WatchEvents", "events tail --follow"),
        ("DiffUser", "users diff 1 --from 1"),
        ("DiffUsers", "users diff --from 1"),
        ("ExplainUser", "users explain 1"),
        ("GetActivity", "users activity"),
        ("ImportUsers", "users import users.csv --validate-only"),
        ("ExportUsers", "users export --format csv --output users.csv"),
    ];

    #[test]
    fn every_call_has_a_command() {
        for method in user_api::Rpc::NAMES {
            let command = CALLS.iter().find(|(call, _)| call == method);
            let (_, words) = command.unwrap_or_else(|| panic!("which command makes {method}?"));
            let said = ["user-service"].into_iter().chain(words.split(' '));
            assert!(Cli::try_parse_from(said).is_ok(), "{words}");
        }
    }
}
