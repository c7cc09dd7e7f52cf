//! Poison: events of an unknown type, of a newer version, that do not open, that make a projector panic. Whoever they are
//! about is parked and nobody else; erasing her works; a rebuild parks her too; and after the fix all is as if nothing
//! had been.

pub(crate) mod sick;

use std::collections::BTreeSet;
use std::sync::Arc;

use clap::ValueEnum;
use cqrs::projection::{Then, Wish};
use eventstore::{AggregateId, EventStore, Position, ProjectionMode, Slot, Value, Version};
use user_domain::{DeleteUser, EraseUser};
use user_service::Sources;
use user_service::directory::Directory;
use user_service::projections::LAYOUTS;

use crate::ground::{Ground, Kind};
use crate::population::Population;
use crate::projecting::Projecting;
use crate::sabotage::Sabotaged;
use crate::seed::Seed;
use crate::tampered::Tampered;
use crate::verdict::Findings;
use crate::{instance, projection_oracle};
use sick::{Forgetful, Poison, Sick};

/// Sick events of a run on each store. Whoever has one has healthy ones before and after it.
const SMALL: u64 = 12;

/// Nobody else's name has it.
const CANARY: &str = "canary";

/// What makes this campaign fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Control {
    /// What cannot be projected is passed over
    SkipOnError,
}

pub(crate) async fn run(size: Option<u64>, control: Option<Control>, seed: Seed) -> anyhow::Result<Findings> {
    let mut findings = Findings::default();
    for kind in Kind::BOTH {
        let ground = Ground::new(kind).await?;
        let sickbed = Sickbed::on(&ground, control, seed).await?;
        findings.take(sickbed.run(kind, size.unwrap_or(SMALL)).await?);
    }
    Ok(findings)
}

/// A directory whose projections meet sick events.
struct Sickbed {
    store: Arc<dyn EventStore>,
    directory: Directory,
    sick: Sick,
    projecting: Projecting,
    others: Population,
    patients: Population,
}

impl Sickbed {
    async fn on(ground: &Ground, control: Option<Control>, seed: Seed) -> anyhow::Result<Self> {
        let options = ground.options()?;
        options.migrate().await?;
        let store = options.open().await?;
        let directory = instance::directory(Arc::clone(&store), Sources::system()).await?;
        let sick = Sick::default();
        let by = Tampered { store: Arc::clone(&store), by: Arc::new(Forgetful(control)) };
        let watched = Arc::new(Sabotaged { store: Arc::clone(&store), by });
        let projections = sick.projections(watched, directory.decoder());
        Ok(Self {
            projecting: Projecting::start(projections),
            others: Population::new(directory.clone(), "healthy", seed.rng("others", 0)),
            patients: Population::new(directory.clone(), CANARY, seed.rng("patients", 0)),
            store,
            directory,
            sick,
        })
    }

    async fn run(mut self, kind: Kind, size: u64) -> anyhow::Result<Findings> {
        let mut findings = Findings::default();
        self.fall_ill(size).await?;
        self.expect_the_sick_to_be_parked("parked", &mut findings).await?;
        // They are erased: of whom a projection stopped in the middle nothing may be left.
        for id in self.patients.people.clone().into_iter().step_by(3) {
            self.patients.change_somebody(id, DeleteUser).await?;
            self.patients.change_somebody(id, EraseUser).await?;
        }
        self.wish(&Wish::Rebuild(Then::Switch), ProjectionMode::Async).await?;
        self.expect_the_sick_to_be_parked("built anew", &mut findings).await?;
        self.sick.mend();
        self.wish(&Wish::RetryParked(None), ProjectionMode::Async).await?;
        projection_oracle::settle(&*self.store, &mut findings).await?;
        projection_oracle::nobody_is_parked(&*self.store, &mut findings).await?;
        let rows = projection_oracle::compare(&self.directory, &mut findings).await?;
        println!(
            "{kind}: {size} sick in {} ways among {} healthy; parked, some of them erased, built anew, mended and tried \
             again; {rows} rows compared",
            Poison::ALL.len(),
            self.others.people.len()
        );
        self.projecting.stop().await?;
        self.store.close().await;
        Ok(findings)
    }

    /// Healthy events, then a sick one for each patient, and healthy ones after it.
    async fn fall_ill(&mut self, size: u64) -> anyhow::Result<()> {
        for n in 0..usize::try_from(size)? {
            let id = self.patients.create().await?;
            self.sick.poison(id, Version(2), Poison::ALL[n % Poison::ALL.len()]);
            self.others.act().await?;
            self.patients.rename(id).await?;
            self.others.act().await?;
            self.patients.rename(id).await?;
        }
        Ok(())
    }

    /// Everything goes on but for the patients, and of the erased among them nothing is left.
    async fn expect_the_sick_to_be_parked(&self, when: &str, findings: &mut Findings) -> anyhow::Result<()> {
        projection_oracle::settle(&*self.store, findings).await?;
        let patients: BTreeSet<AggregateId> = self.patients.people.iter().copied().collect();
        let erased = self.erased().await?;
        for layout in LAYOUTS.iter().filter(|layout| layout.mode == ProjectionMode::Async) {
            let projections = self.store.projections();
            let parked = projections.parked(layout.name, Slot::Live, None, Position::START, 10_000).await?;
            let parked: BTreeSet<_> = parked.into_iter().map(|parked| parked.event.aggregate_id).collect();
            for healthy in parked.difference(&patients) {
                findings.add("somebody healthy is parked", format!("{}, {when}: {healthy}", layout.name));
            }
            // What did not open is read, without anything personal, once its key is gone.
            for sick in patients.difference(&parked).filter(|id| !erased.contains(id)) {
                findings.add("somebody sick is not parked", format!("{}, {when}: {sick}", layout.name));
            }
        }
        projection_oracle::compare(&self.directory, findings).await?;
        self.expect_nothing_of(&erased, findings).await
    }

    async fn erased(&self) -> anyhow::Result<BTreeSet<AggregateId>> {
        let mut erased = BTreeSet::new();
        for id in &self.patients.people {
            let last = self.store.stream_head(*id).await?;
            if last.is_some_and(|last| last.event_type == "user.erased") {
                erased.insert(*id);
            }
        }
        Ok(erased)
    }

    async fn expect_nothing_of(
        &self,
        erased: &BTreeSet<AggregateId>,
        findings: &mut Findings,
    ) -> anyhow::Result<()> {
        for table in LAYOUTS.iter().flat_map(|layout| layout.tables) {
            for row in projection_oracle::rows_of(&*self.store, table).await?.into_values() {
                let personal = |value: &Value| matches!(value, Value::Text(text) if text.contains(CANARY));
                let hers = matches!(row[0], Value::Uuid(id) if erased.contains(&AggregateId(id)));
                if hers && row.iter().any(personal) {
                    findings.add("something personal is left of somebody erased", table.name);
                }
            }
        }
        Ok(())
    }

    async fn wish(&self, wish: &Wish, of: ProjectionMode) -> anyhow::Result<()> {
        for layout in LAYOUTS.iter().filter(|layout| layout.mode == of) {
            self.projecting.projections.wish(layout.name, wish).await?;
        }
        Ok(())
    }
}
