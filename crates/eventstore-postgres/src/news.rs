//! How far the log is known to go: by this process's own appends, and by what others tell each other after theirs.
//!
//! Nothing depends on it but how soon a reader looks: whoever is told nothing looks about once a second.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use deadpool_postgres::Pool;
use eventstore::append_task::KnownHead;
use eventstore::{BoxError, Position};
use futures_util::future::poll_fn;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_postgres::{AsyncMessage, Notification};
use tracing::debug;

use crate::Notify;
use crate::connection::Door;
use crate::read::{Reader, connection};
use crate::said::Said;

/// Telling costs the server a commit that all others wait for in turn: it is not done for each append.
const TOLD_EVERY: Duration = Duration::from_millis(20);

/// Between two attempts to listen. Whoever does not hear looks.
const PAUSE: Duration = Duration::from_secs(1);

/// What this process knows and hears of the head.
pub(crate) struct News {
    known: KnownHead,
    /// What others have said: it is not repeated.
    heard: Arc<AtomicU64>,
    door: Door,
    channel: String,
    notify: Notify,
    /// Begins when somebody first waits: who only appends does not listen.
    listening: OnceLock<Task>,
    telling: Option<Task>,
}

/// Ends with its owner.
struct Task(JoinHandle<()>);

impl News {
    /// `own` is what this process appends, and a way to tell others of it.
    pub(crate) fn new(
        door: Door,
        channel: String,
        notify: Notify,
        own: Option<(&KnownHead, &Reader)>,
    ) -> Self {
        let known = own.map_or_else(KnownHead::default, |(known, _)| known.clone());
        let heard = Arc::new(AtomicU64::new(0));
        let telling = own.filter(|_| notify == Notify::On).map(|(known, reader)| {
            let told = tell(known.clone(), Arc::clone(&heard), reader.pool(), channel.clone());
            Task(tokio::spawn(told))
        });
        Self { known, heard, door, channel, notify, listening: OnceLock::new(), telling }
    }

    /// Comes back when the log is known to go beyond a position, and in any case after a second.
    pub(crate) async fn beyond(&self, position: Position) {
        match self.notify {
            Notify::On => {
                self.listening.get_or_init(|| {
                    let (known, heard) = (self.known.clone(), Arc::clone(&self.heard));
                    Task(tokio::spawn(keep_listening(self.door.clone(), self.channel.clone(), known, heard)))
                });
            }
            Notify::Off => {}
        }
        self.known.beyond(position).await;
    }

    /// How far the log is known to go.
    pub(crate) fn known(&self) -> Position {
        self.known.position()
    }

    /// The log was looked at to its end after it was known to go so far.
    pub(crate) fn ended(&self, known: Position, at: Position) {
        self.known.went_back(known, at);
    }

    /// Ends what has been begun.
    pub(crate) fn close(&self) {
        for task in self.listening.get().into_iter().chain(&self.telling) {
            task.0.abort();
        }
    }
}

/// Tells others of what this process has appended.
async fn tell(known: KnownHead, heard: Arc<AtomicU64>, pool: Pool, channel: String) {
    let mut told = Position::START;
    loop {
        told = known.after(told).await;
        if told.0 > heard.load(Ordering::Acquire)
            && let Err(error) = notify(&pool, &channel, told).await
        {
            debug!(%error, "the others are not told");
        }
        sleep(TOLD_EVERY).await;
    }
}

/// In one message, which is one transaction. It need not reach the disk: it says nothing that is not in the log.
async fn notify(pool: &Pool, channel: &str, Position(position): Position) -> Result<(), Said> {
    let client = connection(pool).await.map_err(|error| Said::by(&error))?;
    let tell = format!("SET LOCAL synchronous_commit = off; SELECT pg_notify('{channel}', '{position}')");
    Ok(client.batch_execute(&tell).await?)
}

