//! The server that everything is measured on, reached by the shortest way.

use std::path::Path;

use anyhow::ensure;
use tokio_postgres::Config;
use tokio_postgres::config::Host;

use super::session::connect;

/// Where it is.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Server {
    /// The server: `cargo xtask bench` starts one and sets this
    #[arg(long = "server", env = "TEST_DATABASE_URL", hide_env_values = true)]
    pub(crate) url: String,

    /// Over TCP, also where the server has a socket on this machine
    #[arg(long)]
    tcp: bool,
}

impl Server {
    /// Refuses a server that was named by a socket where TCP is what a bar is about.
    pub(crate) fn is_reached_over_tcp(&self) -> anyhow::Result<()> {
        let config: Config = self.url.parse()?;
        let tcp = config.get_hosts().iter().all(|host| matches!(host, Host::Tcp(_)));
        ensure!(tcp, "the server is named by its socket, and this is measured over TCP");
        Ok(())
    }

    /// The same server over its Unix socket, if it has one here. Over TCP each round trip costs more, which would
    /// flatter us: the others make one per command.
    pub(crate) async fn nearest(mut self) -> anyhow::Result<Self> {
        if self.tcp {
            return Ok(self);
        }
        let client = connect(&self.url).await?;
        let ask =
            "SELECT split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port')";
        let row = client.query_one(ask, &[]).await?;
        let (folder, port): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        if Path::new(&folder).join(format!(".s.PGSQL.{port}")).exists() {
            let config: Config = self.url.parse()?;
            let user = config.get_user().unwrap_or("postgres").to_owned();
            let database = config.get_dbname().unwrap_or("postgres").to_owned();
            self.url = format!("postgres://{user}@{}:{port}/{database}", folder.replace('/', "%2F"));
        }
        Ok(self)
    }
}
