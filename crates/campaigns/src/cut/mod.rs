//! Cut: the wire breaks between the commit of a write and its answer, on the way to the caller or between the service and
//! its database. Whoever asks again with the same request id is told what the first answer would have said, and what was
//! asked for has happened once.

mod life;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::ValueEnum;
use connectrpc::{ConnectError, ErrorCode};
use eventstore::{EventQuery, EventStore, Position, RecordedEvent};
use fastrand::Rng;
use tokio::time::sleep;
use user_api::oneof::get_user_request;
use user_api::v1;
use user_service::store::{Access, StoreOptions};
use uuid::Uuid;

use crate::ground::{Ground, Kind};
use crate::oracle;
use crate::order::{Order, Told};
use crate::ours::Ours;
use crate::proxy::{Manner, Proxy};
use crate::seed::{Seed, uuid};
use crate::verdict::Findings;
use crate::wire::{Failure, NOT_TRIED, client, failure};
use life::Life;

/// Cuts of a small run, half of them on each store.
const SMALL: u64 = 50;

/// Under the control: the first cut of each store would do.
const CONTROL: u64 = 10;

/// A request is sent so often at most.
const SENDINGS_MAX: u32 = 50;

const PAUSE: Duration = Duration::from_millis(5);

/// Whatever is waited for comes long before, if it comes.
const PATIENCE: Duration = Duration::from_secs(20);

/// More than any request makes.
const EVENTS_MAX: u32 = 10;

/// What makes this campaign fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Control {
    /// Requests have no ids, so that the second is another request than the first
    NoRequestIds,
}

pub(crate) async fn run(size: Option<u64>, control: Option<Control>, seed: Seed) -> anyhow::Result<Findings> {
    let cuts = size.unwrap_or(if control.is_some() { CONTROL } else { SMALL });
    let mut findings = Findings::default();
    for (kind, cuts) in Kind::BOTH.into_iter().zip([cuts / 2, cuts.div_ceil(2)]) {
        findings.take(on(kind, cuts, control, seed).await?);
    }
    Ok(findings)
}

/// Where the wire is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Committed, and on its way to the caller.
    Answer,
    /// Committed, and the service has not been told.
    Acknowledgement,
    /// The statement that would have committed it does not arrive.
    Statement,
}

async fn on(kind: Kind, cuts: u64, control: Option<Control>, seed: Seed) -> anyhow::Result<Findings> {
    let ground = Ground::new(kind).await?;
    ground.options()?.migrate().await?;
    let (store, options) = match kind {
        Kind::Sqlite => (None, ground.options()?),
        Kind::Postgres => {
            let proxy = Proxy::before(ground.server()?).await?;
            let options = ground.behind(proxy.address)?;
            (Some(proxy), options)
        }
    };
    let ours = Ours::over(options.open().await?).await?;
    // Not over the wire that is cut.
    let log = StoreOptions { access: Access::Reader, ..ground.options()? }.open().await?;
    let callers = Proxy::before(ours.served.address.to_string()).await?;
    let mut scene = Scene { ours, log, callers, store, control, told: Tally::default() };
    let (mut life, mut rng, mut findings) = (Life::default(), seed.rng("places", 0), Findings::default());
    for _ in 0..cuts {
        let place = scene.place(&mut rng);
        let cut = Cut { place, order: life.next(), id: uuid(&mut rng) };
        match scene.cut(&cut, &mut findings).await.with_context(|| cut.to_string())? {
            Some(told) => life.go_on(&told),
            None => life.go_on_with(scene.last().await?),
        }
    }
    let report = oracle::examine(&scene.ours.directory, &mut findings).await?;
    println!("{kind}: {cuts} cuts, {}; {} events", scene.told, report.events);
    scene.log.close().await;
    scene.ours.stop().await?;
    Ok(findings)
}

/// One cut, and what it is to befall.
struct Cut {
    place: Place,
    order: Order,
    id: Uuid,
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cut at its {:?}: {:?}", self.id, self.place, self.order)
    }
}

/// What came of it, for people.
#[derive(Debug, Default)]
struct Tally {
    answers: u64,
    acknowledgements: u64,
    statements: u64,
    /// Outcomes that the service itself called unknown, or nobody told.
    unknown: u64,
    /// Answers that came although the service had lost its database.
    settled: u64,
    replayed: u64,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { answers, acknowledgements, statements, unknown, settled, replayed } = self;
        write!(
            f,
            "{answers} of them before an answer, {acknowledgements} before the database's, {statements} before a statement; \
             {unknown} outcomes were unknown, {settled} the service settled itself, {replayed} answers were given again"
        )
    }
}

/// The service between two wires.
struct Scene {
    ours: Ours,
    /// As it is, whatever is cut.
    log: Arc<dyn EventStore>,
    callers: Proxy,
    /// Between the service and its database, where there is one.
    store: Option<Proxy>,
    control: Option<Control>,
    told: Tally,
}

impl Scene {
    fn place(&self, rng: &mut Rng) -> Place {
        // What the database is sent is known again by its request id.
        match (&self.store, self.control) {
            (None, _) | (Some(_), Some(Control::NoRequestIds)) => Place::Answer,
            (Some(_), None) => match rng.u8(..3) {
                0 => Place::Answer,
                1 => Place::Acknowledgement,
                _ => Place::Statement,
            },
        }
    }

