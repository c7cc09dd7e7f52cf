//! The projection `user_history`: every state of every user, and the positions between which it held.
//!
//! Whoever has been erased keeps what the kinds of her events tell, status and times; what she was is null.

use std::ops::Range;

use cqrs::Decider;
use cqrs::projection::Projector;
use eventstore::{
    ColumnClass, ColumnKind, OnErasure, ProjectionChange, ProjectionLayout, ProjectionMode, ProjectionRow,
    ProjectionTable, Row, Subject, Value,
};
use user_domain::{
    CredentialAlgorithm, CredentialState, Email, LiveUser, Outline, Standing, Status, User, UserEvent,
    Username, Users,
};

use super::{DecodedUserEvent, column};
use crate::read_model::{full_row, number, user_of};
use crate::vault::USER_SECRET;

/// The `to_position` of a state that holds: no log gets that far.
pub const STILL_HOLDS: i64 = i64::MAX;

/// The directory at any moment.
pub static USER_HISTORY: ProjectionLayout = ProjectionLayout {
    name: "user_history",
    revision: 1,
    mode: ProjectionMode::Async,
    tables: &[&USER_HISTORY_TABLE],
    subjects: Some(&USER_SECRET),
};

/// One row per state: the place of the event that led to it, where it ended, then the user as the read model has her.
pub static USER_HISTORY_TABLE: ProjectionTable = ProjectionTable {
    name: "user_history",
    columns: &[
        column("id", ColumnKind::Uuid, ColumnClass::Id),
        column("version", ColumnKind::BigInt, ColumnClass::Public),
        column("from_position", ColumnKind::BigInt, ColumnClass::Public),
        column("to_position", ColumnKind::BigInt, ColumnClass::Public),
        column("from_time", ColumnKind::Time, ColumnClass::Public),
        column("email", ColumnKind::Text, ColumnClass::Derived),
        column("username", ColumnKind::Text, ColumnClass::Derived),
        column("first_name", ColumnKind::Text, ColumnClass::Derived),
        column("last_name", ColumnKind::Text, ColumnClass::Derived),
        column("avatar_url", ColumnKind::Text, ColumnClass::Derived),
        column("status", ColumnKind::Text, ColumnClass::Public),
        column("standing", ColumnKind::SmallInt, ColumnClass::Public),
        column("created_at", ColumnKind::Time, ColumnClass::Public),
        column("last_updated", ColumnKind::Time, ColumnClass::Public),
        column("deleted_at", ColumnKind::Time, ColumnClass::Public),
        column("email_claim", ColumnKind::Uuid, ColumnClass::Derived),
        column("username_claim", ColumnKind::Uuid, ColumnClass::Derived),
        column("created_position", ColumnKind::BigInt, ColumnClass::Public),
    ],
    key_columns: 2,
    counters: &[],
    subject: Subject::Stream(OnErasure::Redact),
};

/// What writes it.
#[derive(Debug)]
pub struct UserHistory;

const VERSION: usize = 1;
const FROM_POSITION: usize = 2;
const TO_POSITION: usize = 3;
/// What is personal: five columns of the read model from its second on, and the claims.
const PERSONAL: Range<usize> = 5..10;
const STATUS: usize = 10;
const STANDING: usize = 11;
const CREATED_AT: usize = 12;
const DELETED_AT: usize = 14;
const EMAIL_CLAIM: usize = 15;
const USERNAME_CLAIM: usize = 16;
const CLAIMS: Range<usize> = EMAIL_CLAIM..USERNAME_CLAIM + 1;
const CREATED_POSITION: usize = 17;

impl Projector<DecodedUserEvent> for UserHistory {
    fn layout(&self) -> &'static ProjectionLayout {
        &USER_HISTORY
    }

    fn aggregate_type(&self) -> &'static str {
        Users::AGGREGATE_TYPE
    }

    /// The state before ends where the state after begins. A history without its beginning has no states.
    fn project(&self, state: Option<&Row>, event: &DecodedUserEvent) -> Vec<ProjectionRow> {
        let Some(outline) = Outline::after(state.map(outline), &event.happened.event) else {
            return Vec::new();
        };
        let user = live_user(state, event);
        let ended = state.map(|row| ended(row, event, user.as_deref()));
        let put = |row| ProjectionRow { table: &USER_HISTORY_TABLE, change: ProjectionChange::Put(row) };
        ended.into_iter().chain([after(state, event, outline, user.as_deref())]).map(put).collect()
    }
}

