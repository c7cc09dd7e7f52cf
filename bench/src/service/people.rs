//! The users who are asked for: the same for the service and for the echo.

use std::time::{Duration, Instant};

use anyhow::Context;
use cqrs::Execution;
use eventstore::{AggregateId, Deadline, Metadata};
use fastrand::Rng;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use user_domain::{CreateUser, CredentialAlgorithm, Email, PasswordHash, PersonName, Username};
use user_service::Sources;
use user_service::directory::{Attachment, Directory, NewCredential};
use user_service::passwords::{HashingCost, Passwords, PlainPassword};
use user_service::projections::LAYOUTS;
use uuid::{Builder, Uuid};

use crate::past::{Running, Stand};

/// How many there are.
pub(crate) const PEOPLE: usize = 4096;

/// The first millisecond of 2026; ids come in the order of their making.
const EPOCH_MILLIS: u64 = 1_767_225_600_000;

/// How many are created at a time.
const AT_ONCE: usize = 64;

/// Whoever has this number.
pub(super) fn id(number: usize) -> Uuid {
    let mut bytes = [0; 10];
    Rng::with_seed(number as u64).fill(&mut bytes);
    Builder::from_unix_timestamp_millis(EPOCH_MILLIS + number as u64, &bytes).into_uuid()
}

pub(super) fn email(number: usize) -> String {
    format!("person.{number}@example.org")
}

pub(super) fn username(number: usize) -> String {
    format!("person_{number}")
}

/// Everybody's. They have one hash, too: one that nobody knows costs as much as another.
pub(super) const PASSWORD: &str = "correct horse battery staple";

pub(super) const FIRST_NAME: &str = "Ada";
pub(super) const LAST_NAME: &str = "Lovelace";

/// Makes them, on a store that has nobody, and lets the projections take them in.
pub(crate) async fn populate(store: &str) -> anyhow::Result<()> {
    let stand = Stand::open(store).await?;
    let directory = stand.directory().await?;
    // At the cost that the product has without being told another.
    let passwords = Passwords::new(HashingCost::FLOOR, Sources::system());
    let hash = passwords.hash(PlainPassword::new(PASSWORD)).await?;
    let creating = stream::iter(0..PEOPLE).map(|number| create(&directory, number, &hash));
    creating.buffer_unordered(AT_ONCE).try_collect::<()>().await?;
    // Or the service would begin with that while it is measured.
    let (running, head) = (Running::of(&directory), stand.store.head().await?.position);
    for layout in LAYOUTS {
        directory.projections().reached(layout.name, head, soon()).await?;
    }
    running.stop().await?;
    stand.store.close().await;
    Ok(())
}

fn soon() -> Deadline {
    Deadline(Instant::now() + Duration::from_mins(1))
}

async fn create(directory: &Directory, number: usize, hash: &PasswordHash) -> anyhow::Result<()> {
    let name = |text| PersonName::parse("name", text).ok().context("a name");
    let command = CreateUser {
        email: Email::parse(&email(number)).ok().context("an address")?,
        username: Username::parse(&username(number)).ok().context("a username")?,
        first_name: Some(name(FIRST_NAME)?),
        last_name: Some(name(LAST_NAME)?),
        avatar_url: None,
        algorithm: CredentialAlgorithm::Argon2id,
    };
    let execution = Execution {
        id: AggregateId(id(number)),
        command: command.into(),
        attachment: Attachment::from(NewCredential::Hashed(hash.clone())),
        precondition: None,
        request: None,
        metadata: Metadata::default(),
        deadline: soon(),
    };
    directory.execute_new(&execution).await?;
    Ok(())
}
