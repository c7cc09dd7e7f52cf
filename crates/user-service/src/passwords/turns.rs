//! Turns at one user's password: in one process an attempt waits until the one before it has come to an end. Else many who are
//! right at once would count as many attempts, and be told to wait.

use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard};

/// How many users can have a turn at once, at most. Two who share one wait for each other, for a hash.
const PLACES: u128 = 1024;

/// Whose turn it is.
#[derive(Debug)]
pub(crate) struct Turns(Box<[Arc<Mutex<()>>]>);

impl Default for Turns {
    fn default() -> Self {
        Self((0..PLACES).map(|_| Arc::default()).collect())
    }
}

impl Turns {
    /// Waits for a turn at whom this number stands for; it lasts until the guard is dropped.
    pub(crate) async fn at(&self, number: u128) -> OwnedMutexGuard<()> {
        let place = usize::try_from(number % PLACES).expect("there are few places");
        Arc::clone(&self.0[place]).lock_owned().await
    }
}
