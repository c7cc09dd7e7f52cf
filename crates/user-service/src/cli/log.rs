//! What the process says of itself on standard error, and in which form.

use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

/// The log.
#[derive(Clone, Debug, Args)]
pub struct LogArgs {
    /// What is logged: a level (error, warn, info, debug), also of a part of the program, with commas between
    #[arg(
        long,
        global = true,
        env = "USER_SERVICE_LOG",
        default_value = "info,refinery_core=warn",
        value_parser = filter
    )]
    log: String,
    /// How a line of the log looks
    #[arg(long, global = true, env = "USER_SERVICE_LOG_FORMAT", value_enum, default_value_t)]
    log_format: LogFormat,
}

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Human,
    /// One JSON object a line, for programs.
    Json,
}

impl LogArgs {
    /// What is let through.
    #[must_use]
    pub fn filter(&self) -> EnvFilter {
        // Below that level the driver logs the parameters of statements: personal data, and hashes.
        let filter = EnvFilter::try_new(&self.log).unwrap_or_else(|_| EnvFilter::new("info"));
        filter.add_directive("tokio_postgres=info".parse().expect("it is a directive"))
    }

    /// How it looks.
    #[must_use]
    pub fn format(&self) -> LogFormat {
        self.log_format
    }
}

fn filter(text: &str) -> Result<String, ParseError> {
    EnvFilter::try_new(text).map(|_| text.to_owned())
}