    /// Cuts, asks again until there is an answer, and looks at it. What the caller holds in the end.
    async fn cut(&mut self, cut: &Cut, findings: &mut Findings) -> anyhow::Result<Option<Told>> {
        let before = self.log.head().await?.position;
        let first = self.first(cut, before).await?;
        let made = self.made_since(before).await?.len() as u64;
        if made > 0 && made != cut.order.events() {
            findings.add("a request is in the log in part, or more than once", cut);
        }
        let told = match first.map_err(|error| failure(&error)) {
            Ok(told) => {
                self.told.settled += 1;
                Some(told)
            }
            Err(Failure::NotExecuted(reason)) => {
                if made > 0 {
                    findings.add("what is in the log was called not executed", format!("{reason}: {cut}"));
                }
                self.again(cut, findings).await?
            }
            Err(Failure::Unknown(_)) => {
                self.told.unknown += 1;
                self.again(cut, findings).await?
            }
        };
        if let Some(told) = &told {
            self.examine(cut, told, made, before, findings).await?;
        }
        Ok(told)
    }

    /// Sends it, and cuts the wire when it is where it is to be cut.
    async fn first(&mut self, cut: &Cut, before: Position) -> anyhow::Result<Result<Told, ConnectError>> {
        let mark = cut.id.as_bytes().to_vec();
        let (wire, manner, count) = match (cut.place, &self.store) {
            (Place::Answer, _) => (&self.callers, Manner::KeepAnswers, &mut self.told.answers),
            (Place::Acknowledgement, Some(store)) => {
                (store, Manner::KeepAnswersTo(mark), &mut self.told.acknowledgements)
            }
            (Place::Statement, Some(store)) => (store, Manner::KeepRequest(mark), &mut self.told.statements),
            (Place::Acknowledgement | Place::Statement, None) => anyhow::bail!("there is no wire to cut"),
        };
        *count += 1;
        wire.set(manner);
        let (client, order, id) = (client(self.callers.address)?, cut.order.clone(), self.request_id(cut));
        let sending = tokio::spawn(async move { order.send(&client, id).await });
        if cut.place == Place::Statement {
            let kept = tokio::time::timeout(PATIENCE, wire.keeps()).await;
            kept.context("the statement is not sent")?;
        } else {
            self.committed(before).await?;
        }
        wire.cut();
        Ok(sending.await?)
    }

    fn request_id(&self, cut: &Cut) -> Option<Uuid> {
        match self.control {
            Some(Control::NoRequestIds) => None,
            None => Some(cut.id),
        }
    }

    /// Returns when the log has grown.
    async fn committed(&self, before: Position) -> anyhow::Result<()> {
        let began = Instant::now();
        while self.log.head().await?.position == before {
            anyhow::ensure!(began.elapsed() < PATIENCE, "nothing is committed");
            sleep(PAUSE).await;
        }
        Ok(())
    }

    async fn made_since(&self, before: Position) -> anyhow::Result<Vec<RecordedEvent>> {
        Ok(self.log.events(&EventQuery::after(before, EVENTS_MAX)).await?.events)
    }

    /// Whom the last event is about.
    async fn last(&self) -> anyhow::Result<String> {
        let before = Position(self.log.head().await?.position.0 - 1);
        let made = self.made_since(before).await?;
        Ok(made.last().context("something has happened")?.aggregate_id.to_string())
    }

    /// Asks for the same until somebody says what became of it.
    async fn again(&mut self, cut: &Cut, findings: &mut Findings) -> anyhow::Result<Option<Told>> {
        for _ in 0..SENDINGS_MAX {
            let sent = cut.order.send(&client(self.callers.address)?, self.request_id(cut)).await;
            match sent.map_err(|error| failure(&error)) {
                Ok(told) => {
                    self.told.replayed += u64::from(told.replayed);
                    return Ok(Some(told));
                }
                Err(Failure::NotExecuted(reason)) if !NOT_TRIED.contains(&reason.as_str()) => {
                    findings
                        .add("what was done is refused to whoever asks again", format!("{reason}: {cut}"));
                    return Ok(None);
                }
                Err(Failure::NotExecuted(_) | Failure::Unknown(_)) => sleep(PAUSE).await,
            }
        }
        findings.add("a request could not be settled", cut);
        Ok(None)
    }

    /// The answer against the log, against the user, and against what is said the next time.
    async fn examine(
        &self,
        cut: &Cut,
        told: &Told,
        made_at_first: u64,
        before: Position,
        findings: &mut Findings,
    ) -> anyhow::Result<()> {
        let made = self.made_since(before).await?;
        if made.len() as u64 != cut.order.events() {
            findings.add("a request is in the log in part, or more than once", cut);
        }
        let there = made.last().is_some_and(|last| {
            last.position.0 == told.position && last.aggregate_id.to_string() == told.user.id
        });
        if !there {
            findings.add("an answer is not about what stands in the log", cut);
        }
        if cut.place == Place::Answer && made_at_first > 0 && !told.replayed {
            findings.add("what had been done is not called a repetition", cut);
        }
        // Whoever has been erased is shown to nobody but to whoever did it.
        let shown = (!matches!(cut.order, Order::Erase { .. })).then_some(&told.user);
        if self.user(&told.user.id).await?.as_ref() != shown {
            findings.add("an answer shows a user as she is not", cut);
        }
        if self.control == Some(Control::NoRequestIds) {
            return Ok(());
        }
        let once_more = cut.order.send(&client(self.ours.served.address)?, self.request_id(cut)).await;
        let same = once_more
            .is_ok_and(|next| next.replayed && next.position == told.position && next.user == told.user);
        if !same {
            findings.add("an answer is another the next time", cut);
        }
        Ok(())
    }

    async fn user(&self, id: &str) -> anyhow::Result<Option<v1::User>> {
        let by = Some(get_user_request::By::Id(id.to_owned()));
        let request = v1::GetUserRequest { by, ..Default::default() };
        match client(self.ours.served.address)?.get_user(request).await {
            Ok(answer) => Ok(answer.into_owned().user.into_option()),
            Err(error) if error.code == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
