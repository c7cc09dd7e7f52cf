//! The command line: what can be said, and who does it.

mod api;
mod clock;
mod doctor;
mod events;
mod migrate;
mod projection;
mod restore;
mod serve;
mod settings;
mod top_users;
mod users;

use clap::{Parser, Subcommand};

use settings::AdminArgs;
use top_users::TopUsersArgs;

/// The directory of users: every change an immutable event, everything that is read a projection of them.
#[derive(Debug, Parser)]
#[command(name = "user-service", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve users over gRPC, gRPC-Web and JSON until told to stop
    Serve(serve::ServeArgs),
    /// Bring a store to the schema that this binary needs (PostgreSQL: as its owner), then exit
    Migrate(migrate::MigrateArgs),
    /// See how projections are, build them anew, switch between generations, look after what is parked
    Projection(projection::ProjectionArgs),
    /// After a backup was put back: erase again whoever has been erased since it was made. `serve` does so, too
    Restore(restore::RestoreArgs),
    /// Check a store against its own log, also while a service is using it. Ends with 3 if something is wrong
    Doctor(doctor::DoctorArgs),
    /// Look at users as they are and as they were, through a running service
    Users(users::UsersArgs),
    /// Show, follow and export what happened, from a running service
    #[command(subcommand)]
    Events(events::EventsCommand),
    /// Tell a running service that a clock which jumped forward is right
    AcceptClock(AdminArgs),
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
    /// Does what was said.
    pub async fn run(self) -> anyhow::Result<Exit> {
        match self.command {
            Command::Serve(args) => serve::serve(args).await.map(|()| Exit::Success),
            Command::Migrate(args) => migrate::migrate(&args).await.map(|()| Exit::Success),
            Command::Projection(args) => projection::projection(args).await.map(|()| Exit::Success),
            Command::Restore(args) => restore::restore(&args).await.map(|()| Exit::Success),
            Command::Doctor(args) => doctor::doctor(&args).await,
            Command::Users(args) => users::users(&args).await.map(|()| Exit::Success),
            Command::Events(command) => events::events(command).await.map(|()| Exit::Success),
            Command::AcceptClock(args) => clock::accept(&args).await.map(|()| Exit::Success),
            Command::TopUsers(args) => top_users::show(&args).await.map(|()| Exit::Success),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
