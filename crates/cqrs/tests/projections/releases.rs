//! Two releases, of which the newer has the names in the rows backwards: it writes them forwards until somebody switches.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use cqrs::projection::{Projections, RunnerSettings};
use cqrs::{
    Aggregates, Change, Claim, CommandBus, CommandError, Decider, Execution, Fault, Recorded, Written,
};
use eventstore::{
    AggregateId, ClaimKey, Derived, EventId, EventQuery, EventStore, InlineTable, Metadata, NewEvent, Phase,
    Position, Row, RowChange, RowWrite, Slot, Value, Version, Warning, WriterRefusal,
};
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::accounts::{Backwards, Happened, ROW, ROW_2, ROW_TABLE, Reader, backwards};
use crate::place::{Engine, Place, on_both_stores};
use crate::scene::{Running, account, settings, soon, until};

on_both_stores!(a_newer_release_takes_over_under_writes);

static OLDER: &[&InlineTable] = &[&ROW];
static NEWER: &[&InlineTable] = &[&ROW_2];

const ACCOUNTS: u64 = 7;

/// Accounts whose names grow by one letter at a time, so that whoever reads a row in the wrong way leaves a trace.
#[derive(Debug)]
struct Names;

#[derive(Clone, Debug, Default, PartialEq)]
struct Named {
    version: Version,
    name: String,
}

impl Decider for Names {
    const AGGREGATE_TYPE: &'static str = "account";
    type State = Named;
    type Command = char;
    type Event = String;
    type Refusal = Never;

    fn decide(state: &Named, letter: &char) -> Result<Vec<String>, Never> {
        Ok(vec![format!("{}{letter}", state.name)])
    }

    fn evolve(_: Named, recorded: &Recorded<String>) -> Named {
        Named { version: recorded.version, name: recorded.event.clone() }
    }

    fn claims(_: &Named) -> Vec<Claim> {
        Vec::new()
    }

    fn version(state: &Named) -> Version {
        state.version
    }
}

/// Nothing is refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("never")]
struct Never(Infallible);

/// Loads from rows, and writes them, in the generation that the store takes.
#[derive(Debug)]
struct Release(Arc<dyn EventStore>);

#[async_trait]
impl Aggregates<Names> for Release {
    type Context = &'static InlineTable;
    type Attachment = ();

    async fn load(&self, id: AggregateId) -> Result<(Named, &'static InlineTable), Fault> {
        let table = self.0.writes(&ROW);
        let rows = self.0.projections().inline_rows(table, &[id]).await;
        let rows = rows.map_err(|error| Fault::StoreDown(error.into()))?;
        Ok((rows.first().map_or_else(Named::default, |row| read(table, row)), table))
    }

    async fn load_at(&self, _: AggregateId, _: Version) -> Result<Option<Named>, Fault> {
        Ok(None)
    }

    fn claim_key(&self, _: &Claim) -> ClaimKey {
        ClaimKey(Uuid::nil())
    }

    fn claim_taken(&self, scope: &'static str) -> Never {
        panic!("nobody claims {scope}")
    }

    async fn write(
        &self,
        change: &Change<'_, Names>,
        table: &&'static InlineTable,
        (): &(),
    ) -> Result<Written, Fault> {
        let event = NewEvent {
            event_id: EventId(Uuid::from_u128(fastrand::u128(..))),
            event_type: "account.named",
            schema_version: 1,
            data: format!("\"{}\"", change.after.name),
            sealed: None,
        };
        let name = if table.generation == ROW_2.generation {
            backwards(&change.after.name)
        } else {
            change.after.name.clone()
        };
        let version = i64::try_from(change.after.version.0).unwrap();
        let row = vec![Value::Uuid(change.id.0), Value::BigInt(version), Value::Text(name)];
        let is_new = change.before.version == Version::NONE;
        let change = if is_new { RowChange::Insert(row) } else { RowChange::Update(row) };
        Ok(Written { events: vec![event], rows: vec![RowWrite { table, change }], derived: Derived::Kept })
    }
}

fn read(table: &InlineTable, row: &Row) -> Named {
    let (Value::BigInt(version), Value::Text(name)) = (&row[1], &row[2]) else { panic!("{row:?}") };
    let name = if table.generation == ROW_2.generation { backwards(name) } else { name.clone() };
    Named { version: Version(version.unsigned_abs()), name }
}

fn grow(n: u64) -> Execution<Names, ()> {
    Execution {
        id: account(n % ACCOUNTS),
        command: char::from(b'a' + u8::try_from(n % 26).unwrap()),
        attachment: (),
        precondition: None,
        request: None,
        metadata: Metadata::default(),
        deadline: soon(),
    }
}

