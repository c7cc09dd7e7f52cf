//! A value on its way to the server, without a copy.

use std::error::Error as StdError;

use bytes::BytesMut;
use eventstore::{Append, Value};
use tokio_postgres::types::{IsNull, ToSql, Type};
use uuid::Uuid;

/// A value of a row. Times are the statement's business.
#[derive(Debug)]
pub(super) enum Datum<'a> {
    Null,
    Uuid(Uuid),
    SmallInt(i16),
    BigInt(i64),
    Text(&'a str),
    Bytes(&'a [u8]),
}

impl Datum<'_> {
    /// A column of an inline table; `None` for what the statement itself puts in.
    pub(super) fn of(value: &Value) -> Option<Datum<'_>> {
        Some(match value {
            Value::Null => Datum::Null,
            Value::Uuid(uuid) => Datum::Uuid(*uuid),
            Value::SmallInt(n) => Datum::SmallInt(*n),
            Value::BigInt(n) => Datum::BigInt(*n),
            Value::Text(text) => Datum::Text(text),
            Value::Bytes(bytes) => Datum::Bytes(bytes),
            Value::Time(_) | Value::RecordedAt | Value::LastPosition => return None,
        })
    }
}

impl ToSql for Datum<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Uuid(uuid) => uuid.to_sql_checked(ty, out),
            Self::SmallInt(n) => n.to_sql_checked(ty, out),
            Self::BigInt(n) => n.to_sql_checked(ty, out),
            Self::Text(text) => text.to_sql_checked(ty, out),
            Self::Bytes(bytes) => bytes.to_sql_checked(ty, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true // the value in it is asked
    }

    fn to_sql_checked(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        self.to_sql(ty, out)
    }
}

/// The columns of an event row, but for its position and time.
pub(super) const EVENT_COLUMNS: &str = "aggregate_id, event_id, correlation_id, causation_id, request_id, version, \
    schema_version, aggregate_type, event_type, actor, data, sealed";

/// Their values for the one event of a command, in that order.
pub(super) fn event(append: &Append) -> [Datum<'_>; 12] {
    let (event, metadata) = (&append.events[0], &append.metadata);
    let uuid = |uuid: Option<Uuid>| uuid.map_or(Datum::Null, Datum::Uuid);
    [
        Datum::Uuid(append.aggregate_id.0),
        Datum::Uuid(event.event_id.0),
        uuid(metadata.correlation_id),
        uuid(metadata.causation_id),
        uuid(metadata.request_id),
        Datum::BigInt(append.version_after().0.cast_signed()),
        Datum::SmallInt(event.schema_version.cast_signed()),
        Datum::Text(append.aggregate_type),
        Datum::Text(event.event_type),
        metadata.actor.as_deref().map_or(Datum::Null, Datum::Text),
        Datum::Text(&event.data),
        event.sealed.as_deref().map_or(Datum::Null, Datum::Bytes),
    ]
}
