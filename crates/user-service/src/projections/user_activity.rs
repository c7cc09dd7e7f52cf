//! The projection `user_activity`: how often what happened on which day, how many users had which status, and where
//! their addresses are. Counts name nobody, and erasing takes nobody out of them.

use cqrs::Decider;
use cqrs::projection::Projector;
use eventstore::{
    ColumnClass, ColumnKind, OnErasure, ProjectionChange, ProjectionLayout, ProjectionMode, ProjectionRow,
    ProjectionTable, Row, Subject, Value,
};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use user_domain::{Outline, Standing, Status, UserEvent, Users};

use super::{DecodedUserEvent, column};
use crate::vault::USER_SECRET;

/// What a dashboard wants.
pub static USER_ACTIVITY: ProjectionLayout = ProjectionLayout {
    name: "user_activity",
    revision: 1,
    mode: ProjectionMode::Async,
    tables: &[&ACTIVITY_USER, &ACTIVITY_DAY, &ACTIVITY_STATUS],
    subjects: Some(&USER_SECRET),
};

/// What the counts go on from: one row per user, erased ones too.
pub static ACTIVITY_USER: ProjectionTable = ProjectionTable {
    name: "activity_user",
    columns: &[
        column("id", ColumnKind::Uuid, ColumnClass::Id),
        column("status", ColumnKind::Text, ColumnClass::Public),
        column("standing", ColumnKind::SmallInt, ColumnClass::Public),
        column("email_domain", ColumnKind::Text, ColumnClass::Derived),
    ],
    key_columns: 1,
    counters: &[],
    subject: Subject::Stream(OnErasure::Redact),
};

/// Events by day and type.
pub static ACTIVITY_DAY: ProjectionTable = ProjectionTable {
    name: "activity_day",
    columns: &[
        column("day", ColumnKind::Text, ColumnClass::Public),
        column("event_type", ColumnKind::Text, ColumnClass::Public),
        column("events", ColumnKind::BigInt, ColumnClass::Public),
    ],
    key_columns: 2,
    counters: &["events"],
    subject: Subject::Nobody,
};

/// How many users more than before have a status at the end of a day.
pub static ACTIVITY_STATUS: ProjectionTable = ProjectionTable {
    name: "activity_status",
    columns: &[
        column("day", ColumnKind::Text, ColumnClass::Public),
        column("status", ColumnKind::Text, ColumnClass::Public),
        column("change", ColumnKind::BigInt, ColumnClass::Public),
    ],
    key_columns: 2,
    counters: &["change"],
    subject: Subject::Nobody,
};

/// What writes it.
#[derive(Debug)]
pub struct UserActivity;

const STATUS: usize = 1;
const STANDING: usize = 2;
const EMAIL_DOMAIN: usize = 3;

impl Projector<DecodedUserEvent> for UserActivity {
    fn layout(&self) -> &'static ProjectionLayout {
        &USER_ACTIVITY
    }

    fn aggregate_type(&self) -> &'static str {
        Users::AGGREGATE_TYPE
    }

    /// Every event counts. Of a history without its beginning nothing else does.
    fn project(&self, state: Option<&Row>, event: &DecodedUserEvent) -> Vec<ProjectionRow> {
        let day = day_of(event.happened.recorded_at);
        let mut rows = vec![counted(&ACTIVITY_DAY, &day, event.happened.event.event_type(), 1)];
        let before = state.map(outline);
        let Some(after) = Outline::after(before, &event.happened.event) else { return rows };
        let (was, is) = (before.map(Outline::status), after.status());
        if was != Some(is) {
            let left = was.map(|was| counted(&ACTIVITY_STATUS, &day, was.as_str(), -1));
            rows.extend(left);
            rows.push(counted(&ACTIVITY_STATUS, &day, is.as_str(), 1));
        }
        let user = vec![
            Value::Uuid(event.happened.aggregate_id.0),
            Value::Text(is.as_str().to_owned()),
            Value::SmallInt(after.standing.to_bits()),
            email_domain(state, &event.happened.event),
        ];
        if state != Some(&user) {
            rows.push(ProjectionRow { table: &ACTIVITY_USER, change: ProjectionChange::Put(user) });
        }
        rows
    }
}

/// A day as the tables and the contract write it, UTC: `2026-05-03`.
fn day_of(moment: Timestamp) -> String {
    moment.to_zoned(TimeZone::UTC).date().to_string()
}

fn counted(table: &'static ProjectionTable, day: &str, what: &str, count: i64) -> ProjectionRow {
    let row = vec![Value::Text(day.to_owned()), Value::Text(what.to_owned()), Value::BigInt(count)];
    ProjectionRow { table, change: ProjectionChange::Put(row) }
}

/// Where her address is after an event; null when nobody can read it any more.
fn email_domain(state: Option<&Row>, event: &UserEvent) -> Value {
    if event.is_redacted() || matches!(event, UserEvent::UserErased(_)) {
        return Value::Null;
    }
    let address = if let UserEvent::UserCreated(created) = event {
        created.personal.known().map(|personal| &personal.email)
    } else if let UserEvent::EmailChanged(changed) = event {
        changed.personal.known().map(|personal| &personal.email.to)
    } else {
        None
    };
    match (address, state) {
        (Some(address), _) => Value::Text(address.domain().to_owned()),
        (None, Some(state)) => state[EMAIL_DOMAIN].clone(),
        (None, None) => Value::Null,
    }
}

fn outline(row: &Row) -> Outline {
    let own = "a projection's state is a row that it has put";
    let (Value::Text(status), Value::SmallInt(bits)) = (&row[STATUS], &row[STANDING]) else {
        panic!("{own}")
    };
    let standing = Standing::from_bits(*bits).expect(own);
    Outline { standing, erased: status == Status::Erased.as_str() }
}
