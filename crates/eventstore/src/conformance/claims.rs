//! Uniqueness across streams: a key has one owner, and changes hands only in an append.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::Fixture;
use super::scene::{changes, conflict, creates, key, log, open, owner, rejection, stream};
use crate::{EventStore, Rejection};

fn taken(by: u64, n: u64) -> Rejection {
    Rejection::ClaimTaken { key: key(n), owner: stream(by) }
}

pub async fn a_claim_has_one_owner<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    creates(1).taking(7).done(&*store).await;
    assert_eq!(creates(2).taking(7).refused(&*store).await, taken(1, 7));
    assert_eq!(owner(&*store, 7).await, Some(stream(1)));
    assert_eq!(owner(&*store, 8).await, None);
}

pub async fn a_released_claim_can_be_taken<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    creates(1).taking(7).done(&*store).await;
    changes(1, 1).releasing(7).done(&*store).await;
    assert_eq!(owner(&*store, 7).await, None);
    creates(2).taking(7).done(&*store).await;
    assert_eq!(owner(&*store, 7).await, Some(stream(2)));
}

pub async fn a_moved_claim_frees_one_key_and_holds_another<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    creates(1).taking(7).done(&*store).await;
    changes(1, 1).moving(7, 8).done(&*store).await;
    assert_eq!(creates(2).taking(8).refused(&*store).await, taken(1, 8));
    creates(2).taking(7).done(&*store).await;
    assert_eq!((owner(&*store, 7).await, owner(&*store, 8).await), (Some(stream(2)), Some(stream(1))));
}

pub async fn a_claim_cannot_move_to_a_taken_key<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    creates(1).taking(7).done(&*store).await;
    creates(2).taking(8).done(&*store).await;
    assert_eq!(changes(1, 1).moving(7, 8).refused(&*store).await, taken(2, 8));
    assert_eq!((owner(&*store, 7).await, owner(&*store, 8).await), (Some(stream(1)), Some(stream(2))));
}

pub async fn a_claim_of_somebody_else_cannot_be_given_up<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    creates(1).taking(7).done(&*store).await;
    creates(2).done(&*store).await;
    assert_eq!(changes(2, 1).releasing(7).refused(&*store).await, conflict(1));
    assert_eq!(changes(2, 1).moving(7, 8).refused(&*store).await, conflict(1));
    assert_eq!(changes(2, 1).releasing(9).refused(&*store).await, conflict(1), "nor one that nobody owns");
    assert_eq!(owner(&*store, 7).await, Some(stream(1)));
}

pub async fn one_append_takes_moves_and_releases<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    creates(1).taking(1).taking(2).taking(3).done(&*store).await;
    changes(1, 1).releasing(1).moving(2, 4).taking(5).done(&*store).await;
    let owned = store.claims(None, 10).await.expect("claims are read");
    assert_eq!(owned, [3, 4, 5].map(|n| (key(n), stream(1))));
}

pub async fn untouched_claims_stay<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    creates(1).taking(7).done(&*store).await;
    changes(1, 1).done(&*store).await;
    changes(1, 2).taking(8).done(&*store).await;
    assert_eq!(creates(2).taking(7).refused(&*store).await, taken(1, 7));
}

pub async fn of_many_appends_that_want_one_claim_one_gets_it<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let mut racers = JoinSet::new();
    for n in 1..=16 {
        let store = Arc::clone(&store);
        racers.spawn(async move { (n, creates(n).taking(7).on(&*store).await) });
    }
    let (won, lost): (Vec<_>, Vec<_>) =
        racers.join_all().await.into_iter().partition(|(_, result)| result.is_ok());
    assert_eq!(won.len(), 1);
    assert!(lost.into_iter().all(|(_, result)| rejection(result) == taken(won[0].0, 7)));
    assert_eq!(log(&*store).await.len(), 1);
}

pub async fn claims_are_read_in_pages<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    for n in [3, 1, 4, 5, 2] {
        creates(n).taking(n).done(&*store).await;
    }
    let all = (1..=5).map(|n| (key(n), stream(n))).collect::<Vec<_>>();
    let page = store.claims(None, 2).await.expect("claims are read");
    assert_eq!(page, all[..2]);
    let rest = store.claims(Some(page[1].0), 10).await.expect("claims are read");
    assert_eq!(rest, all[2..]);
    assert_eq!(store.claims(Some(key(5)), 10).await.expect("claims are read"), []);
}
