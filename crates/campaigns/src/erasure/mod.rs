//! Erasure: people with a canary in every field, half of them parked, beside generations that nobody reads, erased while
//! every projection stands. Whoever is erased is gone from every table and from whatever callers are told, the moment it
//! is answered; and again before anybody is served, when a backup that still holds her is put back.

mod canary;
mod http;
mod kept;
pub(crate) mod said;
mod search;
mod told;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;
use cqrs::projection::{Then, Wish};
use eventstore::{EventStore, Position, ProjectionMode, Slot, Version};
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use user_service::Sources;
use user_service::directory::Directory;
use user_service::erasures::{self, ErasureList};
use user_service::projections::LAYOUTS;

use crate::ground::{FILE, Ground, Kind};
use crate::ours::Ours;
use crate::poison::sick::{Poison, Sick};
use crate::population::Population;
use crate::projecting::Projecting;
use crate::sabotage::Sabotaged;
use crate::seed::{Seed, uuid};
use crate::verdict::Findings;
use crate::{instance, projection_oracle};
use canary::{CANARY, SECRET};
use kept::RowsLeftToTheProjection;
use told::{Past, SILENT};

/// People with a canary on each store.
const SMALL: u64 = 8;

/// One of so many is parked.
const PARKED: usize = 2;

const PAUSE: Duration = Duration::from_millis(10);

/// The kind of what is found.
const LEFT: &str = "something personal is left of somebody erased";

/// What makes this campaign fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Control {
    /// Her rows are taken out by the projections, when they come to it
    RowsLeftToTheProjection,
}

pub(crate) async fn run(size: Option<u64>, control: Option<Control>, seed: Seed) -> anyhow::Result<Findings> {
    let mut findings = Findings::default();
    for kind in Kind::BOTH {
        findings.take(on(kind, size.unwrap_or(SMALL), control, seed).await?);
    }
    Ok(findings)
}

async fn on(kind: Kind, size: u64, control: Option<Control>, seed: Seed) -> anyhow::Result<Findings> {
    let ground = Ground::new(kind).await?;
    ground.options()?.migrate().await?;
    let list = ErasureList::at(&ground.folder().join("erasures.jsonl"));
    let mut place = Place {
        ground,
        control,
        seed,
        list,
        past: Past::default(),
        findings: Findings::default(),
        answers: 0,
    };
    place.live(usize::try_from(size)?).await?;
    let backup = place.ground.backup().await?;
    let rows = place.erase().await?;
    place.ground.restore(&backup).await?;
    place.erase_again().await?;
    println!(
        "{kind}: {size} people with a canary in every field erased, and again when a backup was put back; {rows} rows \
         compared, all tables and files and {} answers searched",
        place.answers
    );
    Ok(place.findings)
}

/// A store under one service after the other.
struct Place {
    ground: Ground,
    control: Option<Control>,
    seed: Seed,
    list: ErasureList,
    past: Past,
    findings: Findings,
    answers: usize,
}

impl Place {
    async fn store(&self) -> anyhow::Result<Arc<dyn EventStore>> {
        let store = self.ground.options()?.open().await?;
        Ok(match self.control {
            Some(Control::RowsLeftToTheProjection) => {
                Arc::new(Sabotaged { store, by: RowsLeftToTheProjection })
            }
            None => store,
        })
    }

    /// As `serve` does it: who had been erased is erased again before anybody is served.
    async fn serve(&self) -> anyhow::Result<(Ours, usize)> {
        let directory = instance::directory(self.store().await?, Sources::system()).await?;
        let restored = erasures::reapply(&directory, &self.list).await?;
        let projecting = Projecting::start(directory.projections().clone());
        Ok((Ours::serving(directory, projecting).await?, restored.erased_again))
    }

