//! A PostgreSQL that is the campaign's own to kill: `cargo xtask campaign` has made it, and it is started anew as a child of
//! ours, so that nobody else has to collect what is left of it.

use std::fs::OpenOptions;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tokio::process::{Child, Command};
use tokio::time::sleep;
use tokio_postgres::{Client, NoTls};

use crate::shim::Environment;

/// Where its programs and its data are.
const BIN_VARIABLE: &str = "CAMPAIGN_POSTGRES_BIN";
const DATA_VARIABLE: &str = "CAMPAIGN_POSTGRES_DATA";

/// A start with recovery takes a second; on a machine with much else to do, some more.
const START_MAX: Duration = Duration::from_mins(1);

/// A process that dies leaves what it wrote with the system. Syncing file by file what has not changed takes seconds.
const SETTINGS: &[&str] = &["recovery_init_sync_method=syncfs"];

const PAUSE: Duration = Duration::from_millis(20);

/// Whether a server that nobody killed is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    Stayed,
    Ended,
}

#[derive(Debug)]
pub(crate) struct Cluster {
    bin: PathBuf,
    data: PathBuf,
    /// Where it can be reached while it runs.
    pub(crate) url: String,
    port: String,
    log: PathBuf,
    /// What it is told besides [`SETTINGS`].
    settings: Vec<String>,
    environment: Environment,
    /// Nobody while it is dead.
    postmaster: Option<Child>,
}

impl Cluster {
    /// Takes over the one that we are given.
    pub(crate) async fn take(settings: &[&str]) -> anyhow::Result<Self> {
        let mut cluster = Self::given().await?.told(settings);
        cluster.start().await?;
        Ok(cluster)
    }

    /// The one that we are given, at rest.
    pub(crate) async fn given() -> anyhow::Result<Self> {
        let given = |name| {
            std::env::var(name).with_context(|| {
                format!(
                    "{name} is not set: `cargo xtask campaign` makes a server that may be killed, and sets it"
                )
            })
        };
        let (bin, data) = (given(BIN_VARIABLE)?.into(), PathBuf::from(given(DATA_VARIABLE)?));
        let url = given("TEST_DATABASE_URL")?;
        // Its fourth line; see the server's miscadmin.h.
        let lock =
            std::fs::read_to_string(data.join("postmaster.pid")).context("it runs when we are given it")?;
        let port = lock.lines().nth(3).context("postmaster.pid holds the port")?.to_owned();
        anyhow::ensure!(url.contains(&format!(":{port}/")), "TEST_DATABASE_URL names another server");
        let (log, settings, environment) = (data.with_file_name("log"), Vec::new(), Environment::new());
        let mut cluster = Self { bin, data, url, port, log, settings, environment, postmaster: None };
        cluster.end("fast").await?;
        Ok(cluster)
    }

    /// What it is told from the next start on, besides what it has been told.
    pub(crate) fn told(mut self, settings: &[&str]) -> Self {
        self.settings.extend(settings.iter().map(|setting| (*setting).to_owned()));
        self
    }

    /// What its processes have around them from the next start on.
    pub(crate) fn under(self, environment: Environment) -> Self {
        Self { environment, ..self }
    }

    /// Another of the same content, with its data in a folder that every user can enter. This one is at rest.
    pub(crate) async fn copied_to(&self, folder: &Path) -> anyhow::Result<Self> {
        let data = folder.join("data");
        let copied = Command::new("cp").arg("-a").arg(&self.data).arg(&data).output().await?;
        anyhow::ensure!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
        Ok(self.with_data(data))
    }

    /// A base backup of this one while it runs, in a folder that is its account's: another of its content, at rest.
    pub(crate) async fn base_backup(&self, folder: &Path) -> anyhow::Result<Self> {
        let data = folder.join("base");
        let mut command = self.program("pg_basebackup")?;
        command.arg("-D").arg(&data).args(["-X", "none", "-c", "fast"]);
        succeed(&mut command).await?;
        Ok(self.with_data(data))
    }

    fn with_data(&self, data: PathBuf) -> Self {
        Self {
            bin: self.bin.clone(),
            data,
            url: self.url.clone(),
            port: self.port.clone(),
            log: self.log.clone(),
            settings: self.settings.clone(),
            environment: self.environment.clone(),
            postmaster: None,
        }
    }

