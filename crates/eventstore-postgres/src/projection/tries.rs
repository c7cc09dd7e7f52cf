//! How often a swap is tried while somebody reads the tables.

use std::time::Duration;

use eventstore::ReadError;
use tokio::time::sleep;

/// With the wait for the lock each time: a little less than appends can be held.
const TRIES_MAX: u32 = 16;

/// Whoever had to wait behind the last attempt reads meanwhile.
const PAUSE: Duration = Duration::from_millis(50);

/// The attempts so far.
#[derive(Debug, Default)]
pub(super) struct Tries(u32);

impl Tries {
    /// Waits a little before the next attempt; an error if there is to be none.
    pub(super) async fn again(&mut self) -> Result<(), ReadError> {
        self.0 += 1;
        if self.0 == TRIES_MAX {
            return Err(ReadError::StoreDown("somebody reads the projection all the time".into()));
        }
        sleep(PAUSE).await;
        Ok(())
    }
}
