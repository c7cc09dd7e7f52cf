//! Histories on their way into a log, through the store's own append, in batches as large as it takes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use cqrs::{Aggregates, Change, Decider};
use eventstore::{
    Append, ClaimChanges, ClaimMove, Deadline, EventStore, Metadata, RowChange, RowWrite, Value,
};
use futures_util::future::try_join_all;
use tokio::task::JoinHandle;
use user_domain::{PasswordHash, Users};
use user_service::directory::{Attachment, NewCredential, UserAggregates};
use user_service::vault::{MasterKeyId, USER_SECRET, VaultRoot, Wrapped};

use super::people::{Happening, People};
use super::stand::Stand;

/// As many as the store commits at once, and as many again that wait meanwhile.
const BATCH: usize = 1024;

/// Nothing is to run out of time here.
const PATIENCE: Duration = Duration::from_mins(5);

/// What is stored for a password; of the length that argon2id's have.
pub(crate) const HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$iWh06vD8Fy27wf9npn6FXWiCX4K6pW6Ue1Bnzz07Z8A";

/// Writes until everybody is there. Answers with the number of events.
pub(crate) async fn write(stand: &Stand, users: usize) -> anyhow::Result<u64> {
    let aggregates = stand.aggregates().await?;
    let root = stand.root().await?;
    let credential = PasswordHash::parse("hash", HASH).context("the hash")?;
    let new = Attachment::from(NewCredential::Hashed(credential));
    let (mut people, mut events, mut shown) = (People::new(users), 0, Instant::now());
    let mut before: Option<JoinHandle<anyhow::Result<()>>> = None;
    while !people.are_all_there() {
        let mut batch = Vec::with_capacity(BATCH);
        for _ in 0..BATCH {
            let happening = people.next();
            events += happening.events.len() as u64;
            batch.push(append(&aggregates, &root, &mut people, &happening, &new).await?);
        }
        if let Some(before) = before.take() {
            before.await??;
        }
        before = Some(tokio::spawn(submit(Arc::clone(&stand.store), batch)));
        if shown.elapsed() > Duration::from_secs(10) {
            shown = Instant::now();
            eprintln!("{} of {users} users, {events} events", people.all.len());
        }
    }
    if let Some(before) = before {
        before.await??;
    }
    Ok(events)
}

async fn submit(store: Arc<dyn EventStore>, batch: Vec<Append>) -> anyhow::Result<()> {
    let deadline = Deadline(Instant::now() + PATIENCE);
    try_join_all(batch.into_iter().map(|append| store.append(append, deadline))).await?;
    Ok(())
}

async fn append(
    aggregates: &UserAggregates,
    root: &VaultRoot,
    people: &mut People,
    happening: &Happening,
    new: &Attachment,
) -> anyhow::Result<Append> {
    let Happening { who, events, before, after } = happening;
    let keyed = |user| Users::claims(user).into_iter().map(|claim| (root.claim_key(&claim), claim));
    let claims: Vec<_> = keyed(after).map(|(key, claim)| (claim, key)).collect();
    let person = &mut people.all[*who];
    let change = Change { id: person.id, before, events, after, claims: &claims, forgone: &[] };
    let written = aggregates.write(&change, &person.key, new).await?;
    person.key = new_key(&written.rows).or_else(|| person.key.take());
    let mut changes = ClaimChanges::default();
    let old: Vec<_> = keyed(before).collect();
    for (claim, key) in &claims {
        match old.iter().find(|(_, old)| old.scope == claim.scope) {
            None => changes.taken.push(*key),
            Some((from, _)) if from != key => changes.moved.push(ClaimMove { from: *from, to: *key }),
            Some(_) => {}
        }
    }
    let given_up = old.iter().filter(|(_, old)| claims.iter().all(|(claim, _)| claim.scope != old.scope));
    changes.released.extend(given_up.map(|(key, _)| *key));
    Ok(Append {
        aggregate_type: Users::AGGREGATE_TYPE,
        aggregate_id: person.id,
        expected: Users::version(before),
        events: written.events,
        metadata: Metadata { actor: Some("service:accounts-frontend".to_owned()), ..Metadata::default() },
        claims: changes,
        rows: written.rows,
        request: None,
        derived: written.derived,
    })
}

/// The key that a new user's row in the vault holds.
fn new_key(rows: &[RowWrite]) -> Option<Wrapped> {
    let secret = rows.iter().find(|row| row.table == &USER_SECRET)?;
    match &secret.change {
        RowChange::Insert(row) => match &row[..] {
            [_, Value::SmallInt(key_id), Value::Bytes(bytes), ..] => {
                Some(Wrapped { key_id: MasterKeyId(*key_id), bytes: bytes.clone() })
            }
            _ => None,
        },
        RowChange::Update(_) | RowChange::Delete => None,
    }
}