    /// Lets its account have a folder.
    pub(crate) fn give(&self, folder: &Path) -> anyhow::Result<()> {
        let owner = std::fs::metadata(&self.data)?;
        chown(folder, Some(owner.uid()), Some(owner.gid())).context("the folder cannot be given away")
    }

    /// Where its data is.
    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// The same at another port, from the next start on.
    pub(crate) fn at_port(mut self, port: u16) -> anyhow::Result<Self> {
        let (before, after) = (self.address(), format!("127.0.0.1:{port}"));
        anyhow::ensure!(self.url.contains(&before), "{before} is in its URL");
        (self.url, self.port) = (self.url.replacen(&before, &after, 1), port.to_string());
        Ok(self)
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// From the next start on it follows its primary.
    pub(crate) fn become_standby(&self) -> anyhow::Result<()> {
        let path = self.data.join("standby.signal");
        std::fs::write(&path, "")?;
        self.give(&path)
    }

    /// From the next start on it reads what is archived, up to where it is told to.
    pub(crate) fn recover(&self) -> anyhow::Result<()> {
        let path = self.data.join("recovery.signal");
        std::fs::write(&path, "")?;
        self.give(&path)
    }

    /// Returns when it takes writes.
    pub(crate) async fn promote(&self) -> anyhow::Result<()> {
        let mut command = self.command("pg_ctl")?;
        command.args(["promote", "--wait", "--silent"]).arg("--pgdata").arg(&self.data);
        anyhow::ensure!(command.status().await?.success(), "the standby does not take over");
        Ok(())
    }

    /// Gives one that is dead the content of another that runs, as a backup has it.
    pub(crate) async fn become_copy_of(&self, other: &Self, admin: &Client) -> anyhow::Result<()> {
        admin.batch_execute("SELECT pg_backup_start('copy', true)").await?;
        std::fs::remove_dir_all(&self.data)?;
        // Files come and go meanwhile; what matters is in the log.
        Command::new("cp").arg("-a").arg(&other.data).arg(&self.data).output().await?;
        let label: String =
            admin.query_one("SELECT labelfile FROM pg_backup_stop(false)", &[]).await?.try_get(0)?;
        for name in ["postmaster.pid", "postmaster.opts", "standby.signal"] {
            drop(std::fs::remove_file(self.data.join(name)));
        }
        let path = self.data.join("backup_label");
        std::fs::write(&path, label)?;
        self.give(&path)
    }

    /// Returns when it can be reached.
    pub(crate) async fn start(&mut self) -> anyhow::Result<()> {
        let log = OpenOptions::new().create(true).append(true).open(&self.log)?;
        let mut command = self.command("postgres")?;
        command.arg("-D").arg(&self.data).args(["-p", &self.port]);
        for setting in SETTINGS.iter().copied().chain(self.settings.iter().map(String::as_str)) {
            command.args(["-c", setting]);
        }
        command.envs(self.environment.iter().cloned());
        command.stdout(log.try_clone()?).stderr(log).kill_on_drop(true);
        self.postmaster = Some(command.spawn().context("postgres cannot be started")?);
        let began = Instant::now();
        while let Err(error) = tokio_postgres::connect(&self.url, NoTls).await {
            let ended = self.postmaster.as_mut().map(Child::try_wait).transpose()?.flatten();
            if ended.is_some() || began.elapsed() > START_MAX {
                return Err(error).context("PostgreSQL does not come back");
            }
            sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Whether it has given up by itself.
    pub(crate) fn life(&mut self) -> anyhow::Result<Life> {
        let ended = self.postmaster.as_mut().map(Child::try_wait).transpose()?;
        Ok(if ended.is_none_or(|status| status.is_some()) { Life::Ended } else { Life::Stayed })
    }

    /// From now on nobody writes what is committed to disk, unless whoever commits it does.
    pub(crate) async fn stop_writing_behind(&self) -> anyhow::Result<()> {
        let postmaster = self.postmaster.as_ref().and_then(Child::id).context("it is dead")?.to_string();
        let is_walwriter = |pid: &String| {
            let line = std::fs::read(Path::new("/proc").join(pid).join("cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&line).contains("walwriter")
        };
        let found: Vec<_> = children_of(&postmaster)?.into_iter().filter(is_walwriter).collect();
        anyhow::ensure!(found.len() == 1, "the server has no walwriter");
        signal("-STOP", &found).await
    }

    /// SIGKILL to every one of its processes. Returns when they are gone.
    pub(crate) async fn kill(&mut self) -> anyhow::Result<()> {
        let mut postmaster = self.postmaster.take().context("it is dead already")?;
        // Without its disk it gives up by itself, and ends its children before.
        if postmaster.try_wait()?.is_some() {
            return Ok(());
        }
        let pid = postmaster.id().context("it has not ended")?.to_string();
        // Asleep, it can neither make another nor see the first of them die and end the others in order.
        signal("-STOP", std::slice::from_ref(&pid)).await?;
        // Who is killed takes a moment to let go of the memory that they share, and nobody starts in it before.
        loop {
            let children = children_of(&pid)?;
            if children.is_empty() {
                break;
            }
            signal("-KILL", &children).await?;
            sleep(PAUSE).await;
        }
        postmaster.kill().await?;
        Ok(())
    }

    /// Ends it in order, so that whoever made it finds it gone.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        self.end("immediate").await
    }

    /// The same for one that may have been killed.
    pub(crate) async fn stop_if_alive(self) -> anyhow::Result<()> {
        if self.postmaster.is_some() { self.stop().await } else { Ok(()) }
    }

    async fn end(&mut self, mode: &str) -> anyhow::Result<()> {
        let mut command = self.command("pg_ctl")?;
        command.args(["stop", "--wait", "--silent", "--mode", mode]).arg("--pgdata").arg(&self.data);
        anyhow::ensure!(command.status().await?.success(), "PostgreSQL does not end");
        if let Some(mut postmaster) = self.postmaster.take() {
            postmaster.wait().await?;
        }
        Ok(())
    }

    /// One of the server's programs, which finds it.
    pub(crate) fn program(&self, name: &str) -> anyhow::Result<Command> {
        let mut command = self.command(name)?;
        command.args(["-h", "127.0.0.1", "-p", &self.port, "-U", "postgres"]);
        Ok(command)
    }

    /// Run by whoever owns the data: PostgreSQL refuses anybody else, and root.
    fn command(&self, program: &str) -> anyhow::Result<Command> {
        let mut command = Command::new(self.bin.join(program));
        let (owner, ours) = (std::fs::metadata(&self.data)?, std::fs::metadata("/proc/self")?);
        if owner.uid() != ours.uid() {
            command.uid(owner.uid()).gid(owner.gid());
        }
        command.current_dir(&self.data);
        Ok(command)
    }
}

/// Runs a program to its end, which is a good one.
pub(crate) async fn succeed(command: &mut Command) -> anyhow::Result<()> {
    let ended = command.output().await.with_context(|| format!("cannot start {command:?}"))?;
    anyhow::ensure!(ended.status.success(), "{command:?}: {}", String::from_utf8_lossy(&ended.stderr));
    Ok(())
}

/// A port of this machine that nobody listens at.
pub(crate) fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port on 127.0.0.1")?;
    Ok(listener.local_addr()?.port())
}

/// One that is gone already is as good.
async fn signal(signal: &str, pids: &[String]) -> anyhow::Result<()> {
    let sent = Command::new("kill").arg(signal).args(pids).output().await?;
    let said = String::from_utf8_lossy(&sent.stderr);
    if !sent.status.success() && !said.contains("No such process") {
        bail!("{signal} cannot be sent: {said}");
    }
    Ok(())
}

/// Those who live: whoever is dead stays a child until its parent looks. Linux alone has this.
fn children_of(parent: &str) -> anyhow::Result<Vec<String>> {
    let mut children = Vec::new();
    for entry in Path::new("/proc").read_dir().context("this campaign needs /proc")? {
        let entry = entry?;
        // Whoever has ended meanwhile is nobody's child.
        let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        if living_child(&stat) == Some(parent) {
            children.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    Ok(children)
}

/// The parent in `123 (name) S 45 …`, where the name may hold anything, unless the child is a zombie.
fn living_child(stat: &str) -> Option<&str> {
    let (state, rest) = stat.rsplit_once(") ")?.1.split_once(' ')?;
    if state == "Z" { None } else { rest.split(' ').next() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_is_found_behind_any_name() {
        assert_eq!(living_child("123 (postgres: a) b) S 45 1 1 0"), Some("45"));
        assert_eq!(living_child("123 (postgres) Z 45 1 1 0"), None);
        assert_eq!(living_child(""), None);
    }

    #[test]
    fn we_are_a_child_of_our_parent() {
        let parent = std::os::unix::process::parent_id().to_string();
        let children = children_of(&parent).expect("there is /proc");
        assert!(children.contains(&std::process::id().to_string()));
    }
}
