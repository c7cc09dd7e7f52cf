//! A writer: one request after the other, each in the ledger before it is sent, and sent again until it is settled.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;
use connectrpc::ConnectError;
use fastrand::Rng;
use tokio::sync::watch;
use tokio::time::timeout;
use uuid::Uuid;

use super::crew::WRITERS;
use super::habits::{Habits, Opinion};
use super::ledger::{Ledger, What};
use super::plan::{Must, Plan, Step};
use crate::order::{Order, Told};
use crate::seed::uuid;
use crate::verdict::Findings;
use crate::wire::{Client, NOT_TRIED, client, client_that_tells};

/// Where the service is; nowhere between a kill and the next start.
pub(super) type Whereabouts = watch::Receiver<Option<SocketAddr>>;

/// A request is sent so often at most: a service that is killed each second has answered long before.
const SENDINGS_MAX: u32 = 1000;

/// Longer than any start takes.
const ABSENCE_MAX: Duration = Duration::from_mins(2);

/// After its deadline a call may end so much later, on a machine with much else to do.
pub(crate) const LATE_MAX: Duration = Duration::from_secs(3);

const PAUSE: Duration = Duration::from_millis(20);

pub(super) struct Writer {
    pub(super) plan: Plan,
    pub(super) ledger: Ledger,
    pub(super) whereabouts: Whereabouts,
    /// One for each writer who has all the users that she needs.
    pub(super) at_home: Arc<AtomicU64>,
    /// What all of them have been told is done.
    pub(super) acknowledged: Arc<AtomicU64>,
    pub(super) stop: Arc<AtomicBool>,
    pub(super) rng: Rng,
    pub(super) habits: Habits,
    /// The connection to whoever served last.
    pub(super) connected: Option<(SocketAddr, Client)>,
}

/// What a writer did.
#[derive(Debug, Default)]
pub(crate) struct Written {
    pub(crate) requests: u64,
    pub(crate) acknowledged: u64,
    pub(crate) refused: u64,
    /// Sendings that nobody answered.
    pub(crate) unknowns: u64,
    /// Sendings of which was said that nothing was tried, and that were sent again.
    pub(crate) not_tried: u64,
    /// Requests that turned out to have been executed when nobody had answered.
    pub(crate) replayed: u64,
    pub(crate) findings: Findings,
}

/// How a request ended.
enum End {
    Done(Box<Told>),
    Refused(String),
    Unsettled,
}

impl Writer {
    pub(super) async fn write(mut self) -> anyhow::Result<Written> {
        let (mut written, mut arrived) = (Written::default(), false);
        while !self.stop.load(Ordering::Relaxed) {
            if !arrived && self.plan.is_at_home() {
                arrived = true;
                self.at_home.fetch_add(1, Ordering::Relaxed);
            }
            let (step, request_id) = (self.plan.next(), uuid(&mut self.rng));
            self.ledger.write(request_id, What::Sent { events: step.order.events() }).await?;
            let end = self.settle(&step.order, request_id, &mut written).await?;
            self.note(&step, request_id, end, &mut written).await?;
        }
        Ok(written)
    }

    /// Sends a request until somebody says what became of it.
    async fn settle(&mut self, order: &Order, id: Uuid, written: &mut Written) -> anyhow::Result<End> {
        let mut unknown = false;
        for _ in 0..SENDINGS_MAX {
            let error = match self.send(order, id, written).await? {
                Ok(told) => return Ok(End::Done(Box::new(told))),
                Err(error) => error,
            };
            let opinion = self.habits.judge(&error, unknown);
            if let Opinion::Refused(reason) = opinion {
                return Ok(End::Refused(reason));
            }
            if self.habits.shows(&error) {
                let what = format!("{:?} {:?}: {order:?}", error.code, error.message);
                written.findings.add("a caller sees an error that she can do nothing about", what);
            }
            if let Opinion::Unknown(reason) = opinion {
                if reason == "INTERNAL" {
                    let what = format!("{order:?}");
                    written.findings.add("the service says that something is broken", what);
                }
                unknown = true;
                written.unknowns += 1;
                self.ledger.write(id, What::Unknown).await?;
            } else {
                written.not_tried += 1;
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(End::Unsettled)
    }

    /// Sends it once.
    async fn send(
        &mut self,
        order: &Order,
        id: Uuid,
        written: &mut Written,
    ) -> anyhow::Result<Result<Told, ConnectError>> {
        let client = self.client().await?;
        let sending = order.send(&client, Some(id));
        let Some(deadline) = self.habits.deadline else { return Ok(sending.await) };
        Ok(timeout(deadline + LATE_MAX, sending).await.unwrap_or_else(|_| {
            written.findings.add("a call does not end by its deadline", format!("{order:?}"));
            Err(ConnectError::deadline_exceeded("nobody answers"))
        }))
    }

    async fn note(&mut self, step: &Step, id: Uuid, end: End, written: &mut Written) -> anyhow::Result<()> {
        written.requests += 1;
        match end {
            End::Done(told) => {
                written.acknowledged += 1;
                self.acknowledged.fetch_add(1, Ordering::Relaxed);
                written.replayed += u64::from(told.replayed);
                self.ledger.write(id, What::Acknowledged { position: told.position }).await?;
                if step.must == Must::BeRefused {
                    written.findings.add("what must be refused was done", format!("{:?}", step.order));
                }
                self.plan.learn(step, &told);
            }
            End::Refused(reason) => {
                written.refused += 1;
                if step.must == Must::BeDone && !NOT_TRIED.contains(&reason.as_str()) {
                    let what = format!("{id} {reason}: {:?}", step.order);
                    written.findings.add("what must be done was refused", what);
                }
                if NOT_TRIED.contains(&reason.as_str()) {
                    // Whoever cannot serve now cannot serve at once.
                    tokio::time::sleep(PAUSE).await;
                }
                self.ledger.write(id, What::Refused { reason }).await?;
            }
            End::Unsettled => {
                written.findings.add("a request could not be settled", format!("{id} {:?}", step.order));
            }
        }
        Ok(())
    }

    /// A client of whoever serves now.
    async fn client(&mut self) -> anyhow::Result<Client> {
        let present = timeout(ABSENCE_MAX, self.whereabouts.wait_for(Option::is_some)).await;
        let address = present.context("the service does not come back")??.context("nobody is there")?;
        match &self.connected {
            Some((to, client)) if *to == address => Ok(client.clone()),
            Some(_) | None => {
                let client = match self.habits.deadline {
                    Some(deadline) => client_that_tells(address, deadline)?,
                    None => client(address)?,
                };
                self.connected = Some((address, client.clone()));
                Ok(client)
            }
        }
    }
}

impl Written {
    pub(super) fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.acknowledged += other.acknowledged;
        self.refused += other.refused;
        self.unknowns += other.unknowns;
        self.not_tried += other.not_tried;
        self.replayed += other.replayed;
        self.findings.take(other.findings);
    }
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{WRITERS} writers sent {} requests: {} acknowledged, {} refused, {} times not tried and sent again, {} times no \
             answer, after which {} turned out to have been done",
            self.requests, self.acknowledged, self.refused, self.not_tried, self.unknowns, self.replayed
        )
    }
}
