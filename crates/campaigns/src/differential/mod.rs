//! Differential: one random script on SQLite, on PostgreSQL and on the model: a `Vec`, the domain, and a map of claims.
//!
//! Ids, times and nonces come from one seed, through the seams that the library has for it and the binary has not. So
//! answers, events and rows must be equal to the byte between the stores, and equal in meaning to the model.

mod answer;
mod compare;
mod model;
mod party;
mod script;
mod virtual_clock;

use std::collections::BTreeMap;

use clap::ValueEnum;
use user_domain::{Status, User};

use crate::ground::Kind;
use crate::oracle;
use crate::seed::Seed;
use crate::verdict::Findings;
use answer::Answer;
use model::Model;
use party::{Party, shown};
use script::{Script, Step};
use virtual_clock::VirtualClock;

/// Commands of a run.
const SMALL: u64 = 20_000;

/// After so many wrong answers everything that follows is wrong as well.
const WRONG_MAX: u64 = 5;

/// What makes this campaign fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Control {
    /// The model does not refuse to activate a suspended user
    OneRuleChanged,
}

pub(crate) async fn run(size: Option<u64>, control: Option<Control>, seed: Seed) -> anyhow::Result<Findings> {
    let clock = VirtualClock::new();
    let mut play = Play {
        sqlite: Party::on(Kind::Sqlite, seed, &clock).await?,
        postgres: Party::on(Kind::Postgres, seed, &clock).await?,
        model: Model::new(control),
        clock,
        findings: Findings::default(),
        answers: BTreeMap::new(),
    };
    let mut script = Script::new(seed.rng("script", 0));
    for _ in 0..size.unwrap_or(SMALL) {
        play.clock.tick(script.rng());
        let step =
            script.next(&play.model).map_err(|violation| anyhow::anyhow!("the script: {violation}"))?;
        play.step(&step).await?;
        if script.rng().u8(..16) == 0 {
            play.ask(&mut script).await?;
        }
        if play.findings.count() >= WRONG_MAX {
            println!("the script ends here: what follows a wrong answer is wrong as well");
            return Ok(play.findings);
        }
    }
    play.end().await
}

/// The three who play the script.
struct Play {
    sqlite: Party,
    postgres: Party,
    model: Model,
    clock: VirtualClock,
    findings: Findings,
    /// How many answers of each kind there were.
    answers: BTreeMap<&'static str, u64>,
}

impl Play {
    async fn step(&mut self, step: &Step) -> anyhow::Result<()> {
        let (sqlite, postgres) = tokio::try_join!(self.sqlite.execute(step), self.postgres.execute(step))?;
        let expected = self.model.execute(step, self.clock.now());
        if sqlite != postgres {
            self.findings.add("the stores give different answers", told(step, &sqlite, &postgres));
        }
        if sqlite != expected {
            self.findings.add("SQLite does not answer as the model", told(step, &sqlite, &expected));
        }
        if postgres != expected {
            self.findings.add("PostgreSQL does not answer as the model", told(step, &postgres, &expected));
        }
        *self.answers.entry(kind(&expected)).or_default() += 1;
        Ok(())
    }

    /// Finds somebody, or lists some.
    async fn ask(&mut self, script: &mut Script) -> anyhow::Result<()> {
        let email = script.email().map_err(|violation| anyhow::anyhow!("the script: {violation}"))?;
        let (ours, theirs) = tokio::try_join!(self.sqlite.find(&email), self.postgres.find(&email))?;
        let claim = email.claim();
        let expected = self.model.claims.get(&(claim.scope, claim.value)).copied();
        if ours != theirs || ours.map(|user| user.id) != expected {
            self.findings.add("an address leads to different users", "");
        }
        let statuses: Vec<Status> = Status::ALL.into_iter().filter(|_| script.rng().bool()).collect();
        let statuses: Vec<Status> = statuses.into_iter().filter(|status| *status != Status::Erased).collect();
        let size = script.rng().u32(1..50);
        let (ours, theirs) =
            tokio::try_join!(self.sqlite.list(&statuses, size), self.postgres.list(&statuses, size))?;
        let mut expected: Vec<_> =
            self.model.users.iter().filter(|(_, user)| listed(user, &statuses)).collect();
        expected.sort_unstable_by_key(|(id, _)| std::cmp::Reverse(**id));
        let expected: Vec<_> = expected.into_iter().take(size as usize).map(|(id, _)| id.0).collect();
        if ours.users != theirs.users || shown(&ours) != shown(&theirs) || shown(&ours).0 != expected {
            self.findings.add("a page differs", format!("{statuses:?}, {size}"));
        }
        Ok(())
    }

    async fn end(mut self) -> anyhow::Result<Findings> {
        compare::stores(&self.sqlite, &self.postgres, &mut self.findings).await?;
        for party in [&self.sqlite, &self.postgres] {
            compare::with_model(party, &self.model, &mut self.findings).await?;
            oracle::examine(&party.directory, &mut self.findings).await?;
        }
        let answers: Vec<String> =
            self.answers.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        println!("answers: {}", answers.join(", "));
        println!(
            "{} events of {} users, {} claims: compared on SQLite, PostgreSQL and the model",
            self.model.log.len(),
            self.model.users.len(),
            self.model.claims.len()
        );
        for party in [&self.sqlite, &self.postgres] {
            party.store().close().await;
        }
        Ok(self.findings)
    }
}

fn listed(user: &User, statuses: &[Status]) -> bool {
    matches!(user, User::Live(live) if statuses.contains(&live.status()))
}

fn told(step: &Step, first: &Answer, second: &Answer) -> String {
    let (short, other) = (first.to_string(), second.to_string());
    let (first, second) =
        if short == other { (format!("{first:?}"), format!("{second:?}")) } else { (short, other) };
    format!("{} on {}: {first}; and {second}", step.command.name(), step.id)
}

fn kind(answer: &Answer) -> &'static str {
    match answer {
        Answer::Done { replayed: true, .. } => "replayed",
        Answer::Done { replayed: false, .. } => "done",
        Answer::Refused(_) => "refused",
        Answer::PreconditionFailed { .. } => "at another version",
        Answer::RequestReused => "with a used request id",
        Answer::Erased => "erased since",
        Answer::Trouble(_) => "in trouble",
    }
}
