//! The right to work on a projection: taken, renewed beside the work, and given up when it cannot be renewed in time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use eventstore::Fence;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::workplace::{Trouble, Workplace};

/// A lease that is renewed for as long as this lives.
#[derive(Debug)]
pub(super) struct Lease {
    pub(super) fence: Fence,
    /// Somebody else has it, or may have it by now.
    pub(super) lost: CancellationToken,
    over: CancellationToken,
    renewal: JoinSet<()>,
}

impl Lease {
    /// `None` if somebody else has it.
    pub(super) async fn take<E: Send + Sync + 'static>(
        place: &Arc<Workplace<E>>,
    ) -> Result<Option<Self>, Trouble> {
        let Some(fence) = ask(place).await? else { return Ok(None) };
        let (lost, over, mut renewal) = (CancellationToken::new(), CancellationToken::new(), JoinSet::new());
        renewal.spawn(renew(Arc::clone(place), fence, lost.clone(), over.clone()));
        Ok(Some(Self { fence, lost, over, renewal }))
    }

    /// Renews it no more. What is on its way is waited for: it would take back what is given back.
    pub(super) async fn end(mut self) -> Fence {
        self.over.cancel();
        self.renewal.join_next().await;
        self.fence
    }
}

async fn ask<E: Send + Sync + 'static>(place: &Workplace<E>) -> Result<Option<Fence>, Trouble> {
    let settings = &place.settings;
    let lease = place.projections().lease(place.name(), settings.holder, &settings.label, settings.lease_ttl);
    Ok(lease.await?)
}

/// A store that does not answer is asked again until the lease has expired by our own clock.
async fn renew<E: Send + Sync + 'static>(
    place: Arc<Workplace<E>>,
    fence: Fence,
    lost: CancellationToken,
    over: CancellationToken,
) {
    let ttl = place.settings.lease_ttl;
    let mut renewed = Instant::now();
    loop {
        tokio::select! {
            () = sleep(ttl / 3) => {}
            () = over.cancelled() => return,
        }
        let asked = Instant::now();
        match timeout(ttl / 3, ask(&place)).await {
            Ok(Ok(Some(found))) if found == fence => renewed = asked,
            Ok(Ok(_)) => return lost.cancel(),
            Ok(Err(_)) | Err(_) if has_expired(renewed, ttl) => return lost.cancel(),
            Ok(Err(error)) => tracing::warn!(projection = place.name(), %error, "a lease was not renewed"),
            Err(_) => tracing::warn!(projection = place.name(), "a lease was not renewed in time"),
        }
    }
}

fn has_expired(renewed: Instant, ttl: Duration) -> bool {
    renewed.elapsed() >= ttl
}
