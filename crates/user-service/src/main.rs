//! The binary: a command line, a log, and the library that does the work.

use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;
use user_service::cli::{Cli, Exit};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_env("USER_SERVICE_LOG")
        .unwrap_or_else(|_| EnvFilter::new("info,refinery_core=warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
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