async fn keep_listening(door: Door, channel: String, known: KnownHead, heard: Arc<AtomicU64>) {
    let hear = |notification: &Notification| {
        if let Ok(position) = notification.payload().parse() {
            heard.fetch_max(position, Ordering::AcqRel);
            known.saw(Position(position));
        }
    };
    loop {
        if let Err(error) = listen(&door, &channel, hear).await {
            debug!(error = %Said::by(&*error), "nothing is heard of others' appends");
        }
        sleep(PAUSE).await;
    }
}

/// Listens until the connection ends.
async fn listen(door: &Door, channel: &str, hear: impl Fn(&Notification)) -> Result<(), BoxError> {
    let connecting = timeout(door.patience(), door.knock());
    let (client, mut connection) = connecting.await??;
    let messages = async {
        while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
            if let AsyncMessage::Notification(notification) = message? {
                hear(&notification);
            }
        }
        Ok(())
    };
    let listening = async {
        timeout(door.patience(), client.batch_execute(&format!("LISTEN {channel}"))).await??;
        std::future::pending().await
    };
    tokio::select! {
        ended = messages => ended,
        failed = listening => failed,
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl fmt::Debug for News {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("News").field("known", &self.known).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use eventstore::{Deadline, EventQuery, EventStore};

    use super::*;
    use crate::appends::{created, options};
    use crate::database::Database;
    use crate::{Options, Store, migrate};

    async fn open(options: &Options) -> Store {
        migrate(options).await.expect("it is migrated");
        Store::open(options.clone()).await.expect("it opens")
    }

    /// Appends until somebody has heard of more than a position.
    async fn heard(news: &News, writer: &Store, position: Position) -> Position {
        let append = async {
            for n in 1.. {
                let deadline = Deadline(Instant::now() + Duration::from_secs(30));
                // Where the stream is there already nothing happens, which is as good.
                drop(writer.append(created(position.0 * 1000 + n), deadline).await);
                // Whoever is told nothing never comes back from this, as she would from `beyond`.
                sleep(TOLD_EVERY).await;
            }
        };
        tokio::select! {
            position = news.known.after(position) => position,
            () = append => position,
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_another_process_appends_is_heard_also_after_a_lost_connection() {
        let database = Database::new().await;
        let (writer, listener) = (open(&options(&database.url)).await, open(&options(&database.url)).await);
        listener.beyond(Position::START).await;
        let first = heard(&listener.news, &writer, Position::START).await;
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
            WHERE datname = current_database() AND query LIKE 'LISTEN %'";
        assert_eq!(database.owner().await.query(end, &[]).await.unwrap().len(), 1);
        assert!(heard(&listener.news, &writer, first).await > first);
    }

    #[tokio::test]
    async fn whoever_is_not_to_listen_looks_all_the_same() {
        let database = Database::new().await;
        let deaf = open(&Options { notify: Notify::Off, ..options(&database.url) }).await;
        deaf.beyond(Position::START).await;
        let ask =
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN %'";
        assert!(database.owner().await.query(ask, &[]).await.unwrap().is_empty());
        let deadline = Deadline(Instant::now() + Duration::from_secs(30));
        deaf.append(created(1), deadline).await.unwrap();
        deaf.beyond(Position::START).await;
        assert_eq!(deaf.head().await.unwrap().position, Position(1));
    }
    #[tokio::test]
    async fn a_log_that_was_put_back_sends_nobody_to_its_end_again_and_again() {
        let database = Database::new().await;
        let store = open(&Options { notify: Notify::Off, ..options(&database.url) }).await;
        for n in 1..=3 {
            let deadline = Deadline(Instant::now() + Duration::from_secs(30));
            store.append(created(n), deadline).await.unwrap();
        }
        assert_eq!(store.news.known(), Position(3));
        let put_back = "ALTER TABLE events DISABLE TRIGGER ALL; DELETE FROM events WHERE position > 1";
        database.owner().await.batch_execute(put_back).await.unwrap();
        let page = store.events(&EventQuery::after(Position::START, 10)).await.unwrap();
        assert_eq!(page.scanned_to, Position(1));
        assert_eq!(store.news.known(), Position(1), "whoever waits at the end waits");
    }
}
