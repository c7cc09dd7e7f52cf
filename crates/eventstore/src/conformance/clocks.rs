//! The times of events: from one clock, never backwards, and not from a clock that has jumped.

use jiff::{SignedDuration, Timestamp};

use super::Fixture;
use super::scene::{HandClock, changes, creates, document, log, open_with, stream};
use super::tables::new_document;
use crate::{AppendError, EventStore, Value, Warning, WriterRefusal};

const MICROSECOND: SignedDuration = SignedDuration::from_micros(1);

pub async fn an_append_is_recorded_when_the_clock_says_so<F: Fixture>(fixture: &F) {
    let clock = HandClock::new();
    let store = open_with(fixture, &clock).await;
    clock.turn(SignedDuration::from_secs(90));
    let appended = creates(1).with_events(2).done(&*store).await;
    assert_eq!(appended.recorded_at, clock.shows());
    assert!(log(&*store).await.iter().all(|event| event.recorded_at == clock.shows()));
}

pub async fn times_are_cut_to_microseconds<F: Fixture>(fixture: &F) {
    let clock = HandClock::new();
    let whole = clock.shows() + SignedDuration::from_micros(123_456);
    clock.set(whole + SignedDuration::from_nanos(789));
    let store = open_with(fixture, &clock).await;
    let appended = creates(1).writing(new_document(stream(1), "")).done(&*store).await;
    assert_eq!(appended.recorded_at, whole);
    assert_eq!(log(&*store).await[0].recorded_at, whole);
    assert_eq!(document(&*store, 1).await.map(|row| row[3].clone()), Some(Value::Time(whole)));
}

pub async fn recorded_times_never_go_backwards<F: Fixture>(fixture: &F) {
    let clock = HandClock::new();
    let store = open_with(fixture, &clock).await;
    let first = creates(1).done(&*store).await.recorded_at;
    clock.turn(SignedDuration::from_hours(-3));
    assert_eq!(changes(1, 1).done(&*store).await.recorded_at, first + MICROSECOND);
    assert_eq!(changes(1, 2).done(&*store).await.recorded_at, first + MICROSECOND + MICROSECOND);
    let times: Vec<_> = log(&*store).await.iter().map(|event| event.recorded_at).collect();
    assert!(times.is_sorted() && times.len() == 3, "{times:?}");
}

pub async fn recorded_times_do_not_go_backwards_over_a_restart<F: Fixture>(fixture: &F) {
    let clock = HandClock::new();
    let store = open_with(fixture, &clock).await;
    let first = creates(1).done(&*store).await.recorded_at;
    store.close().await;
    clock.turn(SignedDuration::from_hours(-3));
    let store = open_with(fixture, &clock).await;
    assert_eq!(changes(1, 1).done(&*store).await.recorded_at, first + MICROSECOND);
}

pub async fn a_clock_behind_the_log_is_warned_of<F: Fixture>(fixture: &F) {
    let clock = HandClock::new();
    let store = open_with(fixture, &clock).await;
    creates(1).done(&*store).await;
    clock.turn(SignedDuration::from_secs(-4));
    changes(1, 1).done(&*store).await;
    assert_eq!(store.warnings().await, [], "clocks are set back by seconds now and then");
    clock.turn(SignedDuration::from_secs(-26));
    changes(1, 2).done(&*store).await;
    assert_eq!(store.warnings().await, [Warning::ClockBehind { seconds: 30 }]);
    clock.turn(SignedDuration::from_mins(1));
    assert_eq!(
        store.warnings().await,
        [],
        "without an append, which a service that is not ready does not get"
    );
    changes(1, 3).done(&*store).await;
    assert_eq!(store.warnings().await, []);
}

pub async fn a_clock_behind_the_log_is_warned_of_from_the_start<F: Fixture>(fixture: &F) {
    let clock = HandClock::new();
    let store = open_with(fixture, &clock).await;
    creates(1).done(&*store).await;
    store.close().await;
    drop(store);
    clock.turn(SignedDuration::from_secs(-30));
    assert_eq!(open_with(fixture, &clock).await.warnings().await, [Warning::ClockBehind { seconds: 30 }]);
}

pub async fn a_clock_that_jumped_stops_appends_until_it_is_accepted<F: Fixture>(fixture: &F) {
    let clock = HandClock::new();
    let store = open_with(fixture, &clock).await;
    creates(1).done(&*store).await;
    clock.turn(SignedDuration::from_hours(2));
    for _ in 0..2 {
        assert_jumped(&creates(2).on(&*store).await);
    }
    assert_eq!(store.warnings().await, [Warning::WriterRefused(WriterRefusal::ClockJumped)]);
    assert_eq!(log(&*store).await.len(), 1);
    store.accept_clock();
    assert_eq!(store.warnings().await, []);
    assert_eq!(creates(2).done(&*store).await.recorded_at, clock.shows());
    assert_eq!(store.warnings().await, []);
    clock.set(clock.shows() + SignedDuration::from_hours(24));
    assert_jumped(&creates(3).on(&*store).await);
}

pub async fn a_clock_that_jumped_back_again_is_trusted<F: Fixture>(fixture: &F) {
    let clock = HandClock::new();
    let store = open_with(fixture, &clock).await;
    let right = clock.shows();
    clock.set(Timestamp::MAX);
    assert_jumped(&creates(1).on(&*store).await);
    assert_eq!(store.warnings().await, [Warning::WriterRefused(WriterRefusal::ClockJumped)]);
    clock.set(right);
    assert_eq!(store.warnings().await, [], "without an append");
    assert_eq!(creates(1).done(&*store).await.recorded_at, right);
    assert_eq!(store.warnings().await, []);
}

fn assert_jumped(result: &Result<crate::Appended, AppendError>) {
    assert!(matches!(result, Err(AppendError::WriterRefused(WriterRefusal::ClockJumped))), "{result:?}");
}
