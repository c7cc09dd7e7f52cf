//! How a connection is opened, what it is told before it is used, and what its server must promise.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use eventstore::Durability;
use futures_util::future::poll_fn;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::config::Host;
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{AsyncMessage, Client, Config, Connection, Error, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;
use tracing::debug;

use crate::row::Moment;
use crate::said::Said;
use crate::tls::{Asked, Mode, Tls};
use crate::{Access, OpenError, Options};

/// A server that does not answer for so long is not there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long nothing comes back before we ask whether the other end is still there.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(10);

/// How long what was sent may go unacknowledged before the connection counts as broken. The system's own is a quarter
/// of an hour.
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(30);

macro_rules! planner {
    () => {
        "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_hashjoin = off; \
        SET enable_mergejoin = off; SET enable_bitmapscan = off; SET jit = off; "
    };
}

/// The planner settings are worth a factor of 1.9, and they keep a plan that was made on an empty table from becoming
/// a scan of a full one. No statement timeout: what has begun is not torn. Waiting for a lock ends, and an append that
/// stands still inside its transaction (a stopped process) gives up the lock that everybody waits for.
pub(crate) const APPEND_SETTINGS: &str = concat!(
    planner!(),
    "SET statement_timeout = 0; SET lock_timeout = '10s'; SET idle_in_transaction_session_timeout = '10s'; \
    SET default_transaction_isolation = 'read committed'; SET default_transaction_read_only = off;"
);

/// The steps of projections: their statements find rows by keys, as those of appends do, in batches that take longer than
/// a read may. A process that is stopped in the middle of a step holds locks that erasing appends wait for, and whoever
/// takes over its projection: it loses them before an append gives up.
pub(crate) const STEP_SETTINGS: &str = concat!(
    planner!(),
    "SET statement_timeout = '60s'; SET lock_timeout = '10s'; SET idle_in_transaction_session_timeout = '3s'; \
    SET default_transaction_isolation = 'read committed';"
);

/// Reads are short, each its own transaction. They find their rows by an index, as appends do, and most are read in less
/// time than a plan of their own would take to make. A page is cut off after a few rows: the planner, which does not know
/// after how many, would send for other processes to read all of them. What is written on them is what a standby that takes
/// over may have missed: none of them ever waits for one that is away, or nobody could read.
pub(crate) const READ_SETTINGS: &str = concat!(
    planner!(),
    "SET max_parallel_workers_per_gather = 0; SET statement_timeout = '10s'; SET lock_timeout = '5s'; \
    SET synchronous_commit = local; SET idle_in_transaction_session_timeout = '10s'; SET default_transaction_isolation = 'read committed';"
);

/// A setting of the login or of the database may not lower what is promised; a stronger one stays.
const DURABLE: &str = "SELECT set_config('synchronous_commit', 'on', false) \
    WHERE current_setting('synchronous_commit') NOT IN ('on', 'remote_apply');";

/// Asked before any role is taken: others' backends are hidden from it. Roles belong to the whole cluster, so the
/// role's name is also of the database: who may serve one is not let into another.
const WHO: &str = "SELECT pid, backend_start, \
    $1 || '_' || left(encode(sha256(convert_to(current_database(), 'UTF8')), 'hex'), 8) || '_app' \
    FROM pg_stat_activity WHERE pid = pg_backend_pid()";

const DURABILITY: &str = "SELECT current_setting('fsync'), current_setting('full_page_writes'), \
    current_setting('synchronous_commit')";

/// Everything that it takes to open a connection.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    config: Config,
    tls: Tls,
    schema: String,
    search_path: String,
    durability: Durability,
    access: Access,
    /// The role that every connection takes, if it may.
    pub(crate) role: Option<String>,
}

/// One connection for appends. Dropping it cuts the connection.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) client: Client,
    pub(crate) backend: Backend,
    /// The role that the service takes in this database.
    pub(crate) role: String,
    driver: Driver,
    cut: AtomicBool,
    /// Its sender goes with the driver.
    ended: watch::Receiver<()>,
    warned: Arc<AtomicBool>,
}

/// What is encrypted, if it is.
pub(crate) type Stream = <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream;

/// What carries a connection's messages. The connection ends with it, also one that is still being opened.
#[derive(Debug)]
struct Driver(JoinHandle<()>);

/// A process of the server, named so that its number cannot mean another one later.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backend {
    pub(crate) pid: i32,
    pub(crate) started: Moment,
}

