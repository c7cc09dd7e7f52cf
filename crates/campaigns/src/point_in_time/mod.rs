//! Point in time: a base backup and an archive of PostgreSQL's log, made under sixteen writers as docs/operations.md says, lead
//! back to moments of which everybody knew what had been done: by name, by time, and by a dump of the one directory. All that
//! was acknowledged by then is there and nothing that was begun later, whoever has been erased since is erased again, and the
//! service serves what came back.

mod archive;
mod compare;
mod moment;
mod people;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::ValueEnum;
use eventstore::{EventQuery, Position, RecordedEvent};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};
use user_api::v1::watch_events_request::Start;
use user_service::Sources;
use user_service::erasures::ErasureList;
use user_service::store::{Access, StoreOptions};

use crate::cluster::Cluster;
use crate::feed::door::{self, Asked, Door, End, Way as Listens};
use crate::ground::Ground;
use crate::kill_service::Crew;
use crate::seed::Seed;
use crate::service::{Program, Service, shipped_doctor, shipped_restore};
use crate::shim::{Environment, open_folder};
use crate::verdict::Findings;
use crate::wire::client;
use crate::{instance, projection_oracle};
use archive::Archive;
use compare::compare;
use moment::{Moment, Restored, Way};
use people::People;

/// Moments of a small run: one of each kind.
const SMALL: usize = 3;

/// Under the control, the first is enough.
const CONTROL: usize = 1;

/// How long they write before a moment, and after it.
const WRITING: Duration = Duration::from_millis(300);

/// For a feed to say something, or for erasures to be written down, on a machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(20);

const PAUSE: Duration = Duration::from_millis(20);

const PAGE: u32 = 1000;

/// What makes this campaign fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Control {
    /// The list of erasures is not the one that was kept
    EmptyList,
}

pub(crate) async fn run(size: Option<u64>, control: Option<Control>, seed: Seed) -> anyhow::Result<Findings> {
    let moments = match size {
        Some(size) => usize::try_from(size)?,
        None => {
            if control.is_some() {
                CONTROL
            } else {
                SMALL
            }
        }
    };
    let cluster = Cluster::given().await?;
    let archive = Archive::of(&cluster)?;
    let mut cluster = cluster.told(&archive.filled().each_ref().map(String::as_str));
    cluster.start().await?;
    let found = on(&cluster, &archive, moments, control, seed).await;
    let (ended, findings) = (cluster.stop().await, found?);
    ended.map(|()| findings)
}

async fn on(
    server: &Cluster,
    archive: &Archive,
    moments: usize,
    control: Option<Control>,
    seed: Seed,
) -> anyhow::Result<Findings> {
    let ground = Ground::on_server(&server.url).await?;
    let history = History::make((server, &ground), archive, moments, seed).await?;
    let mut findings = Findings::default();
    for moment in &history.moments {
        let restored = moment.come_back((server, &ground), &history.base, archive).await?;
        let examined = history.examine(&restored, moment, control, &mut findings).await;
        let ended = restored.stop().await;
        examined.and(ended)?;
    }
    Ok(findings)
}

/// What happened, and what has been kept of it.
struct History {
    base: Cluster,
    _folder: TempDir,
    moments: Vec<Moment>,
    log: Vec<RecordedEvent>,
    people: People,
    list: ErasureList,
    /// Of somebody who has heard of everything.
    token: String,
}

impl History {
    /// Writers write; meanwhile a backup is made, moments pass, and before and after each somebody is erased.
    async fn make(
        (server, ground): (&Cluster, &Ground),
        archive: &Archive,
        count: usize,
        seed: Seed,
    ) -> anyhow::Result<Self> {
        let (folder, list) = (open_folder()?, ErasureList::at(&ground.folder().join("erasures.jsonl")));
        server.give(folder.path())?;
        let mut service = Service::spawn_under(Program::Shipped, ground, keeping(&list))?;
        let (address, crew) = (service.address().await?, Crew::begin(ground, seed)?);
        crew.tell(Some(address));
        crew.settle_in().await?;
        let (client, mut moments) = (client(address)?, Vec::new());
        let mut people = People::welcome(&client, count + 1).await?;
        let base = server.base_backup(folder.path()).await?;
        for n in 0..count {
            people.erase_next(&client).await?;
            sleep(WRITING).await;
            let way = Way::ALL[n % Way::ALL.len()];
            let moment = Moment::mark(way, (server, ground), folder.path(), &crew, people.erased());
            moments.push(moment.await?);
            sleep(WRITING).await;
        }
        people.erase_next(&client).await?;
        let (_, mut written) = crew.rest().await?;
        println!("{written}");
        let findings = std::mem::take(&mut written.findings);
        ensure!(findings.is_empty(), "before anything was restored: {findings}");
        written_down(&list, people.erased()).await?;
        let token = token(address).await?;
        service.end().await?;
        archive.complete(&ground.owner().await?).await?;
        let log = log_of(ground).await?;
        Ok(Self { base, _folder: folder, moments, log, people, list, token })
    }

