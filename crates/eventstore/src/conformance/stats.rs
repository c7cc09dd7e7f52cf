//! What a store counts about itself is what happened.

use super::Fixture;
use super::scene::{begin, changes, creates, document, open, soon};
use crate::{AppendOutcome, AppendStats, EventStore};

pub async fn appends_are_counted_by_their_end<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    creates(1).taking(1).requested(1).with_events(3).done(&*store).await;
    changes(1, 1).refused(&*store).await;
    creates(2).taking(1).refused(&*store).await;
    creates(3).requested(1).refused(&*store).await;
    drop(creates(4).with_events(0).on(&*store).await);
    let block = fixture.block_appends().await;
    let mut abandoned = store.append(creates(5).0, soon());
    assert!(begin(&mut abandoned).await.is_none(), "the writer is blocked");
    drop(abandoned);
    drop(block);
    creates(6).done(&*store).await;
    let stats = appends(&*store);
    let ended = AppendOutcome::ALL.map(|outcome| (outcome.as_str(), stats.ended(outcome)));
    let ended: Vec<_> = ended.into_iter().filter(|(_, count)| *count > 0).collect();
    assert_eq!(
        ended,
        [
            ("appended", 2),
            ("conflict", 1),
            ("claim_taken", 1),
            ("duplicate", 1),
            ("malformed", 1),
            ("abandoned", 1),
        ]
    );
    assert!((4..=5).contains(&stats.events), "what was abandoned may have been executed: {}", stats.events);
    assert_eq!((stats.waiting, stats.unknown, stats.not_executed), (0, 0, 0));
    let (batches, times) = (&stats.batch_appends.counts, &stats.batch_seconds.counts);
    assert_eq!(batches.iter().sum::<u64>(), times.iter().sum::<u64>(), "each batch took its time");
    assert!(stats.batch_seconds.sum > 0.0);
}

pub async fn what_waits_is_counted_while_it_waits<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let block = fixture.block_appends().await;
    let mut waiting: Vec<_> = (1..=5).map(|n| store.append(creates(n).0, soon())).collect();
    for append in &mut waiting {
        assert!(begin(append).await.is_none(), "the writer is blocked");
    }
    let stats = appends(&*store);
    assert!(stats.waiting <= 5 && stats.waiting_max >= 5, "{stats:?}");
    drop(block);
    for append in waiting {
        append.await.expect("it is taken");
    }
    assert_eq!(appends(&*store).waiting, 0);
}

pub async fn statements_are_prepared_once_on_a_connection<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    for n in 1..=10 {
        document(&*store, n).await;
    }
    let stats = store.stats();
    assert_eq!(stats.statements.found + stats.statements.prepared, 10);
    assert!(stats.statements.prepared >= 1 && stats.statements.found >= 1, "{stats:?}");
    assert_eq!((stats.readers.busy, stats.readers.waiting), (0, 0));
    assert!(stats.readers.idle >= 1);
}

fn appends(store: &impl EventStore) -> AppendStats {
    store.stats().appends.expect("the store takes appends")
}
