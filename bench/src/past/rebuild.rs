//! Projections built anew from a long history, while somebody writes: how fast, how much memory, and for how long she waits.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use cqrs::projection::{Answer, Decode, Outcome, Then, Wish};
use cqrs::{Decider, Execution};
use eventstore::{AggregateId, Deadline, Metadata, StreamCursor};
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use user_domain::{
    CreateUser, CredentialAlgorithm, Email, PasswordHash, Patch, PersonName, ProfilePatch, UpdateProfile,
    User, UserCommand, Username, Users,
};
use user_service::Sources;
use user_service::directory::{Attachment, Directory, NewCredential};
use user_service::projections::LAYOUTS;

use super::stand::{Running, Stand};
use super::write::HASH;
use crate::process::{forget_peak, own, peak_mib, processor_seconds};

/// What building came to.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Built {
    pub(crate) what: String,
    pub(crate) events: u64,
    pub(crate) seconds: f64,
    /// Of this process.
    pub(crate) processor_seconds: f64,
    pub(crate) peak_mib: f64,
    /// How long somebody who wrote meanwhile waited, in milliseconds: half of her writes, 99 of 100, and the longest.
    pub(crate) waited: [f64; 3],
}

/// Longer than anything here.
fn patience() -> Deadline {
    Deadline(Instant::now() + Duration::from_hours(2))
}

/// Decodes and folds everything in memory: what no projection can do without.
pub(super) async fn fold(stand: &Stand) -> anyhow::Result<Built> {
    let decoder = stand.directory().await?.decoder();
    let head = stand.store.head().await?.position;
    let begun = Meter::begin()?;
    let (mut cursor, mut count, mut live) = (None, 0, 0_u64);
    loop {
        let events = stand.store.streams(cursor, head, 1000).await?;
        let Some(last) = events.last() else { break };
        cursor = Some(StreamCursor { aggregate_id: last.aggregate_id, version: last.version });
        count += events.len() as u64;
        let (mut id, mut user) = (None, User::Absent);
        for event in decoder.decode(&events).await? {
            let event = event.map_err(|error| anyhow::anyhow!("{error:?}"))?;
            if id.replace(event.raw.aggregate_id) != Some(event.raw.aggregate_id) {
                user = User::Absent;
            }
            user = Users::evolve(user, &event.happened);
            live += u64::from(matches!(user, User::Live(_)));
        }
    }
    anyhow::ensure!(live > 0, "nobody ever lived");
    begun.end("decode and fold".to_owned(), count, [0.0; 3])
}

/// Every projection from nothing, then each anew beside its live rows.
pub(super) async fn measure(stand: &Stand, only: Option<&str>) -> anyhow::Result<Vec<Built>> {
    let directory = stand.directory().await?;
    let head = stand.store.head().await?.position;
    let begun = Meter::begin()?;
    let running = Running::of(&directory);
    for name in ["user_search", "user_history", "user_activity"] {
        directory.projections().reached(name, head, patience()).await?;
    }
    let mut built = vec![begun.end("all at once, for the first time".to_owned(), head.0, [0.0; 3])?];
    eprintln!("{built:?}");
    for layout in LAYOUTS.iter().filter(|layout| only.is_none_or(|only| only == layout.name)) {
        let events = stand.store.head().await?.position.0;
        let (stop, probing) = (CancellationToken::new(), directory.clone());
        let token = stop.clone();
        let probe = tokio::spawn(async move { probe(&probing, token).await });
        let begun = Meter::begin()?;
        rebuild(&directory, layout.name).await?;
        stop.cancel();
        let mut one = begun.end(layout.name.to_owned(), events, [0.0; 3])?;
        one.waited = probe.await??;
        eprintln!("{one:?}");
        built.push(one);
    }
    running.stop().await?;
    Ok(built)
}

async fn rebuild(directory: &Directory, name: &str) -> anyhow::Result<()> {
    let projections = directory.projections();
    let ticket = projections.wish(name, &Wish::Rebuild(Then::Switch)).await?;
    loop {
        match projections.answer(name, ticket).await? {
            Answer::Pending => tokio::time::sleep(Duration::from_millis(50)).await,
            Answer::Given(answer) => {
                eprintln!("{name}: {answer}");
                ensure!(is_equal(&answer), "{name} was not built as it was: {answer}");
                return Ok(());
            }
            Answer::Replaced => bail!("somebody else wished something"),
        }
    }
}

/// Whoever writes meanwhile, alone, may differ in rows that are live at once: the history of her has several.
const DIFFERENT_MAX: u64 = 20;

