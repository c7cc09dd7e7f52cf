//! The binary: a command line, a log, and the library that does the work.

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};
use user_service::cli::{Cli, Exit};
use user_service::traces::Traces;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_env("USER_SERVICE_LOG")
        .unwrap_or_else(|_| EnvFilter::new("info,refinery_core=warn"))
        // Below that level the driver logs the parameters of statements: personal data, and hashes.
        .add_directive("tokio_postgres=info".parse().expect("it is a directive"));
    let traces = match Traces::from_environment() {
        Ok(traces) => traces,
        Err(error) => return failed(&error),
    };
    let log = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_filter(filter);
    tracing_subscriber::registry().with(log).with(traces.layer()).init();
    std::panic::set_hook(Box::new(|panic| {
        // The place alone: the message may hold personal data.
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "a panic: a defect of the service");
    }));
    user_api::install_type_registry();
    let ended = Cli::parse().run().await;
    traces.finish();
    match ended {
        Ok(Exit::Success) => ExitCode::SUCCESS,
        Ok(Exit::Unsound) => ExitCode::from(3),
        Err(error) => failed(&error),
    }
}

fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("user-service: {error:#}");
    ExitCode::FAILURE
}
