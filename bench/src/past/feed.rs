//! Listeners to one log: what each event costs this process when there are many, against one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use eventstore::{AggregateId, Deadline, EventFilter};
use futures_util::future::try_join_all;
use tokio_util::sync::CancellationToken;
use user_service::directory::Directory;
use user_service::feed::{FeedLimits, Feeds, Start, Subscription, Told};

use super::pair::Compared;
use super::rebuild::{self, Built, Meter};
use super::stand::Stand;

/// Writers at a time, and what each writes in a round.
const WRITERS: usize = 32;
const WRITTEN: usize = 100;
const MANY: usize = 100;

/// One listener and many, in turns: microseconds of the processor for each event that was written.
pub(super) async fn measure(stand: &Stand, rounds: usize) -> anyhow::Result<Compared> {
    let directory = stand.directory().await?;
    let feeds = Feeds::new(directory.clone(), FeedLimits::default());
    let (stop, running) = (CancellationToken::new(), feeds.clone());
    let token = stop.clone();
    let hub = tokio::spawn(async move { running.run(token).await });
    let writers = try_join_all((0..WRITERS).map(|_| rebuild::newcomer(&directory))).await?;
    let mut compared =
        Compared { what: "processor per event, 100 listeners and 1".to_owned(), rounds: Vec::new() };
    round(&directory, &feeds, &writers, 1).await?;
    for _ in 0..rounds {
        let one = round(&directory, &feeds, &writers, 1).await?;
        let many = round(&directory, &feeds, &writers, MANY).await?;
        compared.rounds.push((micros(&one), micros(&many)));
    }
    stop.cancel();
    hub.await?;
    Ok(compared)
}

fn micros(built: &Built) -> f64 {
    built.processor_seconds * 1e6 / crate::load::ratio(built.events, 1)
}

async fn round(
    directory: &Directory,
    feeds: &Feeds,
    writers: &[AggregateId],
    listeners: usize,
) -> anyhow::Result<Built> {
    let soon = Deadline(Instant::now() + Duration::from_mins(1));
    let listening =
        try_join_all((0..listeners).map(|_| feeds.subscribe(Start::Now, EventFilter::default(), soon)));
    let tasks: Vec<_> = listening.await?.into_iter().map(|one| tokio::spawn(listen(one))).collect();
    let begun = Meter::begin()?;
    let directory = Arc::new(directory.clone());
    let write = |id: &AggregateId| tokio::spawn(rebuild::writes(Arc::clone(&directory), *id, WRITTEN));
    for task in writers.iter().map(write).collect::<Vec<_>>() {
        task.await??;
    }
    for task in tasks {
        task.await??;
    }
    begun.end(format!("{listeners} listeners"), (WRITERS * WRITTEN) as u64, [0.0; 3])
}

async fn listen(mut subscription: Subscription) -> anyhow::Result<()> {
    let mut heard = 0;
    while heard < WRITERS * WRITTEN {
        match subscription.next().await?.told {
            Told::Event(_) => heard += 1,
            Told::User(_) | Told::Mark(_) => {}
        }
    }
    Ok(())
}
