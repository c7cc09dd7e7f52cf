//! Unique race: in each round, many callers want one address at the same moment, in as many spellings.
//!
//! Half of them are new, half have another address; some send their request twice, as impatient clients do. After each
//! race somebody new sends one request many times at once. Shows that exactly one gets an address, that the others hear
//! that it is taken, and that one request has one answer, however often it is sent.

mod check_then_insert;
mod contender;
mod spelling;

use std::collections::BTreeSet;
use std::sync::Arc;

use clap::ValueEnum;
use eventstore::{AggregateId, EventStore};
use fastrand::Rng;
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use user_domain::Email;
use user_service::Sources;
use user_service::directory::Directory;
use user_service::queries::{UserRef, find_user};

use crate::ground::{Ground, Kind};
use crate::sabotage::Sabotaged;
use crate::seed::Seed;
use crate::verdict::Findings;
use crate::{instance, oracle};
use check_then_insert::CheckThenInsert;
use contender::{Answer, Contender, Sending};
use spelling::Address;

/// Rounds of a small run, on each store.
const SMALL: u64 = 20;

const CONTENDERS: u64 = 64;

/// So often is one request sent at once after each race.
const STORM: u32 = 16;

/// What makes this campaign fail.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Control {
    /// Who owns an address is read first and written later, as the predecessor did it
    CheckThenInsert,
}

pub(crate) async fn run(size: Option<u64>, control: Option<Control>, seed: Seed) -> anyhow::Result<Findings> {
    let mut findings = Findings::default();
    for kind in Kind::BOTH {
        findings.take(on(kind, size.unwrap_or(SMALL), control, seed).await?);
    }
    Ok(findings)
}

async fn on(kind: Kind, rounds: u64, control: Option<Control>, seed: Seed) -> anyhow::Result<Findings> {
    let ground = Ground::new(kind).await?;
    let instances = instances(&ground, control).await?;
    let mut rng = seed.rng("race", 0);
    let settled = contender::settle(&instances[0], CONTENDERS / 2, &mut rng).await?;
    let (mut findings, mut sent, mut taken) = (Findings::default(), 0, 0);
    for round in 0..rounds {
        let address = Address::of_round(round);
        let answers = race(&instances, &settled, &address, &mut rng).await?;
        sent += answers.len();
        taken += answers.iter().filter(|(_, answer)| *answer == Answer::Taken).count();
        let storm = storm(&instances, &Address::of_round(rounds + round), &mut rng).await?;
        judge(round, &storm, &mut findings);
        sent += storm.len();
        let owner = judge(round, &answers, &mut findings);
        for directory in &instances {
            let email = parsed(&address.spelled(&mut rng))?;
            let found = find_user(directory, &UserRef::Email(email)).await?.map(|user| user.id);
            if found != owner {
                findings.add("an address does not lead to its owner", format!("round {round}: {found:?}"));
            }
        }
    }
    let report = oracle::examine(&instances[0], &mut findings).await?;
    println!(
        "{kind}: {rounds} rounds, {CONTENDERS} contenders on {} instances, {sent} sendings, {taken} times taken; \
         {} users and {} events at the end",
        instances.len(),
        report.users,
        report.events
    );
    for directory in &instances {
        directory.store().close().await;
    }
    Ok(findings)
}

/// Two on PostgreSQL; SQLite has one by its nature.
async fn instances(ground: &Ground, control: Option<Control>) -> anyhow::Result<Vec<Directory>> {
    let options = ground.options()?;
    options.migrate().await?;
    let count = match ground.kind {
        Kind::Sqlite => 1,
        Kind::Postgres => 2,
    };
    let mut instances = Vec::new();
    for _ in 0..count {
        let store = options.open().await?;
        let store: Arc<dyn EventStore> = match control {
            Some(Control::CheckThenInsert) => Arc::new(Sabotaged { store, by: CheckThenInsert }),
            None => store,
        };
        instances.push(instance::directory(store, Sources::system()).await?);
    }
    Ok(instances)
}

/// One race.
async fn race(
    instances: &[Directory],
    settled: &[AggregateId],
    address: &Address,
    rng: &mut Rng,
) -> anyhow::Result<Vec<(u64, Answer)>> {
    let mut sendings = Vec::new();
    for n in 0..CONTENDERS {
        let email = parsed(&address.spelled(rng))?;
        let newcomer = n % 2 == 0;
        let user = settled[usize::try_from(n / 2)?];
        let contender =
            if newcomer { Contender::newcomer(email, rng) } else { Contender::settled(user, email, rng) };
        for _ in 0..contender.times {
            sendings.push((n, contender.sending(instances[rng.usize(..instances.len())].clone(), rng)?));
        }
    }
    Ok(at_once(sendings).await)
}

/// One request, as somebody sends it who does not wait for answers.
async fn storm(
    instances: &[Directory],
    address: &Address,
    rng: &mut Rng,
) -> anyhow::Result<Vec<(u64, Answer)>> {
    let impatient = Contender::newcomer(parsed(&address.spelled(rng))?, rng);
    let sendings: anyhow::Result<Vec<_>> = (0..STORM)
        .map(|_| Ok((0, impatient.sending(instances[rng.usize(..instances.len())].clone(), rng)?)))
        .collect();
    Ok(at_once(sendings?).await)
}

/// Everybody starts at the same moment.
async fn at_once(sendings: Vec<(u64, Sending)>) -> Vec<(u64, Answer)> {
    let start = Arc::new(Barrier::new(sendings.len()));
    let mut racing = JoinSet::new();
    for (n, sending) in sendings {
        let start = Arc::clone(&start);
        racing.spawn(async move {
            start.wait().await;
            (n, sending.send().await)
        });
    }
    racing.join_all().await
}

/// The owner of the round's address, if there is exactly one.
fn judge(round: u64, answers: &[(u64, Answer)], findings: &mut Findings) -> Option<AggregateId> {
    let mut owners = BTreeSet::new();
    for (n, answer) in answers {
        match answer {
            Answer::Owner(id) => {
                owners.insert(*id);
            }
            Answer::Taken => {}
            Answer::Other(what) => findings.add("a contender was told something else", what),
        }
        let differs = |(other, its): &(u64, Answer)| other == n && its != answer;
        if matches!(answer, Answer::Owner(_)) && answers.iter().any(differs) {
            findings.add("one request has two answers", format!("round {round}"));
        }
    }
    match owners.len() {
        1 => owners.pop_first(),
        0 => {
            findings.add("an address has no owner", format!("round {round}"));
            None
        }
        count => {
            findings.add("an address has several owners", format!("round {round}: {count}"));
            None
        }
    }
}

fn parsed(spelling: &str) -> anyhow::Result<Email> {
    Email::parse(spelling).map_err(|violation| anyhow::anyhow!("{spelling} is refused: {violation}"))
}
