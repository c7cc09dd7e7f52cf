//! A `PostgreSQL` for tests, campaigns and benchmarks: found or installed, started, and gone at the end.
//! Tests reach it through `TEST_DATABASE_URL` alone and make a database of their own in it.

mod install;
mod find;
mod apt;
mod cluster;
mod account;
mod place;

use std::process::{Command, ExitCode};

use anyhow::Context;

pub(crate) use place::Purpose;

use cluster::Cluster;

/// The name under which tests are told where the server is.
pub(crate) const URL_VARIABLE: &str = "TEST_DATABASE_URL";

/// Which `PostgreSQL` to use.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Choice {
    /// Major version. 18 is installed with pip, any other must be installed already.
    /// Without it: `TEST_DATABASE_URL`, else the first that is found, else one is installed
    #[arg(long = "postgres", value_name = "VERSION")]
    pub major: Option<u32>,
}

/// What `cargo xtask postgres` is told.
#[derive(Debug, clap::Args)]
pub(crate) struct Stay {
    #[command(flatten)]
    choice: Choice,

    /// What it will be used for: decides where its data lies and how much memory it has
    #[arg(long = "for", value_enum, default_value_t = Purpose::Tests)]
    purpose: Purpose,
}

/// A running server: the user's own, or a cluster that ends with this value.
#[derive(Debug)]
pub(crate) enum Server {
    Given { url: String },
    Temporary(Cluster),
}

impl Server {
    /// Finds and starts a server, or fails with everything that was tried.
    pub(crate) fn provide(choice: &Choice, purpose: Purpose) -> anyhow::Result<Self> {
        if choice.major.is_none()
            && let Some(url) = std::env::var_os(URL_VARIABLE)
        {
            let url = url.into_string().ok().with_context(|| format!("{URL_VARIABLE} is not UTF-8"))?;
            eprintln!("PostgreSQL: the server that {URL_VARIABLE} names");
            return Ok(Self::Given { url });
        }
        Self::of_our_own(choice, purpose)
    }

    /// Starts a server that nobody else uses, or fails with everything that was tried.
    pub(crate) fn of_our_own(choice: &Choice, purpose: Purpose) -> anyhow::Result<Self> {
        let installation = install::found_or_installed(choice.major)?;
        let cluster = Cluster::start(&installation, purpose)?;
        eprintln!(
            "PostgreSQL {} ({}) at {}",
            installation.version,
            installation.bin.display(),
            cluster.url()
        );
        Ok(Self::Temporary(cluster))
    }

    pub(crate) fn url(&self) -> &str {
        match self {
            Self::Given { url } => url,
            Self::Temporary(cluster) => cluster.url(),
        }
    }

    /// Tells a program where the server is; of one of our own also where it lies, so that it may be killed.
    pub(crate) fn tell(&self, command: &mut Command) {
        command.env(URL_VARIABLE, self.url());
        if let Self::Temporary(cluster) = self {
            command.env("CAMPAIGN_POSTGRES_BIN", cluster.bin());
            command.env("CAMPAIGN_POSTGRES_DATA", cluster.data());
        }
    }
}

/// `cargo xtask postgres`: a cluster that lasts until ctrl-c.
pub(crate) fn stay(stay: &Stay) -> anyhow::Result<ExitCode> {
    let server = Server::provide(&stay.choice, stay.purpose)?;
    println!("export {URL_VARIABLE}={}", server.url());
    eprintln!("Running until ctrl-c; the databases are deleted then.");
    loop {
        std::thread::park();
    }
}
