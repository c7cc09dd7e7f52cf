//! What a caller is told when time runs out: "not executed" and "nobody can tell" are never mixed up.

use std::time::{Duration, Instant};

use super::Fixture;
use super::scene::{begin, changes, creates, duplicate, log, open, soon, stream};
use crate::{AppendError, Deadline, EventStore, Version};

/// More than any queue and any batch hold.
const FLOOD: u64 = 20_000;

fn within(millis: u64) -> Deadline {
    Deadline(Instant::now() + Duration::from_millis(millis))
}

pub async fn an_append_whose_deadline_has_passed_is_not_begun<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let passed = Deadline(Instant::now());
    let result = store.append(creates(1).0, passed).await;
    assert!(matches!(result, Err(AppendError::DeadlineBeforeStart)), "{result:?}");
    creates(1).done(&*store).await;
    assert_eq!(log(&*store).await.len(), 1);
}

pub async fn an_append_that_waits_past_its_deadline_is_not_executed<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let block = fixture.block_appends().await;
    let mut first = store.append(creates(1).0, soon());
    assert!(begin(&mut first).await.is_none(), "the writer is blocked");
    // On the same stream, so that it waits for the next batch.
    let result = store.append(changes(1, 1).0, within(50)).await;
    assert!(matches!(result, Err(AppendError::DeadlineBeforeStart)), "{result:?}");
    drop(block);
    first.await.expect("the first is taken");
    assert_eq!(changes(1, 1).done(&*store).await.version, Version(2), "nothing came in between");
}

pub async fn an_append_that_runs_past_its_deadline_is_unknown_until_it_is_retried<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let block = fixture.block_appends().await;
    let mut patience = 50;
    let command = loop {
        let command = creates(1).requested(1);
        match store.append(command.clone().0, within(patience)).await {
            Err(AppendError::OutcomeUnknown) => break command,
            // The writer had not taken it out of the queue in that time: a slow machine.
            Err(AppendError::DeadlineBeforeStart) => patience *= 2,
            other => panic!("the writer is blocked, and yet {other:?}"),
        }
    };
    drop(block);
    let record = duplicate(command.refused(&*store).await);
    assert_eq!((record.aggregate_id, record.version), (stream(1), Version(1)));
    assert_eq!(log(&*store).await.len(), 1, "it took place once");
}

pub async fn an_append_whose_caller_has_gone_is_not_begun<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let block = fixture.block_appends().await;
    let mut first = store.append(creates(1).0, soon());
    let mut second = store.append(changes(1, 1).0, soon());
    let mut third = store.append(creates(3).0, soon());
    for append in [&mut first, &mut second, &mut third] {
        assert!(begin(append).await.is_none(), "the writer is blocked");
    }
    drop(second);
    drop(block);
    first.await.expect("the first is taken");
    third.await.expect("the third is taken");
    assert_eq!(changes(1, 1).done(&*store).await.version, Version(2), "the second is not there");
}

pub async fn more_appends_than_the_queue_holds_are_shed<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let block = fixture.block_appends().await;
    let mut waiting = Vec::new();
    let shed = loop {
        let n = waiting.len() as u64;
        assert!(n < FLOOD, "the queue has an end");
        let mut append = store.append(creates(n).0, soon());
        match begin(&mut append).await {
            None => waiting.push(append),
            Some(result) => break result,
        }
    };
    assert!(matches!(shed, Err(AppendError::Overloaded)), "{shed:?}");
    drop(block);
    let taken = waiting.len();
    for append in waiting {
        append.await.expect("what was let in is taken");
    }
    assert_eq!(log(&*store).await.len(), taken);
}
