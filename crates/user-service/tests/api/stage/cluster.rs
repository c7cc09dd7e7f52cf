//! A primary and a streaming replica of a test's own, made with the programs of the server that all tests use.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tokio::process::Command;
use tokio_postgres::{Client, NoTls};

use super::STARTING;

/// Small, and as durable as the service demands.
const SETTINGS: &str = "listen_addresses='127.0.0.1'\nshared_buffers=16MB\nmax_connections=40\n";

/// Two servers, which end with the test.
pub(crate) struct Cluster {
    programs: PathBuf,
    /// Whoever owns the data of the tests' server: PostgreSQL does not run as root.
    owner: (u32, u32),
    folder: TempDir,
    pub(crate) primary: String,
    pub(crate) replica: String,
}

impl Cluster {
    pub(crate) async fn new() -> Self {
        let server =
            std::env::var("TEST_DATABASE_URL").expect("it names a PostgreSQL server on this machine");
        let server = connect(&server).await;
        let ask = "SELECT setting, current_setting('data_directory') FROM pg_config WHERE name = 'BINDIR'";
        let row = server.query_one(ask, &[]).await.unwrap();
        let owner = fs::metadata(row.get::<_, String>(1)).expect("it is on this machine");
        let owner = (owner.uid(), owner.gid());
        let folder = tempfile::tempdir().expect("there is room");
        std::os::unix::fs::chown(folder.path(), Some(owner.0), Some(owner.1)).unwrap();
        let [primary, replica] = [free_port(), free_port()];
        let url = |port| format!("postgres://postgres@127.0.0.1:{port}/postgres");
        let programs = PathBuf::from(row.get::<_, String>(0));
        let cluster = Self { programs, owner, folder, primary: url(primary), replica: url(replica) };
        cluster.run("initdb", &["-D", "primary", "-U", "postgres", "--auth=trust", "-N"]).await;
        cluster.start("primary", primary).await;
        let from = ["-h", "127.0.0.1", "-p", &primary.to_string(), "-U", "postgres"];
        cluster
            .run("pg_basebackup", &[&from, &["-D", "replica", "-R", "-c", "fast", "--no-sync"][..]].concat())
            .await;
        cluster.start("replica", replica).await;
        cluster
    }

    async fn start(&self, name: &str, port: u16) {
        let data = self.folder.path().join(name);
        let sockets = self.folder.path().display();
        let settings = format!("{SETTINGS}port={port}\nunix_socket_directories='{sockets}'\n");
        let file = data.join("postgresql.conf");
        let kept = fs::read_to_string(&file).unwrap();
        fs::write(&file, kept + "\n" + &settings).unwrap();
        self.run("pg_ctl", &["-D", name, "-l", &format!("{name}.log"), "-w", "start"]).await;
    }

    async fn run(&self, program: &str, arguments: &[&str]) {
        let mut command = Command::new(self.programs.join(program));
        command.args(arguments).current_dir(self.folder.path()).uid(self.owner.0).gid(self.owner.1);
        let child = {
            let _nobody_opens = STARTING.write().await;
            command.stdout(std::process::Stdio::null()).spawn().expect(program)
        };
        let status = child.wait_with_output().await.expect(program).status;
        assert!(status.success(), "{program} {arguments:?}: {status}");
    }

    /// From now on the primary waits for a standby that is away, or for none.
    pub(crate) async fn standby(&self, standby: Standby) {
        let names = match standby {
            Standby::Away => "nobody",
            Standby::None => "",
        };
        let client = connect(&self.primary).await;
        let set = format!("ALTER SYSTEM SET synchronous_standby_names = '{names}'");
        client.batch_execute(&set).await.unwrap();
        client.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    }

    /// Keeps the replica from applying what it receives, or lets it go on.
    pub(crate) async fn replay(&self, how: Replay) {
        let tell = match how {
            Replay::Pause => "SELECT pg_wal_replay_pause()",
            Replay::Resume => "SELECT pg_wal_replay_resume()",
        };
        connect(&self.replica).await.batch_execute(tell).await.unwrap();
    }
}

/// For whom a primary waits before it says that something is committed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Standby {
    Away,
    None,
}

/// What a replica does with what it receives.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Replay {
    Pause,
    Resume,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for name in ["replica", "primary"] {
            end(&self.folder.path().join(name));
        }
    }
}

/// SIGQUIT, which is an immediate shutdown.
fn end(data: &Path) {
    let lock = fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
    let pid = lock.lines().next().and_then(|pid| pid.parse().ok()).and_then(rustix::process::Pid::from_raw);
    if let Some(pid) = pid {
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::QUIT);
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    listener.local_addr().expect("it is bound").port()
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}
