//! Whether the service should get traffic, from what the store warns of and how far behind projections are.

use std::time::Duration;

use clap::ValueEnum;
use cqrs::projection::ProjectionStatus;
use eventstore::{Slot, Warning};
use tokio::time::timeout;

use crate::host::Readiness;

/// What a projection that lags or does not go on means for the traffic.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LagPolicy {
    /// A projection may be so late before anybody is told.
    pub(crate) remarked_after: Duration,
    /// Whether that keeps traffic away.
    pub(crate) means: LagMeans,
}

/// What it is taken for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LagMeans {
    /// Something to know: users are found and changed without projections, and other instances would be as late
    #[default]
    Remark,
    /// A reason not to be ready
    NotReady,
}

/// Whoever asks waits a second or two, and takes whoever says nothing for dead.
const LOOK_MAX: Duration = Duration::from_secs(2);

/// What a look comes to, if it comes to an end: a database that can be reached and says nothing is as good as none.
pub(crate) async fn in_time(look: impl Future<Output = Readiness>) -> Readiness {
    within(LOOK_MAX, look).await
}

async fn within(patience: Duration, look: impl Future<Output = Readiness>) -> Readiness {
    let silent = |_| Readiness::NotReady(vec!["the store does not answer".to_owned()]);
    timeout(patience, look).await.unwrap_or_else(silent)
}

/// Ready when the store can be reached and takes writes. A log that is ahead of its clock takes them, and says so.
/// Whoever does not know how projections are does not say that they are well.
pub(crate) fn weigh(
    warnings: &[Warning],
    projections: Option<&[ProjectionStatus]>,
    behind: Option<Duration>,
    policy: LagPolicy,
) -> Readiness {
    let (mut reasons, mut remarks) = (Vec::new(), Vec::new());
    if projections.is_none() {
        reasons.push("the projections cannot be looked at".to_owned());
    }
    let projections = projections.unwrap_or_default();
    for warning in warnings {
        match warning {
            Warning::WriterRefused(_) | Warning::StoreDown => reasons.push(warning.to_string()),
            Warning::ClockBehind { .. } => remarks.push(warning.to_string()),
            // It was said at the start, it stays, and it is not for everybody's eyes.
            Warning::Weakened(_) => {}
        }
    }
    let replica = behind.filter(|behind| *behind > policy.remarked_after);
    let replica = replica.map(|behind| format!("the replica is {} s behind", behind.as_secs()));
    let late =
        projections.iter().filter_map(|projection| late(projection, policy.remarked_after)).chain(replica);
    match policy.means {
        LagMeans::Remark => remarks.extend(late),
        LagMeans::NotReady => reasons.extend(late),
    }
    match (reasons.is_empty(), remarks.is_empty()) {
        (true, true) => Readiness::Ready,
        (true, false) => Readiness::ReadyBut(remarks),
        (false, _) => Readiness::NotReady(reasons),
    }
}

/// What is to be said of a projection, if anything. Why it is paused is not for everybody's eyes.
fn late(projection: &ProjectionStatus, allowed: Duration) -> Option<String> {
    let name = &projection.name;
    let live = projection.generations.iter().find(|status| status.generation.slot == Slot::Live)?;
    if live.generation.paused.is_some() {
        return Some(format!("projection {name} is paused, {} events behind", live.lag_events));
    }
    let behind = live.lag.as_secs();
    let events = live.lag_events;
    (live.lag > allowed).then(|| format!("projection {name} is {behind} s behind ({events} events)"))
}

#[cfg(test)]
mod tests {
    use cqrs::projection::{GenerationStatus, Numbers, Progression};
    use eventstore::{Checkpoint, Generation, LogId, Phase, Position, WriterRefusal};
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::*;

    const POLICY: LagPolicy = LagPolicy { remarked_after: Duration::from_mins(1), means: LagMeans::Remark };

    fn projection(lag_seconds: u64, paused: Option<&str>) -> ProjectionStatus {
        let checkpoint = Checkpoint { log_id: LogId(Uuid::nil()), position: Position(90), event_id: None };
        let generation = Generation {
            projection: "user_search".to_owned(),
            slot: Slot::Live,
            number: 1,
            revision: 1,
            checkpoint,
            phase: Phase::Tailing,
            paused: paused.map(ToOwned::to_owned),
            parked_streams: 0,
            updated_at: Timestamp::UNIX_EPOCH,
        };
        let progress = Progression { done: 90, total: 100, rate: None, remaining: None };
        let lag = Duration::from_secs(lag_seconds);
        ProjectionStatus {
            name: "user_search".to_owned(),
            known: None,
            generations: vec![GenerationStatus { generation, lag_events: 10, lag, progress }],
            owner: None,
            wish: None,
            numbers: Numbers::default(),
        }
    }

    #[test]
    fn a_projection_that_lags_is_named_and_keeps_no_traffic_away() {
        let said = |projection| weigh(&[], Some(&[projection]), None, POLICY);
        assert_eq!(said(projection(60, None)), Readiness::Ready);
        let late = "projection user_search is 61 s behind (10 events)".to_owned();
        assert_eq!(said(projection(61, None)), Readiness::ReadyBut(vec![late]));
        let paused = "projection user_search is paused, 10 events behind".to_owned();
        assert_eq!(said(projection(0, Some("for alice"))), Readiness::ReadyBut(vec![paused]));
    }

    #[test]
    fn so_is_a_replica_that_lags() {
        let said = |seconds| weigh(&[], Some(&[]), Some(Duration::from_secs(seconds)), POLICY);
        assert_eq!(said(60), Readiness::Ready);
        assert_eq!(said(61), Readiness::ReadyBut(vec!["the replica is 61 s behind".to_owned()]));
    }

    #[test]
    fn it_does_if_that_is_what_was_said() {
        let policy = LagPolicy { means: LagMeans::NotReady, ..POLICY };
        assert_eq!(weigh(&[], Some(&[projection(1, None)]), None, policy), Readiness::Ready);
        assert!(matches!(weigh(&[], Some(&[projection(61, None)]), None, policy), Readiness::NotReady(_)));
    }

    #[test]
    fn whoever_cannot_look_at_the_projections_is_not_ready() {
        let reason = "the projections cannot be looked at".to_owned();
        assert_eq!(weigh(&[], None, None, POLICY), Readiness::NotReady(vec![reason]));
    }

    #[tokio::test]
    async fn a_store_that_says_nothing_is_as_good_as_none() {
        let silent = Readiness::NotReady(vec!["the store does not answer".to_owned()]);
        assert_eq!(within(Duration::ZERO, std::future::pending()).await, silent);
        assert_eq!(in_time(std::future::ready(Readiness::Ready)).await, Readiness::Ready);
    }

    #[test]
    fn a_store_that_takes_no_writes_gets_no_traffic() {
        let refused = Warning::WriterRefused(WriterRefusal::TooOld);
        for warning in [refused, Warning::StoreDown] {
            let said = weigh(std::slice::from_ref(&warning), Some(&[projection(61, None)]), None, POLICY);
            assert_eq!(said, Readiness::NotReady(vec![warning.to_string()]));
        }
        let behind = Warning::ClockBehind { seconds: 9 };
        assert!(matches!(weigh(&[behind], Some(&[]), None, POLICY), Readiness::ReadyBut(_)));
        assert_eq!(weigh(&[Warning::Weakened("x".to_owned())], Some(&[]), None, POLICY), Readiness::Ready);
    }
}
