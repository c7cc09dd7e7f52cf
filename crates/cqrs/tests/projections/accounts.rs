//! Accounts: what happens to them, how that is read from the log, and what is projected of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use cqrs::Fault;
use cqrs::projection::{Decode, Projector, Undecodable};
use eventstore::{
    AggregateId, ColumnClass, ColumnKind, EventStore, InlineColumn, InlineTable, OnErasure, ProjectionChange,
    ProjectionLayout, ProjectionMode, ProjectionRow, ProjectionTable, RecordedEvent, Row, Subject, Value,
};

/// Something that happened to an account.
#[derive(Clone, Debug)]
pub(crate) struct Happened {
    pub(crate) id: AggregateId,
    pub(crate) version: i64,
    pub(crate) position: i64,
    pub(crate) what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// `None` once she has been erased.
    Named(Option<String>),
    Deposited(i64),
    Closed,
    Erased,
    /// Makes a projector panic that has not been fixed.
    Odd,
}

/// Reads events with the names of those who have not been erased. What it cannot read it can be taught.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(crate) store: Arc<dyn EventStore>,
    pub(crate) fixed: Arc<AtomicBool>,
}

#[async_trait]
impl Decode<Happened> for Reader {
    async fn decode(&self, events: &[RecordedEvent]) -> Result<Vec<Result<Happened, Undecodable>>, Fault> {
        let ids: Vec<_> = events.iter().map(|event| event.aggregate_id).collect();
        let kept = self.store.projections().inline_rows(&ROW, &ids).await;
        let kept = kept.map_err(|error| Fault::StoreDown(error.into()))?;
        let fixed = self.fixed.load(Ordering::Relaxed);
        let is_kept = |id: AggregateId| kept.iter().any(|row| row[0] == Value::Uuid(id.0));
        Ok(events.iter().map(|event| read(event, is_kept(event.aggregate_id), fixed)).collect())
    }
}

fn read(event: &RecordedEvent, kept: bool, fixed: bool) -> Result<Happened, Undecodable> {
    let unknown = || Undecodable(format!("unknown type {}", event.event_type));
    let what = match event.event_type.as_str() {
        "account.named" => What::Named(kept.then(|| event.data.trim_matches('"').to_owned())),
        "account.deposited" => What::Deposited(event.data.parse().map_err(|_| unknown())?),
        "account.closed" => What::Closed,
        "account.erased" => What::Erased,
        "account.odd" => What::Odd,
        "account.garbled" if fixed => What::Deposited(1),
        _ => return Err(unknown()),
    };
    let number = |n: u64| i64::try_from(n).unwrap();
    let (version, position) = (number(event.version.0), number(event.position.0));
    Ok(Happened { id: event.aggregate_id, version, position, what })
}

const fn column(name: &'static str, kind: ColumnKind, class: ColumnClass) -> InlineColumn {
    InlineColumn { name, kind, class, fixed: false }
}

const ID: InlineColumn = column("id", ColumnKind::Uuid, ColumnClass::Id);
const VERSION: InlineColumn = column("version", ColumnKind::BigInt, ColumnClass::Public);
const NAME: InlineColumn = column("name", ColumnKind::Text, ColumnClass::Derived);
const EVENTS: InlineColumn = column("events", ColumnKind::BigInt, ColumnClass::Public);
const BALANCE: InlineColumn = column("balance", ColumnKind::BigInt, ColumnClass::Public);

/// Written by the appends.
pub(crate) static ROW: InlineTable =
    InlineTable { name: "account_row", generation: 1, columns: &[ID, VERSION, NAME], version_column: None };

/// The same in a later release, which has the names backwards.
pub(crate) static ROW_2: InlineTable = InlineTable { generation: 2, ..ROW };

/// The state of each account, kept without her name when she is erased.
pub(crate) static ACCOUNT: ProjectionTable = ProjectionTable {
    name: "account",
    columns: &[ID, VERSION, NAME, BALANCE],
    key_columns: 1,
    counters: &[],
    subject: Subject::Stream(OnErasure::Redact),
};

