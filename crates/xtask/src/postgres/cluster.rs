//! One temporary `PostgreSQL` cluster: made, started, and deleted when the value or this process ends.

use std::fs::DirBuilder;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, bail};

use super::account::Account;
use super::find::Installation;
use super::place::Purpose;
use crate::shell;

/// A port is free when we ask and may be taken when the server does: then another one.
const START_TRIES: u32 = 5;

/// Connections for tests in parallel, each with a pool or two.
const CONNECTIONS_MAX: u32 = 300;

/// A running server with an empty data folder of its own.
#[derive(Debug)]
pub(crate) struct Cluster {
    url: String,
    bin: PathBuf,
    folder: PathBuf,
    /// Waits for our end of its standard input to close, then stops the server and deletes its folder.
    keeper: Child,
}

impl Cluster {
    pub(crate) fn start(installation: &Installation, purpose: Purpose) -> anyhow::Result<Self> {
        let account = Account::choose()?;
        let folder = folder(account, purpose)?;
        let keeper = keeper(&folder)?;
        // From here on the keeper cleans up, whatever fails.
        let mut cluster = Self { url: String::new(), bin: PathBuf::new(), folder: folder.clone(), keeper };
        cluster.bin = reachable(installation, account, &folder)?;
        init(account, &cluster.bin, &folder, purpose)?;
        let port = start(account, &cluster.bin, &folder)?;
        cluster.url = format!("postgres://postgres@127.0.0.1:{port}/postgres");
        Ok(cluster)
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Where its programs are.
    pub(crate) fn bin(&self) -> &Path {
        &self.bin
    }

    /// Where its data is.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        // The keeper cannot fail in a way that we could mend.
        let _ = self.keeper.wait();
    }
}

/// A new folder that the account owns and can enter.
fn folder(account: Account, purpose: Purpose) -> anyhow::Result<PathBuf> {
    for parent in purpose.parents() {
        let folder = parent.join(format!("user-service-postgres-{}", std::process::id()));
        // A leftover of a process with our number, from before the machine was switched off.
        let _ = std::fs::remove_dir_all(&folder);
        if DirBuilder::new().mode(0o755).create(&folder).is_err() {
            continue;
        }
        account.give(&folder)?;
        if account.reaches(&folder) {
            return Ok(folder);
        }
        std::fs::remove_dir(&folder).with_context(|| format!("cannot delete {}", folder.display()))?;
    }
    bail!("no folder for a cluster: none of {:?} can be used", purpose.parents());
}

/// In a process group of its own: ctrl-c reaches us and the tests, and the server ends after them.
fn keeper(folder: &Path) -> anyhow::Result<Child> {
    let mut command = Command::new("sh");
    command.arg("-c").arg(include_str!("keeper.sh")).arg("keeper").arg(folder);
    command.current_dir("/").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    command.process_group(0).spawn().context("cannot start sh")
}

/// The programs, copied when they lie where the account cannot enter (a checkout in root's home).
fn reachable(installation: &Installation, account: Account, folder: &Path) -> anyhow::Result<PathBuf> {
    if account.reaches(&installation.bin) {
        return Ok(installation.bin.clone());
    }
    let copy = folder.join("programs");
    shell::output(Command::new("cp").arg("-a").arg(&installation.prefix).arg(&copy))?;
    let inside =
        installation.bin.strip_prefix(&installation.prefix).context("bin lies outside its prefix")?;
    Ok(copy.join(inside))
}

fn init(account: Account, bin: &Path, folder: &Path, purpose: Purpose) -> anyhow::Result<()> {
    let data = folder.join("data");
    let mut initdb = account.command(&bin.join("initdb"), folder);
    // --no-sync spares the syncing of an empty cluster, not that of a commit.
    initdb.args(["--no-sync", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C"]);
    shell::output(initdb.arg("--pgdata").arg(&data))?;
    let file = data.join("postgresql.conf");
    let settings = std::fs::read_to_string(&file)? + &settings(folder, purpose);
    std::fs::write(&file, settings).with_context(|| format!("cannot write {}", file.display()))
}

/// The last line for a name wins in postgresql.conf.
fn settings(folder: &Path, purpose: Purpose) -> String {
    format!(
        "listen_addresses = '127.0.0.1'\n\
         unix_socket_directories = '{}'\n\
         max_connections = {CONNECTIONS_MAX}\n\
         fsync = on\nsynchronous_commit = on\nfull_page_writes = on\n\
         timezone = 'UTC'\nlog_timezone = 'UTC'\n{}",
        folder.display(),
        purpose.settings()
    )
}

/// Starts the server and returns its port.
fn start(account: Account, bin: &Path, folder: &Path) -> anyhow::Result<u16> {
    let log = folder.join("log");
    let mut tries = 0;
    loop {
        let port = free_port()?;
        let mut pg_ctl = account.command(&bin.join("pg_ctl"), folder);
        pg_ctl.arg("start").arg("--wait").arg("--silent").arg("--log").arg(&log);
        pg_ctl.arg("--pgdata").arg(folder.join("data")).arg("--options").arg(format!("-p {port}"));
        let Err(error) = shell::output(&mut pg_ctl) else { return Ok(port) };
        let said = std::fs::read_to_string(&log).unwrap_or_default();
        tries += 1;
        if tries == START_TRIES || !said.contains("could not bind") {
            return Err(error.context(format!("PostgreSQL does not start; its log:\n{said}")));
        }
    }
}

fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port on 127.0.0.1")?;
    Ok(listener.local_addr()?.port())
}
