//! A PostgreSQL that speaks TLS itself and lets nobody in without it and without a password. It is made with the programs of
//! the server of the tests, and run by whoever runs that one.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

use crate::authority::Pair;

/// Whoever comes over the network shows a password, and is not seen by anybody on the way.
const WHO_MAY: &str = "local all postgres trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n";

/// The service's login and its database.
const DIRECTORY: &str = "CREATE ROLE service LOGIN CREATEROLE PASSWORD 'of-the-service'";
const ITS_DATABASE: &str = "CREATE DATABASE directory OWNER service";

/// Between our asking for a free port and the server's taking it somebody else may.
const START_TRIES: u32 = 5;

pub(crate) struct Server {
    bin: PathBuf,
    /// Of whoever runs it: PostgreSQL refuses root.
    account: (u32, u32),
    folder: TempDir,
    port: u16,
}

impl Server {
    /// Shows a certificate to whoever comes. `None` where the server of the tests was built without TLS, as those are that come
    /// as a Python package: there is nothing to be tried.
    pub(crate) async fn showing(pair: &Pair) -> Option<Self> {
        let Some((bin, account)) = those_of_the_tests().await else {
            eprintln!("this PostgreSQL was built without TLS: nothing is tried");
            return None;
        };
        let folder = tempfile::tempdir().expect("there is room for a folder");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("it is ours");
        let mut server = Self { bin, account, folder, port: 0 };
        server.give(server.folder.path());
        server.make(pair);
        server.start();
        let admin = server.admin().await;
        for statement in [DIRECTORY, ITS_DATABASE] {
            admin.batch_execute(statement).await.expect("it is new");
        }
        Some(server)
    }

    /// From now on it shows this one, and whoever was there is sent away.
    pub(crate) async fn show(&self, pair: &Pair) {
        self.put(pair);
        let admin = self.admin().await;
        admin.batch_execute("SELECT pg_reload_conf()").await.expect("it may");
        let all = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE usename = 'service'";
        admin.batch_execute(all).await.expect("it may");
    }

    /// The service's database, under a name of this machine.
    pub(crate) fn url(&self, host: &str, parameters: &str) -> String {
        format!("postgres://service:of-the-service@{host}:{}/directory?{parameters}", self.port)
    }

    /// How many connections of the service there are of which something is true.
    pub(crate) async fn connections(&self, which: &str) -> i64 {
        let count = format!(
            "SELECT count(*) FROM pg_stat_activity JOIN pg_stat_ssl USING (pid) WHERE usename = 'service' AND {which}"
        );
        self.admin().await.query_one(&count, &[]).await.expect("it may").get(0)
    }

    /// By the socket in its folder, which needs neither TLS nor a password.
    async fn admin(&self) -> Client {
        let place = self.folder.path().display();
        let way = format!("host={place} port={} user=postgres dbname=postgres", self.port);
        let (client, connection) = tokio_postgres::connect(&way, NoTls).await.expect("it runs");
        tokio::spawn(connection);
        client
    }

    fn make(&self, pair: &Pair) {
        let mut initdb = self.program("initdb");
        initdb.args(["--no-sync", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C"]);
        succeed(initdb.arg("--pgdata").arg(self.data()));
        fs::write(self.data().join("pg_hba.conf"), WHO_MAY).expect("it was made");
        let settings = format!(
            "listen_addresses = '127.0.0.1'\nunix_socket_directories = '{}'\nssl = on\n",
            self.folder.path().display()
        );
        let file = self.data().join("postgresql.conf");
        fs::write(&file, fs::read_to_string(&file).expect("it was made") + &settings).expect("it was made");
        self.put(pair);
    }

    /// Certificate and key, where it looks for them, for its eyes alone.
    fn put(&self, pair: &Pair) {
        for (from, name) in [(&pair.certificate, "server.crt"), (&pair.key, "server.key")] {
            let to = self.data().join(name);
            fs::copy(from, &to).expect("there is room for a file");
            fs::set_permissions(&to, fs::Permissions::from_mode(0o600)).expect("it is ours");
            self.give(&to);
        }
    }

    fn start(&mut self) {
        for _ in 0..START_TRIES {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
            self.port = listener.local_addr().expect("it is bound").port();
            drop(listener);
            let mut start = self.control();
            start.args(["start", "--wait", "--log"]).arg(self.folder.path().join("log"));
            if start.arg(format!("--options=-p {}", self.port)).status().expect("it is there").success() {
                return;
            }
        }
        panic!("{}", fs::read_to_string(self.folder.path().join("log")).unwrap_or_default());
    }

    fn control(&self) -> Command {
        let mut control = self.program("pg_ctl");
        control.arg("--silent").arg("--pgdata").arg(self.data()).stdout(Stdio::null());
        control
    }

    fn program(&self, name: &str) -> Command {
        let mut program = Command::new(self.bin.join(name));
        if self.account.0 != owner(Path::new("/proc/self")).0 {
            program.uid(self.account.0).gid(self.account.1);
        }
        program.current_dir(self.folder.path());
        program
    }

    fn give(&self, path: &Path) {
        chown(path, Some(self.account.0), Some(self.account.1)).expect("whoever runs the tests may");
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let ended = self.control().args(["stop", "--wait", "--mode=immediate"]).status();
        assert!(ended.is_ok_and(|status| status.success()) || std::thread::panicking(), "it does not end");
    }
}

/// Where the programs of the server of the tests are, and who runs it.
async fn those_of_the_tests() -> Option<(PathBuf, (u32, u32))> {
    let url = std::env::var("TEST_DATABASE_URL").expect("TEST_DATABASE_URL names a server");
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.expect("it runs");
    tokio::spawn(connection);
    let ask = "SELECT setting, current_setting('data_directory'), current_setting('ssl_library') \
        FROM pg_config WHERE name = 'BINDIR'";
    let row = client.query_one(ask, &[]).await.expect("we are its superuser");
    let (bin, data, tls): (String, String, String) = (row.get(0), row.get(1), row.get(2));
    if tls.is_empty() {
        return None;
    }
    assert!(Path::new(&bin).join("initdb").exists(), "the server of the tests is not on this machine");
    Some((bin.into(), owner(Path::new(&data))))
}

fn owner(path: &Path) -> (u32, u32) {
    let owner = fs::metadata(path).expect("it is on this machine");
    (owner.uid(), owner.gid())
}

fn succeed(command: &mut Command) {
    let output = command.output().expect("it is there");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
