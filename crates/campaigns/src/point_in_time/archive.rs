//! Where the server's log is kept besides, and how it is read again: what docs/operations.md tells an operator to set.

use std::time::{Duration, Instant};

use anyhow::ensure;
use tempfile::TempDir;
use tokio::time::sleep;
use tokio_postgres::Client;

use crate::cluster::Cluster;
use crate::shim::open_folder;

/// For the last file to be there, on a machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(30);

const PAUSE: Duration = Duration::from_millis(20);

#[derive(Debug)]
pub(super) struct Archive(TempDir);

impl Archive {
    /// An empty one, which the server's account can write to.
    pub(super) fn of(server: &Cluster) -> anyhow::Result<Self> {
        let folder = open_folder()?;
        server.give(folder.path())?;
        Ok(Self(folder))
    }

    /// What the server that fills it is told.
    pub(super) fn filled(&self) -> [String; 2] {
        let folder = self.0.path().display();
        ["archive_mode=on".to_owned(), format!("archive_command=test ! -f {folder}/%f && cp %p {folder}/%f")]
    }

    /// What a server is told that comes back by it. It is not to add to it: two of them would follow each other.
    pub(super) fn read(&self, target: &str) -> [String; 4] {
        let restore = format!("restore_command=cp {}/%f %p", self.0.path().display());
        ["archive_mode=off", &restore, target, "recovery_target_action=promote"].map(str::to_owned)
    }

    /// Returns when everything is in it that the server has written.
    pub(super) async fn complete(&self, admin: &Client) -> anyhow::Result<()> {
        let last: String =
            admin.query_one("SELECT pg_walfile_name(pg_switch_wal())", &[]).await?.try_get(0)?;
        let ask = "SELECT coalesce(last_archived_wal >= $1, false) FROM pg_stat_archiver";
        let began = Instant::now();
        while !admin.query_one(ask, &[&last]).await?.try_get::<_, bool>(0)? {
            ensure!(began.elapsed() < PATIENCE, "{last} is not archived");
            sleep(PAUSE).await;
        }
        Ok(())
    }
}