    /// Everything happens to people before anybody is erased: at its end there are several generations of every
    /// projection, some of whose events are parked, and all of them stand.
    async fn live(&mut self, size: usize) -> anyhow::Result<()> {
        let (store, sick) = (self.store().await?, Sick::default());
        let directory = instance::directory(Arc::clone(&store), Sources::system()).await?;
        let projections = sick.projections(store, directory.decoder());
        let ours = Ours::serving(directory, Projecting::start(projections)).await?;
        let (address, store) = (ours.served.address, ours.directory.store());
        let mut rng = self.seed.rng("canaries", 0);
        let mut others = Population::new(ours.directory.clone(), "other", self.seed.rng("others", 0));
        for n in 0..size {
            let id = canary::create(address, n, uuid(&mut rng)).await?;
            if n % PARKED == 0 {
                sick.poison(id, Version(2), Poison::ALL[n / PARKED % Poison::ALL.len()]);
            }
            canary::live(address, id, n).await?;
            others.act().await?;
            self.past.people.push(id);
        }
        // A generation that is live, one before it and one to come.
        for wish in [Wish::Rebuild(Then::Switch), Wish::Rebuild(Then::Keep)] {
            projection_oracle::settle(store, &mut self.findings).await?;
            wish_for_all(&ours.directory, &wish).await?;
        }
        projection_oracle::settle(store, &mut self.findings).await?;
        self.past.until = store.head().await?.position.0;
        self.past.token = told::token(address).await?;
        self.expect_the_canary_everywhere(&ours).await?;
        self.expect_the_sick_to_be_parked(&ours.directory).await?;
        wish_for_all(&ours.directory, &Wish::Pause).await?;
        answered(store).await?;
        ours.stop().await
    }

    /// They are erased while everything stands, and everything goes on.
    async fn erase(&mut self) -> anyhow::Result<usize> {
        let (ours, _) = self.serve().await?;
        let following = Following::start(&ours.directory, &self.list);
        let mut others = Population::new(ours.directory.clone(), "later", self.seed.rng("later", 0));
        for id in self.past.people.clone() {
            canary::erase(ours.served.address, id).await?;
            others.act().await?;
        }
        let rows = self.expect_nothing("erased", &ours).await?;
        while self.list.read()?.len() < self.past.people.len() {
            sleep(PAUSE).await;
        }
        following.stop().await?;
        self.stop("erased", ours).await?;
        Ok(rows)
    }

    /// A backup of the time before has been put back.
    async fn erase_again(&mut self) -> anyhow::Result<()> {
        if self.remains(CANARY).await?.is_empty() {
            self.findings.add("the search does not find what is there", "tables of the backup");
        }
        let (ours, erased) = self.serve().await?;
        if erased != self.past.people.len() {
            self.findings.add("somebody is not erased again when a backup is put back", erased);
        }
        self.expect_nothing("erased again", &ours).await?;
        self.stop("erased again", ours).await
    }

    /// While everything stands, and when it has gone on and what was parked has been tried again.
    async fn expect_nothing(&mut self, when: &str, ours: &Ours) -> anyhow::Result<usize> {
        // What stands cannot tell everything.
        self.search(&format!("{when}, while projections stand"), ours).await?;
        for wish in [Wish::Resume, Wish::RetryParked(None)] {
            wish_for_all(&ours.directory, &wish).await?;
            projection_oracle::settle(ours.directory.store(), &mut self.findings).await?;
        }
        for place in self.search(&format!("{when}, and projections went on"), ours).await? {
            self.findings.add("a question is not answered", place);
        }
        projection_oracle::nobody_is_parked(ours.directory.store(), &mut self.findings).await?;
        projection_oracle::compare(&ours.directory, &mut self.findings).await
    }

    /// Searches every table, and whatever is told. Says what could not be asked.
    async fn search(&mut self, when: &str, ours: &Ours) -> anyhow::Result<Vec<String>> {
        let mut unanswered = Vec::new();
        for found in [self.remains(CANARY).await?, self.remains(SECRET).await?].concat() {
            self.findings.add(LEFT, format!("{}, {when}: {found}", self.ground.kind));
        }
        for told in told::everything(ours, &self.past).await? {
            self.answers += 1;
            let place = format!("{}, {when}: {}", self.ground.kind, told.place);
            if let Some(found) = search::in_text(&told.text, &[CANARY, SECRET]) {
                self.findings.add(LEFT, format!("{place}: {found}"));
            }
            if !told.answered || told.text.is_empty() {
                unanswered.push(format!("{place}: {}", told.text));
            }
        }
        Ok(unanswered)
    }

