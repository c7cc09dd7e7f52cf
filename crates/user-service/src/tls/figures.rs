//! Until when certificates are valid, and whether newer ones had to be refused: for the metrics.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// What is served. Nothing as long as nothing was taken. Cheap to clone: all clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Certificates(Arc<Figures>);

#[derive(Debug, Default)]
struct Figures {
    server: AtomicU64,
    client_ca: AtomicU64,
    refused: AtomicBool,
}

impl Certificates {
    pub(super) fn take(&self, server: Duration, client_ca: Option<Duration>) {
        self.0.server.store(server.as_secs(), Ordering::Relaxed);
        self.0.client_ca.store(client_ca.map_or(0, |until| until.as_secs()), Ordering::Relaxed);
        self.0.refused.store(false, Ordering::Relaxed);
    }

    pub(super) fn refuse(&self) {
        self.0.refused.store(true, Ordering::Relaxed);
    }

    /// Until when each is valid, in seconds since 1970.
    pub(crate) fn until(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let all = [("server", &self.0.server), ("client_ca", &self.0.client_ca)];
        all.map(|(name, until)| (name, until.load(Ordering::Relaxed)))
            .into_iter()
            .filter(|(_, until)| *until > 0)
    }

    /// Whether the files hold something that cannot be used; `None` where nothing is served.
    pub(crate) fn refused(&self) -> Option<bool> {
        let serves = self.0.server.load(Ordering::Relaxed) > 0;
        serves.then(|| self.0.refused.load(Ordering::Relaxed))
    }
}
