//! One projection's task: asks for the lease, works while it has it, gives it back.

use std::sync::Arc;
use std::time::Duration;

use eventstore::Slot;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::lease::Lease;
use super::owner::{Ended, Owner};
use super::retry::{Backoff, about};
use super::share::{Leases, Line, Share, Standing};
use super::workplace::{Trouble, Workplace};

/// How long a step may still take after the stop.
const GRACE: Duration = Duration::from_secs(2);

/// Competes for a projection and works on it, until it is told to stop.
pub(super) async fn compete<E: Send + Sync + 'static>(
    place: Arc<Workplace<E>>,
    share: Share,
    stop: CancellationToken,
) {
    let poll = place.settings.lease_ttl / 8;
    let (mut backoff, mut line) = (Backoff::new(&place.settings), Line::default());
    while !stop.is_cancelled() {
        let pause = match compete_once(&place, &share, &mut line, &stop).await {
            Ok(()) => {
                backoff.succeeded();
                about(poll)
            }
            Err(error) => {
                place.counters.failure();
                tracing::warn!(projection = place.name(), %error, "a lease could not be asked for");
                backoff.pause()
            }
        };
        tokio::select! {
            () = sleep(pause) => {}
            () = stop.cancelled() => {}
        }
    }
    line.leave(&place).await;
}

async fn compete_once<E: Send + Sync + 'static>(
    place: &Arc<Workplace<E>>,
    share: &Share,
    line: &mut Line,
    stop: &CancellationToken,
) -> Result<(), Trouble> {
    let asked = async {
        let standing = Leases::look(place).await?.standing(place.name(), place.settings.holder);
        let taken = match standing {
            Standing::Owed | Standing::Free if !may_own(place).await? => None,
            Standing::Owed => return line.enter(place).await.map(|()| None),
            Standing::Free => {
                let (had, others) = share.join();
                // Who has much already lets the others ask first.
                sleep(place.settings.lease_ttl / 64 * others).await;
                Lease::take(place).await?.map(|lease| (lease, had))
            }
            Standing::Kept => None,
        };
        line.leave(place).await;
        Ok::<_, Trouble>(taken)
    };
    let taken = tokio::select! {
        taken = asked => taken?,
        () = stop.cancelled() => None,
    };
    if let Some((lease, _had)) = taken {
        own(place, &lease, share, stop).await;
        place.shown.send_replace(None);
        place.release(place.name(), lease.end().await).await;
    }
    Ok(())
}

/// A binary that is older than the rows leaves the projection to those who understand them, unless nobody does and
/// somebody wishes something.
async fn may_own<E: Send + Sync + 'static>(place: &Workplace<E>) -> Result<bool, Trouble> {
    let generations = place.projections().generations().await?;
    let own = generations.iter().filter(|generation| generation.projection == place.name());
    let newest = own.filter(|found| found.slot != Slot::Prior).map(|found| found.revision).max();
    if newest.is_none_or(|newest| newest <= place.layout.revision) {
        return Ok(true);
    }
    let wishes = place.projections().wishes().await?;
    Ok(wishes.iter().any(|wish| wish.projection == place.name() && wish.answer.is_none()))
}

async fn own<E: Send + Sync + 'static>(
    place: &Workplace<E>,
    lease: &Lease,
    share: &Share,
    stop: &CancellationToken,
) {
    place.counters.taken_over();
    tracing::info!(projection = place.name(), epoch = lease.fence.epoch, "this process owns a projection");
    let mut owner = Owner::new(place, lease.fence, share);
    let overdue = async {
        stop.cancelled().await;
        sleep(GRACE).await;
    };
    let ended = tokio::select! {
        ended = owner.work(stop) => ended,
        () = lease.lost.cancelled() => Ended::Fenced,
        () = overdue => Ended::Stopped,
    };
    if ended == Ended::Fenced {
        place.counters.fenced();
        tracing::warn!(projection = place.name(), "this process owns a projection no longer");
    }
}
