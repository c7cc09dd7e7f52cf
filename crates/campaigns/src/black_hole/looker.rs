//! Somebody who reads all the while, and looks whether the service calls itself ready.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use connectrpc::{ConnectError, ErrorCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use user_api::oneof::get_user_request;
use user_api::v1;

use crate::kill_service::LATE_MAX;
use crate::verdict::Findings;
use crate::wire::{Client, client_that_tells, may_be_asked_again};

const PAUSE: Duration = Duration::from_millis(50);

/// Within which `/readyz` answers, on a machine with much else to do.
const ANSWER_MAX: Duration = Duration::from_secs(8);

/// So many readers: enough for every connection that the service reads with.
const READERS: u64 = 16;

/// What those who read saw.
#[derive(Debug, Default)]
pub(crate) struct Looked {
    pub(crate) answers: u64,
    /// Those that said that it cannot be told now.
    pub(crate) put_off: u64,
    pub(crate) findings: Findings,
}

/// Those who read.
#[derive(Debug)]
pub(crate) struct Lookers {
    stop: Arc<AtomicBool>,
    put_off: Arc<AtomicU64>,
    looking: Vec<JoinHandle<Looked>>,
}

impl Lookers {
    pub(crate) fn begin(address: SocketAddr, deadline: Duration) -> anyhow::Result<Self> {
        let (stop, put_off, mut looking) =
            (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default(), Vec::new());
        for _ in 0..READERS {
            let (client, stop) = (client_that_tells(address, deadline)?, Arc::clone(&stop));
            looking.push(tokio::spawn(look(client, deadline, stop, Arc::clone(&put_off))));
        }
        Ok(Self { stop, put_off, looking })
    }

    /// How many readers have been put off so far.
    pub(crate) fn put_off(&self) -> u64 {
        self.put_off.load(Ordering::Relaxed)
    }

    pub(crate) async fn rest(self) -> anyhow::Result<Looked> {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Looked::default();
        for looking in self.looking {
            let one = looking.await?;
            all.answers += one.answers;
            all.findings.take(one.findings);
        }
        all.put_off = self.put_off.load(Ordering::Relaxed);
        Ok(all)
    }
}

async fn look(client: Client, deadline: Duration, stop: Arc<AtomicBool>, put_off: Arc<AtomicU64>) -> Looked {
    let mut looked = Looked::default();
    while !stop.load(Ordering::Relaxed) {
        match timeout(deadline + LATE_MAX, ask(&client)).await {
            Ok(Ok(())) => looked.answers += 1,
            Ok(Err(error)) if may_be_asked_again(&error) => {
                put_off.fetch_add(1, Ordering::Relaxed);
            }
            Ok(Err(error)) => looked.findings.add(
                "a reader sees an error that she can do nothing about",
                format!("{:?} {:?}", error.code, error.message),
            ),
            Err(_) => looked.findings.add("a call does not end by its deadline", "GetUser"),
        }
        sleep(PAUSE).await;
    }
    looked
}

/// Asks for somebody who is not there: to say so, the service has to look.
async fn ask(client: &Client) -> Result<(), ConnectError> {
    let by = Some(get_user_request::By::Email("nobody@example.org".to_owned()));
    match client.get_user(v1::GetUserRequest { by, ..Default::default() }).await {
        Err(error) if error.code != ErrorCode::NotFound => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Waits until the service calls itself ready, or not, if it does in time: how long that took.
pub(crate) async fn until_ready(
    operations: SocketAddr,
    ready: Readiness,
    patience: Duration,
) -> Option<Duration> {
    let began = Instant::now();
    while began.elapsed() < patience {
        // Whoever is asked answers soon: a probe that waits in vain restarts a service that is well.
        if timeout(ANSWER_MAX, readiness(operations)).await.ok()?.ok() == Some(ready) {
            return Some(began.elapsed());
        }
        sleep(PAUSE).await;
    }
    None
}

/// What `/readyz` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readiness {
    Ready,
    NotReady,
}

async fn readiness(operations: SocketAddr) -> anyhow::Result<Readiness> {
    let mut stream = TcpStream::connect(operations).await?;
    stream.write_all(b"GET /readyz HTTP/1.0\r\nhost: localhost\r\n\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let ready = answer.split(' ').nth(1) == Some("200");
    Ok(if ready { Readiness::Ready } else { Readiness::NotReady })
}