/// How it came to be.
pub(crate) static HISTORY: ProjectionTable = ProjectionTable {
    name: "account_history",
    columns: &[ID, column("position", ColumnKind::BigInt, ColumnClass::Public), NAME, BALANCE],
    key_columns: 2,
    counters: &[],
    subject: Subject::Stream(OnErasure::Redact),
};

/// The names of accounts that are open.
pub(crate) static OPEN: ProjectionTable = ProjectionTable {
    name: "account_open",
    columns: &[ID, NAME],
    key_columns: 1,
    counters: &[],
    subject: Subject::Stream(OnErasure::Delete),
};

/// What happened how often, and what it came to.
pub(crate) static TOTAL: ProjectionTable = ProjectionTable {
    name: "account_total",
    columns: &[
        column("what", ColumnKind::Text, ColumnClass::Public),
        column("times", ColumnKind::BigInt, ColumnClass::Public),
        column("amount", ColumnKind::BigInt, ColumnClass::Public),
    ],
    key_columns: 1,
    counters: &["times", "amount"],
    subject: Subject::Nobody,
};

pub(crate) static ACCOUNTS: ProjectionLayout = ProjectionLayout {
    name: "accounts",
    revision: 1,
    mode: ProjectionMode::Async,
    tables: &[&ACCOUNT, &HISTORY, &OPEN, &TOTAL],
    subjects: Some(&ROW),
};

/// The same, as a later release would have it.
pub(crate) static ACCOUNTS_2: ProjectionLayout = ProjectionLayout {
    name: "accounts",
    revision: 2,
    mode: ProjectionMode::Async,
    tables: &[&ACCOUNT, &HISTORY, &OPEN, &TOTAL],
    subjects: Some(&ROW),
};

/// What the appends write, as a projection.
pub(crate) static ROW_TABLE: ProjectionTable = ProjectionTable {
    name: "account_row",
    columns: &[ID, VERSION, NAME],
    key_columns: 1,
    counters: &[],
    subject: Subject::Stream(OnErasure::Delete),
};

pub(crate) static ROWS: ProjectionLayout = ProjectionLayout {
    name: "account_rows",
    revision: 1,
    mode: ProjectionMode::Inline,
    tables: &[&ROW_TABLE],
    subjects: Some(&ROW),
};

/// The same in a later release.
pub(crate) static ROWS_2: ProjectionLayout = ProjectionLayout { revision: 2, ..ROWS };

/// Tables that hold how many events of each account there were.
static TALLY_TABLES: [ProjectionTable; 4] =
    [tally_table("tally_1"), tally_table("tally_2"), tally_table("tally_3"), tally_table("tally_4")];

const fn tally_table(name: &'static str) -> ProjectionTable {
    ProjectionTable {
        name,
        columns: &[ID, EVENTS],
        key_columns: 1,
        counters: &[],
        subject: Subject::Stream(OnErasure::Delete),
    }
}

pub(crate) static TALLIES: [ProjectionLayout; 4] = [
    tally("tallies_1", &[&TALLY_TABLES[0]]),
    tally("tallies_2", &[&TALLY_TABLES[1]]),
    tally("tallies_3", &[&TALLY_TABLES[2]]),
    tally("tallies_4", &[&TALLY_TABLES[3]]),
];

