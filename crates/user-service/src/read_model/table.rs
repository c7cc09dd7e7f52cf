//! The table `user_read_model`: each live user as she is, written in the transaction of every append.

use cqrs::{PENDING_POSITION, PENDING_TIME};
use eventstore::AggregateId;
use eventstore::{
    ColumnClass, ColumnKind, InlineColumn, InlineTable, Position, ReadError, Row, Value, Version,
};
use jiff::Timestamp;
use user_domain::{AvatarUrl, CredentialState, Email, LiveUser, PersonName, Standing, Username};

/// The read model's table.
pub static USER_READ_MODEL: InlineTable = InlineTable {
    name: "user_read_model",
    generation: 1,
    version_column: Some("version"),
    columns: &[
        column("id", ColumnKind::Uuid, ColumnClass::Id, true),
        column("email", ColumnKind::Text, ColumnClass::Derived, false),
        column("username", ColumnKind::Text, ColumnClass::Derived, false),
        column("first_name", ColumnKind::Text, ColumnClass::Derived, false),
        column("last_name", ColumnKind::Text, ColumnClass::Derived, false),
        column("avatar_url", ColumnKind::Text, ColumnClass::Derived, false),
        column("status", ColumnKind::Text, ColumnClass::Public, false),
        column("standing", ColumnKind::SmallInt, ColumnClass::Public, false),
        column("created_at", ColumnKind::Time, ColumnClass::Public, true),
        column("last_updated", ColumnKind::Time, ColumnClass::Public, false),
        column("deleted_at", ColumnKind::Time, ColumnClass::Public, false),
        column("version", ColumnKind::BigInt, ColumnClass::Public, false),
        column("position", ColumnKind::BigInt, ColumnClass::Public, false),
    ],
};

const fn column(name: &'static str, kind: ColumnKind, class: ColumnClass, fixed: bool) -> InlineColumn {
    InlineColumn { name, kind, class, fixed }
}

/// A user's row, with a value for every column.
pub(crate) fn full_row(user: &LiveUser) -> Row {
    vec![
        Value::Uuid(user.id.0),
        Value::Text(user.email.as_str().to_owned()),
        Value::Text(user.username.as_str().to_owned()),
        text(user.first_name.as_ref().map(PersonName::as_str)),
        text(user.last_name.as_ref().map(PersonName::as_str)),
        text(user.avatar_url.as_ref().map(AvatarUrl::as_str)),
        Value::Text(user.status().as_str().to_owned()),
        Value::SmallInt(user.standing.to_bits()),
        time(user.created_at),
        time(user.updated_at),
        user.deleted_at.map_or(Value::Null, time),
        number(user.version.0),
        if user.position == PENDING_POSITION { Value::LastPosition } else { number(user.position.0) },
    ]
}

/// The same without the columns that never change after the first.
pub(crate) fn updated_row(user: &LiveUser) -> Row {
    let fixed = |n: usize| n > 0 && USER_READ_MODEL.columns[n].fixed;
    full_row(user).into_iter().enumerate().filter(|(n, _)| !fixed(*n)).map(|(_, value)| value).collect()
}

/// A user from her row, with the credential's version and kind, which stand in the vault.
pub(crate) fn user_of(row: Row, credential: CredentialState) -> Result<LiveUser, ReadError> {
    let mut columns = Columns(row.into_iter());
    Ok(LiveUser {
        id: AggregateId(columns.uuid()?),
        email: Email::from_stored(columns.text()?.ok_or_else(corrupt)?),
        username: Username::from_stored(columns.text()?.ok_or_else(corrupt)?),
        first_name: columns.text()?.map(PersonName::from_stored),
        last_name: columns.text()?.map(PersonName::from_stored),
        avatar_url: columns.text()?.map(AvatarUrl::from_stored),
        standing: {
            columns.text()?; // the status is the standing in words
            columns.standing()?
        },
        credential,
        created_at: columns.time()?.ok_or_else(corrupt)?,
        updated_at: columns.time()?.ok_or_else(corrupt)?,
        deleted_at: columns.time()?,
        version: Version(columns.number()?),
        position: Position(columns.number()?),
    })
}

/// The values of a row, one after the other.
pub(crate) struct Columns(pub(crate) std::vec::IntoIter<Value>);

impl Columns {
    fn uuid(&mut self) -> Result<uuid::Uuid, ReadError> {
        match self.0.next() {
            Some(Value::Uuid(id)) => Ok(id),
            _ => Err(corrupt()),
        }
    }

    fn text(&mut self) -> Result<Option<String>, ReadError> {
        match self.0.next() {
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(Value::Null) => Ok(None),
            _ => Err(corrupt()),
        }
    }

    fn standing(&mut self) -> Result<Standing, ReadError> {
        match self.0.next() {
            Some(Value::SmallInt(bits)) => Standing::from_bits(bits).ok_or_else(corrupt),
            _ => Err(corrupt()),
        }
    }

    fn time(&mut self) -> Result<Option<Timestamp>, ReadError> {
        match self.0.next() {
            Some(Value::Time(time)) => Ok(Some(time)),
            Some(Value::Null) => Ok(None),
            _ => Err(corrupt()),
        }
    }

    fn number(&mut self) -> Result<u64, ReadError> {
        match self.0.next() {
            Some(Value::BigInt(number)) => u64::try_from(number).map_err(|_| corrupt()),
            _ => Err(corrupt()),
        }
    }
}

fn text(text: Option<&str>) -> Value {
    text.map_or(Value::Null, |text| Value::Text(text.to_owned()))
}

fn time(time: Timestamp) -> Value {
    if time == PENDING_TIME { Value::RecordedAt } else { Value::Time(time) }
}

pub(crate) fn number(number: u64) -> Value {
    Value::BigInt(i64::try_from(number).expect("a log of 2^63 events is out of reach"))
}

pub(crate) fn corrupt() -> ReadError {
    ReadError::Corrupt("a row of user_read_model does not fit its columns".to_owned())
}
