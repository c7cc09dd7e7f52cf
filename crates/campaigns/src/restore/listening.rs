//! Listeners who have heard of events that are lost, and what they are told when the log goes on without them.

use std::time::Duration;

use tokio::time::{sleep, timeout};
use user_api::v1::watch_events_request::Start;
use user_api::v1::watch_events_response::Step as Wire;

use crate::feed::door::{self, Asked, Door, End, Feed, Way};
use crate::ours::Ours;
use crate::verdict::Findings;

const PAUSE: Duration = Duration::from_millis(20);

/// The log is looked at once a second at least; on a machine with much else to do it takes its time.
const PATIENCE: Duration = Duration::from_secs(20);

/// In every way, and some who hardly hear of anything.
const LISTENERS: [(Way, Option<&str>); 5] = [
    (Way::Grpc, None),
    (Way::Grpc, Some("user.restored")),
    (Way::Http, None),
    (Way::InProcess, None),
    (Way::InProcess, Some("user.erased")),
];

/// Somebody who has heard of everything.
pub(super) struct Listening {
    name: String,
    way: Way,
    types: Vec<String>,
    token: String,
    feed: Feed,
}

/// Listeners who have come to the end of the log.
pub(super) async fn at(ours: &Ours) -> anyhow::Result<Vec<Listening>> {
    let mut all = Vec::new();
    for (way, only) in LISTENERS {
        let types: Vec<String> = only.into_iter().map(str::to_owned).collect();
        let asked = Asked { start: None, types: types.clone(), users: Vec::new() };
        let mut feed = door::open(Door::of(ours), way, asked);
        // Who begins now is told at once that she has caught up.
        let first = timeout(PATIENCE, feed.recv()).await?;
        let Some(Ok(step)) = first else { anyhow::bail!("a feed does not begin: {first:?}") };
        let name = format!("{way:?} {}", only.unwrap_or("everything"));
        all.push(Listening { name, way, types, token: step.token, feed });
    }
    Ok(all)
}

impl Listening {
    /// Listens on, or comes back, until she learns that the log is another. She is told nothing else.
    pub(super) async fn learns(mut self, ours: &Ours, findings: &mut Findings) {
        if timeout(PATIENCE, self.hears(ours, findings)).await.is_err() {
            findings.add("a listener is not told that the log is another", &self.name);
        }
    }

    async fn hears(&mut self, ours: &Ours, findings: &mut Findings) {
        loop {
            match self.feed.recv().await.unwrap_or(Err(End::Gone)) {
                Err(End::Diverged) => return,
                Err(End::Refused(reason)) => {
                    return findings.add("a listener is refused", format!("{}: {reason}", self.name));
                }
                Err(End::Gone) => {
                    sleep(PAUSE).await;
                    let start = Some(Start::ResumeToken(self.token.clone()));
                    let asked = Asked { start, types: self.types.clone(), users: Vec::new() };
                    self.feed = door::open(Door::of(ours), self.way, asked);
                }
                Ok(step) if matches!(step.told, Wire::Event(_)) => {
                    return findings
                        .add("a listener is told of another log", format!("{}: {step:?}", self.name));
                }
                Ok(_) => {}
            }
        }
    }
}
