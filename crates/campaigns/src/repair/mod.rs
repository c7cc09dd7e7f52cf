//! Repair: in every table of every projection, and in the claims, values are flipped, rows taken out and put in. The doctor
//! names exactly these, has exactly these made anew and says whose, and finds nothing afterwards; nobody else's row is
//! written, and all of them are the fold.
//!
//! Rows are made anew per user and projection: of somebody who has many in a table, all are written.

mod blind_doctor;
mod damage;
mod shell;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use cqrs::projection::{Answer, Projections, Wish};
use eventstore::EventStore;
use fastrand::Rng;
use user_service::Sources;
use user_service::directory::Directory;
use user_service::doctor::{self, Finding, Mending};
use user_service::projections::{ACTIVITY_DAY, ACTIVITY_STATUS, projectors};

use crate::ground::{Ground, Kind};
use crate::population::Population;
use crate::projecting::{Projecting, settings};
use crate::sabotage::Sabotaged;
use crate::seed::Seed;
use crate::service::shipped_doctor;
use crate::tampered::Tampered;
use crate::verdict::Findings;
use crate::{instance, projection_oracle};
use blind_doctor::BlindDoctor;
use damage::{Damage, Whom, projection_of};
use shell::{Shell, about_somebody};

/// Rounds of a run, on each store. In each, a row of every table is damaged.
const SMALL: u64 = 4;

/// Things that happen before.
const HISTORY: u64 = 120;

const PAUSE: Duration = Duration::from_millis(5);

/// For a wish to be granted.
const PATIENCE: Duration = Duration::from_secs(10);

/// What makes this campaign fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Control {
    /// Of one table the doctor sees a copy from before
    BlindDoctor,
}

pub(crate) async fn run(size: Option<u64>, control: Option<Control>, seed: Seed) -> anyhow::Result<Findings> {
    let rounds = size.unwrap_or(if control.is_some() { 1 } else { SMALL });
    let mut findings = Findings::default();
    for kind in Kind::BOTH {
        let ground = Ground::new(kind).await?;
        findings.take(Ward::on(&ground, control, seed).await?.run(&ground, rounds).await?);
    }
    Ok(findings)
}

/// A store with its doctor, and whoever does what she wishes.
struct Ward {
    store: Arc<dyn EventStore>,
    directory: Directory,
    /// The same as the doctor sees it.
    examined: Directory,
    projecting: Projecting,
    shell: Shell,
    rng: Rng,
    findings: Findings,
}

impl Ward {
    async fn on(ground: &Ground, control: Option<Control>, seed: Seed) -> anyhow::Result<Self> {
        let options = ground.options()?;
        options.migrate().await?;
        let store = options.open().await?;
        let shown: Arc<dyn EventStore> = match control {
            Some(Control::BlindDoctor) => {
                let by = Tampered { store: Arc::clone(&store), by: Arc::new(BlindDoctor::default()) };
                Arc::new(Sabotaged { store: Arc::clone(&store), by })
            }
            None => Arc::clone(&store),
        };
        let directory = instance::directory(Arc::clone(&store), Sources::system()).await?;
        let decode = Arc::new(directory.decoder());
        let projections = Projections::new(Arc::clone(&store), decode, projectors(), settings());
        let mut people = Population::new(directory.clone(), "patient", seed.rng("people", 0));
        for _ in 0..HISTORY {
            people.act().await?;
        }
        Ok(Self {
            projecting: Projecting::start(projections),
            shell: Shell::on(ground).await?,
            rng: seed.rng("damage", 0),
            findings: Findings::default(),
            examined: instance::directory(shown, Sources::system()).await?,
            store,
            directory,
        })
    }