impl Door {
    /// The service's own door. The role is settled later, by trying.
    pub(crate) fn new(url: &str, options: &Options) -> Result<Self, OpenError> {
        let (mut config, tls) = parse(url)?;
        config.connect_timeout(config.get_connect_timeout().copied().unwrap_or(CONNECT_TIMEOUT));
        config.keepalives_idle(KEEPALIVE_IDLE).keepalives_interval(KEEPALIVE_IDLE).keepalives_retries(3);
        config.tcp_user_timeout(UNACKNOWLEDGED_MAX);
        if config.get_application_name().is_none() {
            config.application_name("eventstore");
        }
        Ok(Self {
            config,
            tls,
            schema: options.schema.clone(),
            search_path: format!("SET search_path = {}, {};", options.schema, options.vault()),
            durability: options.durability,
            access: options.access,
            role: None,
        })
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// How connections are encrypted.
    pub(crate) fn connector(&self) -> MakeRustlsConnect {
        self.tls.connector.clone()
    }

    /// A connection that nothing has been said on.
    pub(crate) async fn knock(&self) -> Result<(Client, Connection<Socket, Stream>), Error> {
        self.config.connect(self.connector()).await
    }

    /// How long the making of a connection may take: each host its time, and as long again for what is said then.
    pub(crate) fn patience(&self) -> Duration {
        let hosts = self.config.get_hosts().len().max(self.config.get_hostaddrs().len());
        let each = self.config.get_connect_timeout().copied().unwrap_or(CONNECT_TIMEOUT);
        each * (u32::try_from(hosts).unwrap_or(u32::MAX).saturating_add(1))
    }

    /// Who can read or change what is sent, in a clear sentence, if somebody can.
    pub(crate) fn exposure(&self) -> Option<&'static str> {
        match self.tls.mode {
            Mode::Disable if self.leaves_the_machine() => {
                Some("the connection to PostgreSQL is not encrypted: passwords' hashes can be read on it")
            }
            Mode::Require => Some(
                "sslmode=require verifies nothing: whoever answers in PostgreSQL's place is told everything; use \
                 verify-full",
            ),
            Mode::Disable | Mode::VerifyCa | Mode::VerifyFull => None,
        }
    }

    fn leaves_the_machine(&self) -> bool {
        let addresses = self.config.get_hostaddrs();
        if addresses.is_empty() {
            !self.config.get_hosts().iter().all(is_here)
        } else {
            !addresses.iter().all(IpAddr::is_loopback)
        }
    }

    /// What a connection for reading is told.
    pub(crate) fn read_settings(&self) -> String {
        let read_only = match self.access {
            Access::Owner => "",
            Access::Reader => "SET default_transaction_read_only = on;",
        };
        self.settings(&format!("{READ_SETTINGS}{read_only}"))
    }

    /// What a connection for the steps of projections is told.
    pub(crate) fn step_settings(&self) -> String {
        self.settings(&format!("{STEP_SETTINGS}{}", self.durable()))
    }

    /// A connection with the rights of the login itself, with our names in its path.
    pub(crate) async fn login(&self) -> Result<Session, OpenError> {
        in_time(self.patience(), self.log_in()).await
    }

    async fn log_in(&self) -> Result<Session, OpenError> {
        let (client, connection) = self.knock().await?;
        let warned = Arc::new(AtomicBool::new(false));
        let (running, ended) = watch::channel(());
        let driver = Driver(tokio::spawn(drive(connection, Arc::clone(&warned), running)));
        client.batch_execute(&self.search_path).await?;
        let row = client.query_one(WHO, &[&self.schema]).await?;
        let backend = Backend { pid: row.try_get(0)?, started: row.try_get(1)? };
        let role = row.try_get(2)?;
        Ok(Session { client, backend, role, driver, cut: AtomicBool::new(false), ended, warned })
    }

    /// A connection for appends.
    pub(crate) async fn append(&self) -> Result<Session, OpenError> {
        let session = self.login().await?;
        in_time(self.patience(), self.enter(&session)).await?;
        Ok(session)
    }

    /// Makes a login a connection for appends. Each time anew, what it promises is asked: it may be another server than
    /// the last.
    pub(crate) async fn enter(&self, session: &Session) -> Result<(), OpenError> {
        let settings = self.settings(&format!("{APPEND_SETTINGS}{}", self.durable()));
        session.client.batch_execute(&settings).await?;
        self.weaknesses(&session.client).await?;
        Ok(())
    }

    /// What the settings give up, in clear sentences: an error where that matters.
    pub(crate) async fn weaknesses(&self, client: &Client) -> Result<Vec<String>, OpenError> {
        let weak = weaknesses(client).await?;
        let matters = self.access == Access::Owner && self.durability == Durability::Required;
        if matters && !weak.is_empty() { Err(OpenError::Weakened(weak.join("; "))) } else { Ok(weak) }
    }

