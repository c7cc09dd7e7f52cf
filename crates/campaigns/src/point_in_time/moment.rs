//! A moment under writers that can be come back to: how it is named, what everybody knew around it, and the way back.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use tempfile::TempDir;
use tokio::time::sleep;

use super::archive::Archive;
use crate::cluster::{Cluster, free_port, succeed};
use crate::ground::Ground;
use crate::kill_service::{Crew, SoFar};
use crate::shim::open_folder;

/// For a server to come back to a moment, on a machine with much else to do.
const PATIENCE: Duration = Duration::from_mins(1);

const PAUSE: Duration = Duration::from_millis(20);

/// How one comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// To a name that somebody has given the moment, before something that might go wrong.
    Name,
    /// To a time that somebody remembers.
    Time,
    /// By a copy of the one directory, into another database.
    Dump,
}

impl Way {
    pub(super) const ALL: [Self; 3] = [Self::Name, Self::Time, Self::Dump];
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "a name",
            Self::Time => "a time",
            Self::Dump => "a dump",
        })
    }
}

#[derive(Debug)]
pub(super) struct Moment {
    pub(super) way: Way,
    target: Target,
    /// What the writers had been told before it.
    pub(super) before: SoFar,
    /// What they had begun when it was over.
    pub(super) after: SoFar,
    /// How many of the people had been erased.
    pub(super) erased: usize,
}

#[derive(Debug)]
enum Target {
    /// As the server that comes back is told.
    Recovery(String),
    Dump(PathBuf),
}

impl Moment {
    /// Now. A dump is put into a folder of the server's account.
    pub(super) async fn mark(
        way: Way,
        (server, ground): (&Cluster, &Ground),
        folder: &Path,
        crew: &Crew,
        erased: usize,
    ) -> anyhow::Result<Self> {
        let before = crew.so_far()?;
        let name = format!("moment-{erased}");
        let target = match way {
            Way::Name => {
                ground.owner().await?.query_one("SELECT pg_create_restore_point($1)", &[&name]).await?;
                Target::Recovery(format!("recovery_target_name={name}"))
            }
            Way::Time => {
                let now = ground.owner().await?.query_one("SELECT clock_timestamp()::text", &[]).await?;
                Target::Recovery(format!("recovery_target_time={}", now.try_get::<_, String>(0)?))
            }
            Way::Dump => {
                let file = folder.join(name);
                let mut dump = server.program("pg_dump")?;
                dump.args(["-Fc", "-n", "user_service", "-n", "user_service_vault", "-f"]).arg(&file);
                succeed(dump.arg(database(ground)?)).await?;
                Target::Dump(file)
            }
        };
        Ok(Self { way, target, before, after: crew.so_far()?, erased })
    }

    /// A server, or a database, as everything was then.
    pub(super) async fn come_back(
        &self,
        (server, origin): (&Cluster, &Ground),
        base: &Cluster,
        archive: &Archive,
    ) -> anyhow::Result<Restored> {
        let folder = open_folder()?;
        match &self.target {
            Target::Recovery(target) => {
                base.give(folder.path())?;
                let told = archive.read(target);
                let copy = base.copied_to(folder.path()).await?.at_port(free_port()?)?;
                let mut back = copy.told(&told.each_ref().map(String::as_str));
                back.recover()?;
                back.start().await?;
                let url = origin.url.replacen(&server.address(), &back.address(), 1);
                let ground = Ground::found(url)?;
                takes_writes(&ground).await?;
                Ok(Restored { ground, server: Some(back), _folder: folder })
            }
            Target::Dump(file) => {
                let ground = Ground::on_server(&server.url).await?;
                with_the_extension_of(origin, &ground).await?;
                let mut restore = server.program("pg_restore")?;
                restore.args(["--no-owner", "--no-privileges", "-d", database(&ground)?]).arg(file);
                succeed(&mut restore).await?;
                Ok(Restored { ground, server: None, _folder: folder })
            }
        }
    }
}

/// What has come back.
#[derive(Debug)]
pub(super) struct Restored {
    pub(super) ground: Ground,
    /// A server of its own, if it has one.
    server: Option<Cluster>,
    _folder: TempDir,
}

impl Restored {
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        match self.server {
            Some(server) => server.stop().await,
            None => Ok(()),
        }
    }
}

/// Until it has read what it was to read, a server answers and takes no writes.
async fn takes_writes(ground: &Ground) -> anyhow::Result<()> {
    let (began, owner) = (Instant::now(), ground.owner().await?);
    while owner.query_one("SELECT pg_is_in_recovery()", &[]).await?.try_get(0)? {
        ensure!(began.elapsed() < PATIENCE, "the server does not come to the moment");
        sleep(PAUSE).await;
    }
    Ok(())
}

/// An extension belongs to the database, not to the schemas that are dumped, and an index of theirs needs it where it is.
async fn with_the_extension_of(origin: &Ground, ground: &Ground) -> anyhow::Result<()> {
    let ask = "SELECT count(*) FROM pg_extension WHERE extname = 'pg_trgm'";
    if origin.owner().await?.query_one(ask, &[]).await?.try_get::<_, i64>(0)? > 0 {
        ground.owner().await?.batch_execute("CREATE EXTENSION pg_trgm").await?;
    }
    Ok(())
}

fn database(ground: &Ground) -> anyhow::Result<&str> {
    ground.url.rsplit('/').next().context("the URL names a database")
}
