//! How a connection is opened, and what it is told before it is used.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::poll_fn;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::NoTlsStream;
use tokio_postgres::{AsyncMessage, Client, Config, Connection, Error, NoTls, Socket};
use tracing::debug;

use crate::Options;
use crate::row::Moment;

/// A server that does not answer for so long is not there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long nothing comes back before we ask whether the other end is still there.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(10);

/// The planner settings are worth a factor of 1.9, and they keep a plan that was made on an empty table from becoming
/// a scan of a full one. No statement timeout: what has begun is not torn. Waiting for a lock ends, and an append that
/// stands still inside its transaction (a stopped process) gives up the lock that everybody waits for.
pub(crate) const APPEND_SETTINGS: &str = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; \
    SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_bitmapscan = off; SET jit = off; \
    SET statement_timeout = 0; SET lock_timeout = '10s'; SET idle_in_transaction_session_timeout = '10s'; \
    SET default_transaction_isolation = 'read committed'; SET default_transaction_read_only = off;";

/// Reads are short, each its own transaction.
const READ_SETTINGS: &str = "SET statement_timeout = '10s'; SET lock_timeout = '5s'; SET jit = off; \
    SET idle_in_transaction_session_timeout = '10s'; SET default_transaction_isolation = 'read committed';";

/// Everything that it takes to open a connection.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    config: Config,
    search_path: String,
    /// The role that every connection takes, if it may.
    pub(crate) role: Option<String>,
}

/// One connection for appends. Dropping it cuts the connection.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) client: Client,
    pub(crate) backend: Backend,
    driver: JoinHandle<()>,
    cut: AtomicBool,
    /// Its sender goes with the driver.
    ended: watch::Receiver<()>,
    warned: Arc<AtomicBool>,
}

/// A process of the server, named so that its number cannot mean another one later.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backend {
    pub(crate) pid: i32,
    pub(crate) started: Moment,
}

impl Door {
    /// The service's own door. The role is settled later, by trying.
    pub(crate) fn new(url: &str, options: &Options) -> Result<Self, Error> {
        let mut config: Config = url.parse()?;
        config.connect_timeout(config.get_connect_timeout().copied().unwrap_or(CONNECT_TIMEOUT));
        config.keepalives_idle(KEEPALIVE_IDLE).keepalives_interval(KEEPALIVE_IDLE).keepalives_retries(3);
        if config.get_application_name().is_none() {
            config.application_name("eventstore");
        }
        let search_path = format!("SET search_path = {}, {};", options.schema, options.vault());
        Ok(Self { config, search_path, role: None })
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// What a connection for reading is told.
    pub(crate) fn read_settings(&self) -> String {
        self.settings(READ_SETTINGS)
    }

    /// A connection with the rights of the login itself, with our names in its path.
    pub(crate) async fn login(&self) -> Result<Session, Error> {
        let (client, connection) = self.config.connect(NoTls).await?;
        let warned = Arc::new(AtomicBool::new(false));
        let (running, ended) = watch::channel(());
        let driver = tokio::spawn(drive(connection, Arc::clone(&warned), running));
        // Whose number another process may get is told apart by when it began. Asked before any role is taken: others'
        // backends are hidden from it.
        let ask = "SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()";
        client.batch_execute(&self.search_path).await?;
        let row = client.query_one(ask, &[]).await?;
        let backend = Backend { pid: row.try_get(0)?, started: row.try_get(1)? };
        Ok(Session { client, backend, driver, cut: AtomicBool::new(false), ended, warned })
    }

    /// A connection for appends.
    pub(crate) async fn append(&self) -> Result<Session, Error> {
        let session = self.login().await?;
        self.enter(&session).await?;
        Ok(session)
    }

    /// Makes a login a connection for appends.
    pub(crate) async fn enter(&self, session: &Session) -> Result<(), Error> {
        session.client.batch_execute(&self.settings(APPEND_SETTINGS)).await
    }

    fn settings(&self, settings: &str) -> String {
        let role = self.role.as_ref().map_or(String::new(), |role| format!("SET ROLE {role};"));
        format!("{}{settings}{role}", self.search_path)
    }
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
        self.driver.abort();
    }

    /// Waits until the connection has ended.
    pub(crate) async fn ended(&self) {
        let mut ended = self.ended.clone();
        while ended.changed().await.is_ok() {}
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.cut();
    }
}

/// Carries the connection's messages. Notices come in order with the answers: a warning is noted before the answer of
/// the statement that it belongs to is seen.
async fn drive(
    mut connection: Connection<Socket, NoTlsStream>,
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
                debug!(%error, "a connection for appends ended");
                return;
            }
        }
    }
}