    async fn run(mut self, ground: &Ground, rounds: u64) -> anyhow::Result<Findings> {
        projection_oracle::settle(&*self.store, &mut self.findings).await?;
        self.expect_nothing("before anything was damaged").await?;
        let mut mended = 0;
        for _ in 0..rounds {
            mended += self.round().await?;
            mended += self.round_of_counts().await?;
        }
        mended += self.by_hand(ground).await?;
        let rows = projection_oracle::compare(&self.directory, &mut self.findings).await?;
        println!(
            "{}: {mended} rows damaged in every table of every projection, named and mended; {rows} rows compared",
            ground.kind
        );
        self.projecting.stop().await?;
        self.store.close().await;
        Ok(self.findings)
    }

    /// A row of somebody in each table, and a claim, which is not mended. How many were.
    async fn round(&mut self) -> anyhow::Result<usize> {
        let damages = self.damage().await?;
        let (claim, undo) = damage::in_claims(&*self.store, &self.shell, &mut self.rng).await?;
        self.shell.watch(about_somebody()).await?;
        let report = doctor::examine(&self.examined).await?;
        let mut expected: BTreeMap<_, _> = damages.iter().map(|it| (it.whom, it.words)).collect();
        expected.insert(claim, &["claim"]);
        self.named(&report.findings, &expected);
        let mending = Mending::of(&report);
        self.mend(&mending).await?;
        let left = doctor::examine_mended(&self.examined, &mending).await?;
        self.named(&left, &BTreeMap::from([(claim, &["claim"][..])]));
        self.expect_only_these_written(&damages).await?;
        self.shell.run(&undo).await?;
        self.expect_nothing("after a repair").await?;
        projection_oracle::compare(&self.directory, &mut self.findings).await?;
        Ok(damages.len())
    }

    async fn damage(&mut self) -> anyhow::Result<Vec<Damage>> {
        let mut damages = Vec::new();
        for table in about_somebody() {
            damages.push(damage::in_table(&*self.store, &self.shell, table, &mut self.rng).await?);
        }
        Ok(damages)
    }

    /// A row that counts, about nobody: its projection is built anew, and no other is touched.
    async fn round_of_counts(&mut self) -> anyhow::Result<usize> {
        let table = if self.rng.bool() { &ACTIVITY_DAY } else { &ACTIVITY_STATUS };
        let damage = damage::in_table(&*self.store, &self.shell, table, &mut self.rng).await?;
        self.shell.watch(about_somebody().filter(|other| projection_of(other) != damage.whom.0)).await?;
        let report = doctor::examine(&self.examined).await?;
        self.named(&report.findings, &BTreeMap::from([(damage.whom, damage.words)]));
        let mending = Mending::of(&report);
        self.mend(&mending).await?;
        let left = doctor::examine_mended(&self.examined, &mending).await?;
        self.named(&left, &BTreeMap::new());
        for (table, id) in self.shell.written().await? {
            self.findings.add("a row is written that nobody had touched", format!("{table}: {id}"));
        }
        projection_oracle::compare(&self.directory, &mut self.findings).await?;
        Ok(1)
    }

    /// The same by the shipped command, beside the one who owns the projections.
    async fn by_hand(&mut self, ground: &Ground) -> anyhow::Result<usize> {
        if ground.kind == Kind::Sqlite {
            // An embedded store is mended by the service that serves it; that it is done from outside is tested elsewhere.
            return Ok(0);
        }
        let damages = self.damage().await?;
        self.shell.watch(about_somebody()).await?;
        let (well, said) = shipped_doctor(ground, &["--repair"]).await?;
        if !well || said.matches("MENDED").count() != damages.len() {
            self.findings.add("the shipped doctor does not mend what is wrong and no more", &said);
        }
        for (projection, id) in damages.iter().map(|damage| damage.whom) {
            let id = id.map(|id| id.to_string()).unwrap_or_default();
            if !said.contains(&format!("MENDED {projection}: the rows of {id} have been made anew")) {
                self.findings.add("the shipped doctor does not say what she mended", &said);
            }
        }
        self.expect_only_these_written(&damages).await?;
        self.expect_nothing("after a repair by hand").await?;
        Ok(damages.len())
    }

