//! A listener: she is cut off again and again, comes back with what she has, and reads at her own pace.

use std::time::Duration;

use anyhow::Context;
use eventstore::AggregateId;
use fastrand::Rng;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use user_api::v1::FeedMark;
use user_api::v1::watch_events_request::Start;
use user_api::v1::watch_events_response::Step as Wire;

use super::door::{self, Asked, Door, End, Way};
use super::held::Held;
use crate::verdict::Findings;

/// Where the service is; nowhere between a kill and the next start.
pub(super) type Whereabouts = watch::Receiver<Option<Door>>;

/// What a listener has to come to before she may go; `None` while things happen.
pub(super) type Goal = watch::Receiver<Option<u64>>;

/// Steps between two breaks of a connection, at most.
const STEPS_MAX: u64 = 60;

/// Before whoever finds nobody there looks again.
const PAUSE: Duration = Duration::from_millis(30);

/// What a slow reader takes for each step: less happens than she could read otherwise.
const SLOW: Duration = Duration::from_millis(300);

/// Everything is there long before; on a machine with much else to do it takes its time.
const PATIENCE: Duration = Duration::from_secs(40);

/// One of these is what most of the others want.
const TYPES: [&str; 8] = [
    "user.created",
    "user.email_changed",
    "user.profile_updated",
    "user.deactivated",
    "user.activated",
    "user.suspended",
    "user.deleted",
    "user.erased",
];

/// How somebody who has read says where she was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resume {
    Token,
    /// The control: by the position alone.
    Position,
}

#[derive(Debug)]
pub(super) struct Listener {
    pub(super) number: u64,
    pub(super) name: String,
    pub(super) held: Held,
    pub(super) wants: Asked,
    way: Way,
    resume: Resume,
    slow: bool,
    rng: Rng,
    /// How far she had come before she listened for the last time.
    pub(super) seen_before: u64,
    /// How often she came back with what she had.
    pub(super) resumed: u64,
    /// How often she was told that the log has gone another way.
    pub(super) diverged: u64,
    /// How often she read more slowly than things were forgotten.
    pub(super) fell_behind: u64,
    pub(super) findings: Findings,
}

impl Listener {
    /// By turns of every kind: all ways, all beginnings, all filters, at any pace.
    pub(super) fn new(number: u64, people: &[AggregateId], resume: Resume, mut rng: Rng) -> Self {
        let way = match number % 10 {
            8 => Way::Http,
            9 => Way::InProcess,
            _ => Way::Grpc,
        };
        let start = match rng.u8(..4) {
            0 => None,
            1 => Some(Start::AfterPosition(0)),
            _ => Some(Start::Snapshot(true)),
        };
        let whole = matches!(start, Some(Start::Snapshot(_)));
        let by_type = !whole && rng.bool();
        let count = if by_type { rng.usize(1..4) } else { 0 };
        let types = rng.choose_multiple(TYPES, count).into_iter().map(str::to_owned).collect();
        let count = if rng.u8(..3) == 0 { rng.usize(1..5) } else { 0 };
        let users = rng.choose_multiple(people.iter().copied(), count);
        Self {
            number,
            name: format!("listener {number}"),
            held: Held::default(),
            wants: Asked { start, types, users },
            way,
            resume,
            // Nothing is buffered between her and the service, so that she falls behind.
            slow: way == Way::InProcess || rng.u8(..5) == 0,
            rng,
            seen_before: 0,
            resumed: 0,
            diverged: 0,
            fell_behind: 0,
            findings: Findings::default(),
        }
    }

    /// Listens until she has everything up to the goal.
    pub(super) async fn listen(mut self, mut whereabouts: Whereabouts, goal: Goal) -> anyhow::Result<Self> {
        self.seen_before = self.held.position;
        if let Ok(ended) = timeout(PATIENCE, self.follow(&mut whereabouts, goal)).await {
            ended?;
        } else {
            let where_to = format!("{}: stands at {}", self.name, self.held.position);
            self.findings.add("a listener does not come to the end", where_to);
        }
        Ok(self)
    }

    async fn follow(&mut self, whereabouts: &mut Whereabouts, mut goal: Goal) -> anyhow::Result<()> {
        while !self.is_there(&goal) {
            let door = whereabouts.wait_for(Option::is_some).await?.clone().context("somebody serves")?;
            match self.sit(door, &mut goal).await {
                Ok(()) => {}
                Err(End::Gone) => sleep(PAUSE).await,
                Err(End::Diverged) => {
                    // What the message says.
                    self.diverged += 1;
                    self.held = Held::default();
                    self.wants.start = Some(Start::Snapshot(true));
                }
                Err(End::Refused(reason)) => {
                    self.findings.add("a listener is refused", format!("{}: {reason}", self.name));
                    sleep(PAUSE).await;
                }
            }
        }
        Ok(())
    }

    fn is_there(&self, goal: &Goal) -> bool {
        goal.borrow().is_some_and(|goal| !self.held.token.is_empty() && self.held.position >= goal)
    }

    /// Listens for as long as the connection lasts, or until the goal is known: then it is time to ask anew.
    async fn sit(&mut self, door: Door, goal: &mut Goal) -> Result<(), End> {
        goal.mark_unchanged();
        self.held.forget_the_incomplete();
        let mut feed = door::open(door, self.way, self.asked());
        let (mut left, into_snapshots) = (self.rng.u64(1..=STEPS_MAX), self.rng.u8(..4) == 0);
        while left > 0 {
            let step = tokio::select! {
                step = feed.recv() => step.unwrap_or(Err(End::Gone))?,
                _ = goal.changed() => return Ok(()),
            };
            if step.told == Wire::Mark(FeedMark::FellBehind.into()) {
                self.fell_behind += 1;
            }
            let whole = !step.token.is_empty();
            left -= u64::from(whole || into_snapshots);
            self.held.take(step);
            if self.is_there(goal) {
                return Ok(());
            }
            if self.slow && whole && goal.borrow().is_none() {
                sleep(SLOW.mul_f64(self.rng.f64())).await;
            }
        }
        Ok(())
    }

    /// Whether she hears what became different: what is told in the process is not in the shape of the wire.
    pub(super) fn is_told_all(&self) -> bool {
        self.way != Way::InProcess
    }

    fn asked(&mut self) -> Asked {
        let start = match self.resume {
            _ if self.held.token.is_empty() => self.wants.start.clone(),
            Resume::Token => Some(Start::ResumeToken(self.held.token.clone())),
            Resume::Position => Some(Start::AfterPosition(self.held.position)),
        };
        self.resumed += u64::from(!self.held.token.is_empty());
        Asked { start, ..self.wants.clone() }
    }
}