    /// What every connection is told that may commit something that is to last.
    pub(crate) fn durable(&self) -> &'static str {
        match self.durability {
            Durability::Required => DURABLE,
            Durability::MayBeWeakened => "",
        }
    }

    fn settings(&self, settings: &str) -> String {
        let role = self.role.as_ref().map_or(String::new(), |role| format!("SET ROLE {role};"));
        format!("{}{settings}{role}", self.search_path)
    }
}

fn parse(url: &str) -> Result<(Config, Tls), OpenError> {
    let (asked, url) = Asked::take(url)?;
    // What the driver says would repeat parts of the URL, perhaps of the password.
    let mut config: Config = url.parse().map_err(|_| OpenError::Url)?;
    let tls = asked.tls()?;
    config.ssl_mode(tls.mode.of_driver());
    Ok((config, tls))
}

fn is_here(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => name == "localhost" || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback()),
        Host::Unix(_) => true,
    }
}

async fn in_time<T>(
    patience: Duration,
    work: impl Future<Output = Result<T, OpenError>>,
) -> Result<T, OpenError> {
    timeout(patience, work).await.unwrap_or_else(|_| Err(Said::nothing(patience).into()))
}

async fn weaknesses(client: &Client) -> Result<Vec<String>, OpenError> {
    let row = client.query_one(DURABILITY, &[]).await?;
    let (fsync, pages, commit): (String, String, String) =
        (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    let mut weak = Vec::new();
    if fsync != "on" {
        weak.push(format!("fsync = {fsync}: a crash of the machine can corrupt everything"));
    }
    if pages != "on" {
        weak.push(format!("full_page_writes = {pages}: a crash of the machine can tear a page"));
    }
    if commit != "on" && commit != "remote_apply" {
        weak.push(format!("synchronous_commit = {commit}: what was acknowledged can be lost"));
    }
    Ok(weak)
}

impl Session {
    /// Whether the server has warned since the last time this was asked. During a commit that means that the commit
    /// may not have reached a standby: the statement says success all the same.
    pub(crate) fn take_warning(&self) -> bool {
        self.warned.swap(false, Ordering::AcqRel)
    }

    /// Whether statements can still be sent.
    pub(crate) fn is_open(&self) -> bool {
        !self.cut.load(Ordering::Acquire) && !self.client.is_closed()
    }

    /// Cuts the connection: the server rolls back what has not been committed, when it notices.
    pub(crate) fn cut(&self) {
        // Aborting takes its time; nothing may be sent meanwhile.
        self.cut.store(true, Ordering::Release);
        self.driver.0.abort();
    }

    /// Waits until the connection has ended.
    pub(crate) async fn ended(&self) {
        let mut ended = self.ended.clone();
        while ended.changed().await.is_ok() {}
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Carries the connection's messages. Notices come in order with the answers: a warning is noted before the answer of
/// the statement that it belongs to is seen.
async fn drive(
    mut connection: Connection<Socket, Stream>,
    warned: Arc<AtomicBool>,
    _running: watch::Sender<()>,
) {
    while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
        match message {
            Ok(AsyncMessage::Notice(notice)) if *notice.code() == SqlState::WARNING => {
                warned.store(true, Ordering::Release);
            }
            Ok(_) => {}
            Err(error) => {
                debug!(error = %Said::from(error), "a connection for appends ended");
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exposure(url: &str) -> Option<&'static str> {
        Door::new(url, &Options::at(url)).expect("it is a URL").exposure()
    }

    #[test]
    fn a_server_on_this_machine_is_not_overheard() {
        for url in [
            "postgres://u@localhost/d",
            "postgres://u@127.0.0.1:1,127.0.0.2:2/d",
            "postgres://u@[::1]/d",
            "postgres:///d?host=/run/postgresql",
            "postgres://u@database/d?hostaddr=127.0.0.1",
        ] {
            assert_eq!(exposure(url), None, "{url}");
        }
    }

    #[test]
    fn any_other_is() {
        for url in [
            "postgres://u@database/d",
            "postgres://u@10.0.0.1/d?sslmode=disable",
            "postgres://u@localhost,database/d",
            "postgres://u@localhost/d?hostaddr=10.0.0.1",
        ] {
            assert!(exposure(url).is_some_and(|said| said.contains("is not encrypted")), "{url}");
        }
    }

    #[test]
    fn encryption_for_anybody_is_not_taken_for_safety() {
        let said = exposure("postgres://u@localhost/d?sslmode=require");
        assert!(said.is_some_and(|said| said.contains("verifies nothing")), "{said:?}");
    }
}