/// Who she is after the event, as long as that can be read.
fn live_user(state: Option<&Row>, event: &DecodedUserEvent) -> Option<Box<LiveUser>> {
    let before = match state {
        None => User::Absent,
        Some(row) => User::Live(Box::new(user_of_state(row)?)),
    };
    match Users::evolve(before, &event.happened) {
        User::Live(user) => Some(user),
        User::Absent | User::Erased(_) => None,
    }
}

/// The state before. Of somebody who cannot be read any more nothing personal is written, whatever was read earlier.
fn ended(state: &Row, event: &DecodedUserEvent, user: Option<&LiveUser>) -> Row {
    let mut row = state.clone();
    row[TO_POSITION] = number(event.happened.position.0);
    if user.is_none() {
        for column in PERSONAL.chain(CLAIMS) {
            row[column] = Value::Null;
        }
    }
    row
}

fn after(before: Option<&Row>, event: &DecodedUserEvent, outline: Outline, user: Option<&LiveUser>) -> Row {
    let happened = &event.happened;
    let recorded_at = Value::Time(happened.recorded_at);
    let mut row = vec![
        Value::Uuid(happened.aggregate_id.0),
        number(happened.version.0),
        number(happened.position.0),
        Value::BigInt(STILL_HOLDS),
        recorded_at.clone(),
    ];
    match user {
        Some(user) => row.extend_from_slice(&full_row(user)[1..=PERSONAL.len()]),
        None => row.extend(PERSONAL.map(|_| Value::Null)),
    }
    row.extend([
        Value::Text(outline.status().as_str().to_owned()),
        Value::SmallInt(outline.standing.to_bits()),
        before.map_or_else(|| recorded_at.clone(), |before| before[CREATED_AT].clone()),
        recorded_at.clone(),
        deleted_at(before, event),
    ]);
    match user {
        Some(_) => row.extend(claims(before, event)),
        None => row.extend(CLAIMS.map(|_| Value::Null)),
    }
    row.push(before.map_or_else(|| number(happened.position.0), |before| before[CREATED_POSITION].clone()));
    row
}

fn deleted_at(before: Option<&Row>, event: &DecodedUserEvent) -> Value {
    if matches!(event.happened.event, UserEvent::UserDeleted(_)) {
        return Value::Time(event.happened.recorded_at);
    }
    let restored = matches!(event.happened.event, UserEvent::UserRestored(_));
    before.filter(|_| !restored).map_or(Value::Null, |before| before[DELETED_AT].clone())
}

/// What she owned after this very event. Its sealed part says what she owned after the whole command, which may have
/// changed the other of the two only with its next event.
fn claims(before: Option<&Row>, event: &DecodedUserEvent) -> [Value; 2] {
    let happened = &event.happened.event;
    let taken = |scope| event.claims.get(scope).map_or(Value::Null, |key| Value::Uuid(key.0));
    let kept = |column: usize| before.map_or(Value::Null, |before| before[column].clone());
    let email = matches!(happened, UserEvent::UserCreated(_) | UserEvent::EmailChanged(_));
    let username = matches!(happened, UserEvent::UserCreated(_) | UserEvent::UsernameChanged(_));
    [
        if email { taken(Email::SCOPE) } else { kept(EMAIL_CLAIM) },
        if username { taken(Username::SCOPE) } else { kept(USERNAME_CLAIM) },
    ]
}

const OWN: &str = "a projection's state is a row that it has put";

fn outline(row: &Row) -> Outline {
    let (Value::Text(status), Value::SmallInt(bits)) = (&row[STATUS], &row[STANDING]) else {
        panic!("{OWN}")
    };
    let standing = Standing::from_bits(*bits).expect(OWN);
    Outline { standing, erased: status == Status::Erased.as_str() }
}

/// The user of a state; `None` if what was personal of it is gone.
fn user_of_state(row: &Row) -> Option<LiveUser> {
    if row[PERSONAL.start] == Value::Null {
        return None;
    }
    let mut own = vec![row[0].clone()];
    own.extend_from_slice(&row[PERSONAL.start..=DELETED_AT]);
    own.extend([row[VERSION].clone(), row[FROM_POSITION].clone()]);
    let credential = CredentialState::first(CredentialAlgorithm::Argon2id);
    Some(user_of(own, credential).expect(OWN))
}