    /// Lets go of the store, and searches its files.
    async fn stop(&mut self, when: &str, ours: Ours) -> anyhow::Result<()> {
        ours.stop().await?;
        if self.ground.kind == Kind::Sqlite {
            search::vacuum(&self.ground.folder().join(FILE))?;
        }
        for word in [CANARY, SECRET] {
            for found in search::in_files(self.ground.folder(), word)? {
                self.findings.add(LEFT, format!("{}, {when}: {found}", self.ground.kind));
            }
        }
        Ok(())
    }

    /// Where a word is.
    async fn remains(&self, word: &str) -> anyhow::Result<Vec<String>> {
        match self.ground.kind {
            Kind::Sqlite => search::in_tables(&self.ground.folder().join(FILE), word),
            Kind::Postgres => search::in_database(&self.ground.owner().await?, word).await,
        }
    }

    /// While she is there every place knows her, or it would prove nothing that none does later. But for her passwords,
    /// which nobody ever hears of, and for places that never tell of anybody.
    async fn expect_the_canary_everywhere(&mut self, ours: &Ours) -> anyhow::Result<()> {
        let mut places: BTreeMap<&str, bool> = BTreeMap::new();
        for told in told::everything(ours, &self.past).await? {
            let found = search::in_text(&told.text, &[CANARY]);
            if let Some(found) = search::in_text(&told.text, &[SECRET]) {
                self.findings.add("a password is told", format!("{}: {found}", told.place));
            }
            if let Some(found) = found.as_ref().filter(|_| SILENT.contains(&told.place)) {
                self.findings.add("somebody is told of where nobody is", format!("{}: {found}", told.place));
            }
            *places.entry(told.place).or_default() |= found.is_some() || SILENT.contains(&told.place);
        }
        places.insert("tables", !self.remains(CANARY).await?.is_empty());
        for (place, _) in places.into_iter().filter(|(_, knows)| !knows) {
            self.findings.add("the search does not find what is there", place);
        }
        Ok(())
    }

    async fn expect_the_sick_to_be_parked(&mut self, directory: &Directory) -> anyhow::Result<()> {
        for layout in LAYOUTS.iter().filter(|layout| layout.mode == ProjectionMode::Async) {
            let projections = directory.store().projections();
            if projections.parked(layout.name, Slot::Live, None, Position::START, 1).await?.is_empty() {
                self.findings.add("nobody is parked", layout.name);
            }
        }
        Ok(())
    }
}

/// Whoever writes erasures down.
struct Following {
    stop: CancellationToken,
    following: JoinHandle<()>,
}

impl Following {
    fn start(directory: &Directory, list: &ErasureList) -> Self {
        let stop = CancellationToken::new();
        let following = erasures::follow(directory.clone(), list.clone(), stop.clone());
        Self { stop, following: tokio::spawn(following) }
    }

    async fn stop(self) -> anyhow::Result<()> {
        self.stop.cancel();
        Ok(self.following.await?)
    }
}

async fn wish_for_all(directory: &Directory, wish: &Wish) -> anyhow::Result<()> {
    for layout in LAYOUTS.iter().filter(|layout| layout.mode == ProjectionMode::Async) {
        directory.projections().wish(layout.name, wish).await?;
    }
    Ok(())
}

/// Waits until every wish is answered.
async fn answered(store: &dyn EventStore) -> anyhow::Result<()> {
    while store.projections().wishes().await?.iter().any(|wish| wish.answer.is_none()) {
        sleep(PAUSE).await;
    }
    Ok(())
}
