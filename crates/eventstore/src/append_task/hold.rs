//! Appends that wait until somebody has finished what she does at the head. Jobs go on meanwhile.

use std::time::{Duration, Instant};

use tokio::select;
use tokio::sync::oneshot;
use tokio::time::sleep_until;

/// Callers wait that long at most: whoever holds appends back for longer has lost her way.
const HELD_MAX: Duration = Duration::from_secs(5);

/// Keeps the append task from forming batches while it lives, or for about five seconds.
#[derive(Debug)]
pub struct Hold {
    /// Dropped with it, which is what the task waits for.
    _lives: oneshot::Sender<()>,
}

/// The task's end of a hold.
#[derive(Debug)]
pub(super) struct Held {
    released: oneshot::Receiver<()>,
    until: Instant,
}

impl Hold {
    pub(super) fn begin(now: Instant) -> (Self, Held) {
        let (lives, released) = oneshot::channel();
        (Self { _lives: lives }, Held { released, until: now + HELD_MAX })
    }
}

impl Held {
    /// Comes back when the hold has been let go, or has lasted too long. Can be dropped at any time.
    pub(super) async fn ended(&mut self) {
        select! {
            _ = &mut self.released => {}
            () = sleep_until(self.until.into()) => {}
        }
    }
}