const fn tally(name: &'static str, tables: &'static [&'static ProjectionTable]) -> ProjectionLayout {
    ProjectionLayout { name, revision: 1, mode: ProjectionMode::Async, tables, subjects: Some(&ROW) }
}

/// Projects accounts.
#[derive(Debug)]
pub(crate) struct Accounts {
    pub(crate) layout: &'static ProjectionLayout,
    pub(crate) fixed: Arc<AtomicBool>,
}

impl Projector<Happened> for Accounts {
    fn layout(&self) -> &'static ProjectionLayout {
        self.layout
    }

    fn aggregate_type(&self) -> &'static str {
        "account"
    }

    fn project(&self, state: Option<&Row>, event: &Happened) -> Vec<ProjectionRow> {
        let id = Value::Uuid(event.id.0);
        let mut name = state.map_or(Value::Null, |state| state[2].clone());
        let mut balance = match state.map(|state| &state[3]) {
            Some(Value::BigInt(balance)) => *balance,
            _ => 0,
        };
        let (mut rows, what, amount) = match &event.what {
            What::Named(None) => (vec![], "named", 0),
            What::Named(Some(new)) => {
                name = Value::Text(new.clone());
                (vec![put(&OPEN, vec![id.clone(), name.clone()])], "named", 0)
            }
            What::Deposited(amount) => {
                balance += amount;
                (vec![], "deposited", *amount)
            }
            What::Closed => {
                let key = ProjectionChange::Delete(vec![id.clone()]);
                (vec![ProjectionRow { table: &OPEN, change: key }], "closed", 0)
            }
            What::Erased => {
                name = Value::Null;
                (
                    vec![ProjectionRow { table: &OPEN, change: ProjectionChange::DeleteStream(event.id) }],
                    "erased",
                    0,
                )
            }
            What::Odd => {
                assert!(self.fixed.load(Ordering::Relaxed), "this is odd");
                (vec![], "odd", 0)
            }
        };
        let (version, balance) = (Value::BigInt(event.version), Value::BigInt(balance));
        let position = Value::BigInt(event.position);
        rows.push(put(&HISTORY, vec![id.clone(), position, name.clone(), balance.clone()]));
        rows.push(put(&ACCOUNT, vec![id, version, name, balance]));
        let total = vec![Value::Text(what.to_owned()), Value::BigInt(1), Value::BigInt(amount)];
        rows.push(put(&TOTAL, total));
        rows
    }
}

/// Counts the events of each account.
#[derive(Debug)]
pub(crate) struct Tally(pub(crate) &'static ProjectionLayout);

impl Projector<Happened> for Tally {
    fn layout(&self) -> &'static ProjectionLayout {
        self.0
    }

    fn aggregate_type(&self) -> &'static str {
        "account"
    }

    fn project(&self, state: Option<&Row>, event: &Happened) -> Vec<ProjectionRow> {
        let before = match state.map(|state| &state[1]) {
            Some(Value::BigInt(before)) => *before,
            _ => 0,
        };
        vec![put(self.0.tables[0], vec![Value::Uuid(event.id.0), Value::BigInt(before + 1)])]
    }
}

/// What the appends write, from the events.
#[derive(Debug)]
pub(crate) struct Rows;

impl Projector<Happened> for Rows {
    fn layout(&self) -> &'static ProjectionLayout {
        &ROWS
    }

    fn aggregate_type(&self) -> &'static str {
        "account"
    }

    fn project(&self, state: Option<&Row>, event: &Happened) -> Vec<ProjectionRow> {
        let name = match &event.what {
            What::Named(name) => name.clone().map_or(Value::Null, Value::Text),
            What::Erased => {
                return vec![ProjectionRow {
                    table: &ROW_TABLE,
                    change: ProjectionChange::DeleteStream(event.id),
                }];
            }
            What::Deposited(_) | What::Closed | What::Odd => {
                state.map_or(Value::Null, |state| state[2].clone())
            }
        };
        vec![put(&ROW_TABLE, vec![Value::Uuid(event.id.0), Value::BigInt(event.version), name])]
    }
}

/// What the appends of a later release write.
#[derive(Debug)]
pub(crate) struct Backwards;

impl Projector<Happened> for Backwards {
    fn layout(&self) -> &'static ProjectionLayout {
        &ROWS_2
    }

    fn aggregate_type(&self) -> &'static str {
        "account"
    }

    fn project(&self, state: Option<&Row>, event: &Happened) -> Vec<ProjectionRow> {
        let what = match &event.what {
            What::Named(Some(name)) => What::Named(Some(backwards(name))),
            other => other.clone(),
        };
        Rows.project(state, &Happened { what, ..event.clone() })
    }
}

pub(crate) fn backwards(name: &str) -> String {
    name.chars().rev().collect()
}

fn put(table: &'static ProjectionTable, row: Row) -> ProjectionRow {
    ProjectionRow { table, change: ProjectionChange::Put(row) }
}