    /// Each is named, by the right words, and nobody else.
    fn named(&mut self, found: &[Finding], expected: &BTreeMap<Whom, &[&str]>) {
        let mut named = BTreeSet::new();
        for finding in found {
            let whom = whom(finding);
            named.insert(whom);
            match expected.get(&whom) {
                None => self.findings.add("the doctor names what nobody had touched", finding),
                Some(words) if words.iter().any(|word| finding.to_string().contains(word)) => {}
                Some(words) => {
                    self.findings.add("the doctor says the wrong thing", format!("{finding}, not {words:?}"));
                }
            }
        }
        for (whom, words) in expected.iter().filter(|(whom, _)| !named.contains(*whom)) {
            self.findings.add("the doctor does not name what is wrong", format!("{whom:?}: {words:?}"));
        }
    }

    /// Does what the doctor wishes, and looks whether it says whose rows that were.
    async fn mend(&mut self, mending: &Mending) -> anyhow::Result<()> {
        for (projection, wish) in mending.wishes() {
            let ticket = self.projecting.projections.wish(projection, &wish).await?;
            let answer = self.answer(projection, ticket).await?;
            let says = match &wish {
                Wish::RebuildStream(id) => answer.starts_with(&format!("the rows of {id} have")),
                _ => answer.contains(" is live"),
            };
            if !says {
                self.findings.add("a repair does not say what it mended", format!("{wish}: {answer}"));
            }
        }
        Ok(())
    }

    async fn answer(&self, projection: &str, ticket: u64) -> anyhow::Result<String> {
        let began = Instant::now();
        loop {
            match self.projecting.projections.answer(projection, ticket).await? {
                Answer::Given(outcome) => return Ok(outcome.to_string()),
                Answer::Replaced => return Ok("refused: somebody wished something else".to_owned()),
                Answer::Pending if began.elapsed() > PATIENCE => {
                    return Ok("refused: nobody answers".to_owned());
                }
                Answer::Pending => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    /// By triggers: a row that is written as it was would not show otherwise.
    async fn expect_only_these_written(&mut self, damages: &[Damage]) -> anyhow::Result<()> {
        let written = self.shell.written().await?;
        for damage in damages {
            let wrong = damage.whom.1.map(|id| (damage.table.name.to_owned(), id));
            if wrong.is_some_and(|wrong| !written.contains(&wrong)) {
                self.findings.add("a wrong row is not written", format!("{:?}", damage.whom));
            }
        }
        for (table, id) in written {
            let wrong = damages.iter().any(|damage| damage.table.name == table && damage.whom.1 == Some(id));
            if !wrong {
                self.findings.add("a row is written that nobody had touched", format!("{table}: {id}"));
            }
        }
        Ok(())
    }

    async fn expect_nothing(&mut self, when: &str) -> anyhow::Result<()> {
        for finding in doctor::examine(&self.examined).await?.findings {
            self.findings.add("the doctor finds what is not there", format!("{when}: {finding}"));
        }
        Ok(())
    }
}

/// Of whom a finding is, in which projection.
fn whom(finding: &Finding) -> Whom {
    match finding {
        Finding::RowDiffers { id, .. } | Finding::RowMissing { id } | Finding::RowOrphaned { id } => {
            ("users", Some(*id))
        }
        Finding::ProjectionDiffers { id, projection, .. } => (projection, Some(*id)),
        Finding::CountsDiffer { projection, .. } => (projection, None),
        Finding::ClaimMissing { id, .. } | Finding::ClaimOrphaned { id } => ("claims", Some(*id)),
        Finding::PositionGap { .. }
        | Finding::VersionGap { .. }
        | Finding::TimeBackwards { .. }
        | Finding::Unreadable { .. }
        | Finding::SecretMissing { .. }
        | Finding::SecretOrphaned { .. }
        | Finding::SecretUnreadable { .. }
        | Finding::CredentialDiffers { .. }
        | Finding::ClaimShared { .. }
        | Finding::TokenRowMissing { .. }
        | Finding::TokenRowDiffers { .. }
        | Finding::TokenRowOrphaned { .. } => ("none", None),
    }
}
