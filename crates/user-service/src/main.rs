//! The binary: a command line, a log, and the library that does the work.

use std::io::IsTerminal;
use std::process::ExitCode;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};
use user_service::cli::{Cli, Exit, LogFormat};
use user_service::traces::Traces;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::said();
    let traces = match Traces::from_environment() {
        Ok(traces) => traces,
        Err(error) => return failed(&error),
    };
    let log = fmt::layer().with_writer(std::io::stderr);
    let log = match cli.log().format() {
        LogFormat::Human => log.with_ansi(std::io::stderr().is_terminal()).boxed(),
        LogFormat::Json => log.json().flatten_event(true).boxed(),
    };
    let log = log.with_filter(cli.log().filter());
    tracing_subscriber::registry().with(log).with(traces.layer()).init();
    std::panic::set_hook(Box::new(|panic| {
        // The place alone: the message may hold personal data.
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "a panic: a defect of the service");
    }));
    user_api::install_type_registry();
    let ended = Box::pin(cli.run()).await;
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
