//! The binary: a command line, a log, and the library that does the work.

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;
use user_service::cli::{Cli, Exit};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_env("USER_SERVICE_LOG")
        .unwrap_or_else(|_| EnvFilter::new("info,refinery_core=warn"))
        // Below that level the driver logs the parameters of statements: personal data, and hashes.
        .add_directive("tokio_postgres=info".parse().expect("it is a directive"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    std::panic::set_hook(Box::new(|panic| {
        // The place alone: the message may hold personal data.
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "a panic: a defect of the service");
    }));
    user_api::install_type_registry();
    match Cli::parse().run().await {
        Ok(Exit::Success) => ExitCode::SUCCESS,
        Ok(Exit::Unsound) => ExitCode::from(3),
        Err(error) => {
            eprintln!("user-service: {error:#}");
            ExitCode::FAILURE
        }
    }
}
