//! The threads that hash: one per core, at the lowest priority, with a bounded queue.
//!
//! At that priority the pool takes what the other threads leave, and reads keep their latency. Its memory is kept while
//! there is work, and given back when there is none.

use std::fmt;
use std::num::NonZero;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use argon2::Block;

use super::Saturated;

/// About two seconds of work for a thread. More would only wait for its deadline.
const WAITING_MAX_PER_THREAD: usize = 128;

/// A thread without work for so long gives its memory back.
const IDLE: Duration = Duration::from_secs(10);

/// The lowest priority there is (Linux, setpriority(2)).
const NICEST: i32 = 19;

type Work = Box<dyn FnOnce(&mut Vec<Block>) + Send>;

pub(super) struct Pool {
    sender: SyncSender<Work>,
}

impl Pool {
    pub(super) fn new() -> Self {
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        let (sender, receiver) = sync_channel(threads * WAITING_MAX_PER_THREAD);
        let receiver = Arc::new(Mutex::new(receiver));
        for n in 0..threads {
            let receiver = Arc::clone(&receiver);
            let thread = thread::Builder::new().name(format!("password-{n}"));
            thread.spawn(move || work(&receiver)).expect("the system has room for a thread");
        }
        Self { sender }
    }

    pub(super) fn submit(&self, work: Work) -> Result<(), Saturated> {
        self.sender.try_send(work).map_err(|_| Saturated)
    }
}

/// Works until the pool is dropped.
fn work(receiver: &Mutex<Receiver<Work>>) {
    // Without the priority the work is the same, only less polite.
    // Elsewhere it would be the priority of the whole process.
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, NICEST) {
        tracing::debug!(%error, "passwords are hashed at the usual priority");
    }
    let mut memory = Vec::new();
    loop {
        let next = receiver.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(IDLE);
        match next {
            Ok(work) => work(&mut memory),
            Err(RecvTimeoutError::Timeout) => memory = Vec::new(),
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pool")
    }
}