    /// What an operator does with what came back, and what must be true of it then.
    async fn examine(
        &self,
        restored: &Restored,
        moment: &Moment,
        control: Option<Control>,
        findings: &mut Findings,
    ) -> anyhow::Result<()> {
        let ground = &restored.ground;
        let list = self.list_for(ground, control)?;
        let (sound, said) = shipped_restore(ground, list.path()).await?;
        let (all, again) = (self.people.erased(), self.people.erased() - moment.erased);
        let says = format!("{again} of {all} listed erasures had been undone and were done again");
        if !sound || !said.contains(&says) {
            findings.add("what was to be done again was not", &said);
        }
        let back = log_of(ground).await?;
        let same = compare(&self.log, &back, moment, findings);
        self.serve(ground, &list, back.len() as u64, findings).await?;
        let (sound, doctor) = shipped_doctor(ground, &[]).await?;
        if !sound {
            findings.add("the shipped doctor complains", &doctor);
        }
        println!(
            "{}: {same} of {} events came back, {again} of {all} erasures were done again; doctor: {}",
            moment.way,
            self.log.len(),
            doctor.lines().last().unwrap_or_default()
        );
        Ok(())
    }

    /// A list of its own for each: what is done again is written down there.
    fn list_for(&self, ground: &Ground, control: Option<Control>) -> anyhow::Result<ErasureList> {
        let path: PathBuf = ground.folder().join("restored.jsonl");
        match control {
            None => drop(std::fs::copy(self.list.path(), &path)?),
            Some(Control::EmptyList) => {}
        }
        Ok(ErasureList::at(&path))
    }

    /// Serves it: who is there, what listeners are told who had heard of more, and what happens next.
    async fn serve(
        &self,
        ground: &Ground,
        list: &ErasureList,
        head: u64,
        findings: &mut Findings,
    ) -> anyhow::Result<()> {
        let mut service = Service::spawn_under(Program::Shipped, ground, keeping(list))?;
        let address = service.address().await?;
        let client = client(address)?;
        self.people.examine(&client, findings).await;
        if !findings.is_empty() {
            return service.kill().await;
        }
        let asked = asked(Some(Start::ResumeToken(self.token.clone())));
        let mut feed = door::open(Door { address, feeds: None }, Listens::Grpc, asked);
        match timeout(PATIENCE, feed.recv()).await {
            Ok(Some(Err(End::Diverged))) => {}
            told => findings.add("a listener is not told that the log is another", format!("{told:?}")),
        }
        self.people.go_on(&client, head, findings).await?;
        let store = StoreOptions { access: Access::Reader, ..ground.options()? }.open().await?;
        let directory = instance::directory(store, Sources::system()).await?;
        projection_oracle::settle(directory.store(), findings).await?;
        projection_oracle::compare(&directory, findings).await?;
        directory.store().close().await;
        service.end().await?;
        Ok(())
    }
}

/// A service writes erasures down where it is told to.
fn keeping(list: &ErasureList) -> Environment {
    vec![("USER_SERVICE_ERASURE_LIST", list.path().display().to_string())]
}

fn asked(start: Option<Start>) -> Asked {
    Asked { start, types: Vec::new(), users: Vec::new() }
}

/// Where somebody stands who begins to listen now.
async fn token(address: std::net::SocketAddr) -> anyhow::Result<String> {
    let mut feed = door::open(Door { address, feeds: None }, Listens::Grpc, asked(None));
    match timeout(PATIENCE, feed.recv()).await?.context("a feed begins")? {
        Ok(step) => Ok(step.token),
        Err(end) => anyhow::bail!("a feed ends before it has begun: {end:?}"),
    }
}

/// Returns when every erasure is on the list.
async fn written_down(list: &ErasureList, erased: usize) -> anyhow::Result<()> {
    let began = Instant::now();
    while list.read()?.len() < erased {
        ensure!(began.elapsed() < PATIENCE, "erasures are not written down");
        sleep(PAUSE).await;
    }
    Ok(())
}

async fn log_of(ground: &Ground) -> anyhow::Result<Vec<RecordedEvent>> {
    let store = StoreOptions { access: Access::Reader, ..ground.options()? }.open().await?;
    let mut log: Vec<RecordedEvent> = Vec::new();
    loop {
        let after = log.last().map_or(Position::START, |last| last.position);
        let page = store.events(&EventQuery::after(after, PAGE)).await?.events;
        if page.is_empty() {
            break;
        }
        log.extend(page);
    }
    store.close().await;
    Ok(log)
}