async fn grows(store: &Arc<dyn EventStore>, n: u64) -> Result<(), CommandError<Never>> {
    let bus = CommandBus::new(store.clone(), Release(Arc::clone(store)));
    bus.execute(&grow(n)).await.map(drop)
}

/// Makes names grow until it is told to stop. How often one did.
fn growing(store: &Arc<dyn EventStore>, first: u64, stop: &Arc<AtomicBool>) -> JoinHandle<u64> {
    let (store, stop) = (Arc::clone(store), Arc::clone(stop));
    tokio::spawn(async move {
        let mut done = 0;
        while !stop.load(Ordering::Relaxed) {
            grows(&store, first + done).await.unwrap();
            done += 1;
        }
        done
    })
}

fn runner(
    store: &Arc<dyn EventStore>,
    projector: Arc<dyn cqrs::projection::Projector<Happened>>,
    tables: &[&'static InlineTable],
) -> Running {
    let settings = RunnerSettings { inline_layout: Some(InlineTable::layout(tables)), ..settings() };
    let reader = Reader { store: store.clone(), fixed: Arc::default() };
    Running::start(Projections::new(store.clone(), Arc::new(reader), vec![projector], settings))
}

/// What the live rows are, and what they must be: the log, forwards or backwards.
async fn assert_fold(store: &dyn EventStore, table: &InlineTable) -> Vec<String> {
    let mut names = vec![String::new(); usize::try_from(ACCOUNTS).unwrap()];
    let log = store.events(&EventQuery::after(Position::START, 1_000_000)).await.unwrap().events;
    for event in &log {
        let n = (0..ACCOUNTS).find(|n| account(*n) == event.aggregate_id).unwrap();
        let (name, before) = (event.data.trim_matches('"'), &mut names[usize::try_from(n).unwrap()]);
        assert!(name.len() == before.len() + 1 && name.starts_with(before.as_str()), "{name} after {before}");
        name.clone_into(before);
    }
    let rows = store.projections().rows_after(&ROW_TABLE, Slot::Live, None, 1000).await.unwrap();
    let found: Vec<_> = rows.iter().map(|row| read(table, row).name).collect();
    assert_eq!(found, names);
    names
}

async fn a_newer_release_takes_over_under_writes(on: Engine) {
    let place = Place::new(on).await;
    let older = place.open(OLDER, &[]).await;
    let running = runner(&older, Arc::new(crate::accounts::Rows), OLDER);
    for n in 0..20 {
        grows(&older, n).await.unwrap();
    }
    until(async || generation(&*older, Slot::Live).await).await;
    running.stop().await;
    assert_fold(&*older, &ROW).await;
    older.close().await;
    drop(older);

    let newer = place.open(NEWER, OLDER).await;
    let stop = Arc::new(AtomicBool::new(false));
    let writers = [growing(&newer, 0, &stop), growing(&newer, 3, &stop), growing(&newer, 5, &stop)];
    let running = runner(&newer, Arc::new(Backwards), NEWER);
    until(async || generation(&*newer, Slot::Next).await.filter(|(_, phase)| *phase == Phase::Tailing)).await;
    assert_eq!(newer.writes(&ROW_2), &ROW, "it is kept until somebody wishes");
    let answer = running.wish("account_rows", "switch").await;
    assert!(answer.starts_with("generation 2 is live"), "{answer}");
    let switched = newer.head().await.unwrap().position;
    until(async || Some(()).filter(|()| newer.writes(&ROW) == &ROW_2)).await;
    while newer.head().await.unwrap().position.0 < switched.0 + 20 {
        tokio::task::yield_now().await;
    }
    stop.store(true, Ordering::Relaxed);
    let mut done = 20;
    for writer in writers {
        done += writer.await.unwrap();
    }
    running.stop().await;
    assert_eq!(newer.head().await.unwrap().position.0, done, "nothing is lost");
    let names = assert_fold(&*newer, &ROW_2).await;
    assert_eq!(newer.warnings().await, []);
    newer.close().await;
    drop(newer);

    let older = place.open(OLDER, &[]).await;
    assert_eq!(older.warnings().await, [Warning::WriterRefused(WriterRefusal::TooOld)]);
    let refused = grows(&older, 1).await;
    assert!(matches!(refused, Err(CommandError::WriterRefused(WriterRefusal::TooOld))), "{refused:?}");
    assert_eq!(assert_fold(&*older, &ROW_2).await, names);
}

/// The revision and the phase of a generation.
async fn generation(store: &dyn EventStore, slot: Slot) -> Option<(u32, Phase)> {
    let all = store.projections().generations().await.unwrap();
    let found = all.into_iter().find(|found| found.projection == "account_rows" && found.slot == slot)?;
    Some((found.number, found.phase))
}
