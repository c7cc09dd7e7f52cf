//! Feed: a hundred listeners, over gRPC, over plain HTTP and in the process, are cut off and come back, read slowly, want
//! little; the service is killed under them, another takes its place, and at last an older backup that has been appended
//! past the old head. Each holds exactly her events in order, and a snapshot with its tail is the directory.

pub(crate) mod door;
mod sse;
mod held;
mod listener;
mod scribe;

use std::time::Duration;

use buffa::MessageField;
use clap::ValueEnum;
use eventstore::{AggregateId, Position};
use fastrand::Rng;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use user_api::v1;

use crate::ground::{Ground, Kind};
use crate::ours::Ours;
use crate::population::Population;
use crate::seed::Seed;
use crate::service::{Program, Service};
use crate::verdict::Findings;
use crate::wire::client;
use door::Door;
use held::Users;
use listener::{Listener, Resume};
use scribe::Scribe;

/// Listeners on each store, and how many there are for each kill of the service.
const SMALL: u64 = 100;
const LISTENERS_PER_KILL: u64 = 50;

/// Listeners under a control: it is found by the first who comes back.
const CONTROL: u64 = 12;

/// One of so many is away while the log goes on to where it is put back from.
const AWAY: u64 = 8;

const SCRIBES: u64 = 4;

/// People that there are before anybody listens, and what happened to them.
const PEOPLE: (u64, u64) = (12, 40);

/// How long one service serves: at least so long, and up to so much longer.
const REIGN: (Duration, Duration) = (Duration::from_millis(300), Duration::from_millis(600));

/// How far the restored log goes past where it was.
const PAST: u64 = 5;

/// What makes this campaign fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Control {
    /// Whoever comes back names her position, and nothing of the log that it was one of
    PositionOnly,
}

pub(crate) async fn run(size: Option<u64>, control: Option<Control>, seed: Seed) -> anyhow::Result<Findings> {
    let mut findings = Findings::default();
    for kind in Kind::BOTH {
        let listeners = size.unwrap_or(if control.is_some() { CONTROL } else { SMALL });
        findings.take(on(kind, listeners, control, seed).await?);
    }
    Ok(findings)
}

async fn on(kind: Kind, count: u64, control: Option<Control>, seed: Seed) -> anyhow::Result<Findings> {
    let ground = Ground::new(kind).await?;
    ground.options()?.migrate().await?;
    let (resume, kills) = match control {
        Some(Control::PositionOnly) => (Resume::Position, 0),
        None => (Resume::Token, (count / LISTENERS_PER_KILL / 2).max(1)),
    };
    let people = begin(&ground, seed).await?;
    let (tell, _) = watch::channel(None);
    let mut place = Place {
        rng: seed.rng("reigns", 0),
        ground,
        people,
        tell,
        seed,
        phases: 0,
        head: 0,
        findings: Findings::default(),
    };
    let listeners = (0..count).map(|n| Listener::new(n, &place.people, resume, seed.rng("listeners", n)));
    let listeners = listeners.collect();
    let mut listeners = place.happens(listeners, kills).await?;
    let (backup, kept) = (place.ground.backup().await?, place.head);
    let away = listeners.split_off(listeners.len() - usize::try_from(count / AWAY)?);
    let mut listeners = place.happens(listeners, kills).await?;
    let lost = place.head;
    place.ground.restore(&backup).await?;
    place.goes_another_way(lost).await?;
    listeners.extend(away);
    let listeners = place.happens(listeners, 0).await?;
    if control.is_none() {
        place.whoever_was_beyond_is_told(&listeners, kept);
    }
    summary(&place, &listeners, kills, kept, lost);
    Ok(place.findings)
}

fn summary(place: &Place, listeners: &[Listener], kills: u64, kept: u64, lost: u64) {
    let sum = |of: fn(&Listener) -> u64| listeners.iter().map(of).sum::<u64>();
    println!(
        "{}: {} listeners came back {} times and fell behind {} times, under {} kills and {} other services; a log of {lost} \
         events was put back to {kept} and went on to {}: {} were told; {} events and {} snapshots are held",
        place.ground.kind,
        listeners.len(),
        sum(|it| it.resumed),
        sum(|it| it.fell_behind),
        2 * kills,
        place.phases,
        place.head,
        listeners.iter().filter(|it| it.diverged > 0).count(),
        sum(|it| it.held.count() as u64),
        listeners.iter().filter(|it| it.held.has_users()).count(),
    );
}

/// Some people with a history.
async fn begin(ground: &Ground, seed: Seed) -> anyhow::Result<Vec<AggregateId>> {
    let ours = Ours::start(ground).await?;
    let mut people = Population::new(ours.directory.clone(), "first", seed.rng("people", 0));
    for _ in 0..PEOPLE.0 {
        people.create().await?;
    }
    for _ in 0..PEOPLE.1 {
        people.act().await?;
    }
    ours.stop().await?;
    Ok(people.people)
}