/// Whether every row was compared with the live ones, and only those of whoever writes meanwhile differed: each stream that
/// did was folded again from the log and agrees, or this would have failed.
fn is_equal(answer: &Outcome) -> bool {
    let said = [" rows compared with ", " 0 about nobody were different", " streams folded again agree"];
    match answer {
        Outcome::Done(report) => {
            let different = different(report).is_some_and(|count| count <= DIFFERENT_MAX);
            different && said.iter().all(|said| report.contains(said))
        }
        Outcome::Refused(_) | Outcome::Failed(_) => false,
    }
}

/// `…, 3 about streams and 0 about nobody were different before; …`
fn different(report: &str) -> Option<u64> {
    report.split(" about streams").next()?.rsplit(' ').next()?.parse().ok()
}

/// Somebody who changes her name again and again, and how long each time took.
async fn probe(directory: &Directory, stop: CancellationToken) -> anyhow::Result<[f64; 3]> {
    let id = newcomer(directory).await?;
    let mut waited = Histogram::<u64>::new(3)?;
    for n in 0.. {
        if stop.is_cancelled() {
            break;
        }
        let begun = Instant::now();
        rename(directory, id, n).await?;
        waited.record(u64::try_from(begun.elapsed().as_micros())?)?;
        tokio::time::sleep(Duration::from_millis(4)).await;
    }
    let millis = |micros| crate::load::ratio(micros, 1000);
    Ok([millis(waited.value_at_quantile(0.5)), millis(waited.value_at_quantile(0.99)), millis(waited.max())])
}

/// Somebody new.
pub(super) async fn newcomer(directory: &Directory) -> anyhow::Result<AggregateId> {
    let id = AggregateId(Sources::system().uuid());
    let text = id.0.simple().to_string();
    let create = CreateUser {
        email: Email::parse(&format!("{text}@example.org")).ok().context("an address")?,
        username: Username::parse(&text).ok().context("a name")?,
        first_name: None,
        last_name: None,
        avatar_url: None,
        algorithm: CredentialAlgorithm::Argon2id,
    };
    let credential = PasswordHash::parse("hash", HASH).ok().context("a hash")?;
    execute(directory, id, create.into(), NewCredential::Hashed(credential)).await?;
    Ok(id)
}

/// So many changes of one user, one after the other.
pub(super) async fn writes(directory: Arc<Directory>, id: AggregateId, count: usize) -> anyhow::Result<()> {
    let first = fastrand::usize(..1 << 40);
    for n in 0..count {
        rename(&directory, id, first + n).await?;
    }
    Ok(())
}

/// Another first name.
pub(super) async fn rename(directory: &Directory, id: AggregateId, n: usize) -> anyhow::Result<()> {
    let name = PersonName::parse("first_name", &format!("Ada {n}")).ok().context("a name")?;
    let profile = ProfilePatch { first_name: Patch::Set(name), ..ProfilePatch::default() };
    execute(directory, id, UpdateProfile { profile }.into(), NewCredential::None).await
}

async fn execute(
    directory: &Directory,
    id: AggregateId,
    command: UserCommand,
    credential: NewCredential,
) -> anyhow::Result<()> {
    let (attachment, deadline) = (Attachment::from(credential), patience());
    let metadata = Metadata::default();
    directory
        .execute(&Execution {
            id,
            command,
            attachment,
            precondition: None,
            request: None,
            metadata,
            deadline,
        })
        .await?;
    Ok(())
}

/// What has been used since it began.
pub(super) struct Meter {
    begun: Instant,
    processor_seconds: f64,
}

impl Meter {
    pub(super) fn begin() -> anyhow::Result<Self> {
        forget_peak()?;
        Ok(Self { begun: Instant::now(), processor_seconds: processor_seconds(own())? })
    }

    pub(super) fn end(self, what: String, events: u64, waited: [f64; 3]) -> anyhow::Result<Built> {
        Ok(Built {
            what,
            events,
            seconds: self.begun.elapsed().as_secs_f64(),
            processor_seconds: processor_seconds(own())? - self.processor_seconds,
            peak_mib: peak_mib()?,
            waited,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rebuild_is_equal_unless_others_than_the_writer_differ() {
        let report = |streams: u64| {
            Outcome::Done(format!(
                "generation 2 is live; appends stood still for 4 ms; 9980 rows compared with 9980, {streams} about streams and \
                 0 about nobody were different before; 50 streams folded again agree"
            ))
        };
        assert!(is_equal(&report(0)) && is_equal(&report(1)));
        assert!(!is_equal(&report(21)) && !is_equal(&Outcome::Done("generation 2 is live".to_owned())));
    }
}