/// A store under one service after the other.
struct Place {
    ground: Ground,
    people: Vec<AggregateId>,
    tell: watch::Sender<Option<Door>>,
    seed: Seed,
    rng: Rng,
    /// How often things have happened.
    phases: u64,
    /// Where the log stood when everybody had everything.
    head: u64,
    findings: Findings,
}

impl Place {
    /// Things happen while everybody listens and services come and go, until everybody has everything.
    async fn happens(&mut self, listeners: Vec<Listener>, kills: u64) -> anyhow::Result<Vec<Listener>> {
        let (goal, known) = watch::channel(None);
        let (mut listening, stop) = (JoinSet::new(), CancellationToken::new());
        for listener in listeners {
            listening.spawn(listener.listen(self.tell.subscribe(), known.clone()));
        }
        let mut writing = self.scribes(&stop);
        for _ in 0..kills {
            let mut service = Service::spawn(Program::Shipped, &self.ground)?;
            let address = service.address().await?;
            self.tell.send_replace(Some(Door { address, feeds: None }));
            self.reign().await;
            service.kill().await?;
            self.tell.send_replace(None);
        }
        let ours = Ours::start(&self.ground).await?;
        self.tell.send_replace(Some(Door::of(&ours)));
        self.reign().await;
        stop.cancel();
        while let Some(written) = writing.join_next().await {
            written??;
        }
        self.head = ours.directory.store().head().await?.position.0;
        goal.send_replace(Some(self.head));
        let mut back = Vec::new();
        while let Some(listener) = listening.join_next().await {
            back.push(listener??);
        }
        back.sort_by_key(|listener| listener.number);
        self.compare(&ours, &mut back).await?;
        self.tell.send_replace(None);
        ours.stop().await?;
        self.phases += 1;
        Ok(back)
    }

    fn scribes(&self, stop: &CancellationToken) -> JoinSet<anyhow::Result<()>> {
        let mut writing = JoinSet::new();
        for n in 0..SCRIBES {
            let of = self.phases * SCRIBES + n;
            let scribe = Scribe {
                name: format!("scribe-{of}"),
                people: self.people.clone(),
                whereabouts: self.tell.subscribe(),
                rng: self.seed.rng("scribes", of),
            };
            writing.spawn(scribe.write(stop.clone()));
        }
        writing
    }

    async fn reign(&mut self) {
        let (least, spread) = REIGN;
        sleep(least + spread.mul_f64(self.rng.f64())).await;
    }

    /// What everybody holds against the log and the directory.
    async fn compare(&mut self, ours: &Ours, listeners: &mut [Listener]) -> anyhow::Result<()> {
        let (log, users) = (ours.log().await?, users(ours).await?);
        for listener in listeners {
            let Listener { name, wants, held, .. } = &*listener;
            held.compare(name, wants, &log, &mut self.findings);
            if listener.is_told_all() {
                held.compare_users(name, wants, &users, &mut self.findings);
            }
            self.findings.take(std::mem::take(&mut listener.findings));
        }
        Ok(())
    }

    /// Other things happen than before, and more.
    async fn goes_another_way(&mut self, lost: u64) -> anyhow::Result<()> {
        let ours = Ours::start(&self.ground).await?;
        let mut others = Population::new(ours.directory.clone(), "other", self.seed.rng("others", 0));
        while ours.directory.store().head().await?.position < Position(lost + PAST) {
            others.act().await?;
        }
        ours.stop().await
    }

    /// Whoever had read what is lost knows it, and nobody else is bothered.
    fn whoever_was_beyond_is_told(&mut self, listeners: &[Listener], kept: u64) {
        for listener in listeners {
            match (listener.seen_before > kept, listener.diverged > 0) {
                (true, false) => {
                    self.findings.add("a listener is not told that the log is another", &listener.name);
                }
                (false, true) => self
                    .findings
                    .add("a listener is told that the log is another, and it is not", &listener.name),
                (true, true) | (false, false) => {}
            }
        }
    }
}

/// Everybody who is not erased, as the service lists them.
async fn users(ours: &Ours) -> anyhow::Result<Users> {
    let (client, mut users, mut token) = (client(ours.served.address)?, Users::new(), String::new());
    let statuses = [
        v1::UserStatus::Active,
        v1::UserStatus::Inactive,
        v1::UserStatus::Suspended,
        v1::UserStatus::Deleted,
    ];
    let filter =
        v1::ListUsersFilter { statuses: statuses.map(Into::into).into(), ..v1::ListUsersFilter::default() };
    loop {
        let request = v1::ListUsersRequest {
            page_size: 200,
            page_token: token,
            filter: MessageField::some(filter.clone()),
            ..v1::ListUsersRequest::default()
        };
        let page = client.list_users(request).await?.into_owned();
        users.extend(page.users.iter().map(|user| (user.id.clone(), held::fields(user))));
        token = page.next_page_token;
        if token.is_empty() {
            return Ok(users);
        }
    }
}
