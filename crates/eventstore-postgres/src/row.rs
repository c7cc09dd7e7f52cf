//! A value on its way into a column, and back.

use std::error::Error as StdError;

use bytes::{BufMut, BytesMut};
use eventstore::{ColumnKind, ReadError, Value};
use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, WrongType, accepts, to_sql_checked};
use uuid::Uuid;

use crate::said::Said;

type BoxError = Box<dyn StdError + Sync + Send>;

/// PostgreSQL counts from 2000, everybody else from 1970.
const EPOCH_MICROS: i64 = 946_684_800_000_000;

/// A moment as PostgreSQL sends it: whole microseconds, without the calendar arithmetic of the driver's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment(i64);

impl Moment {
    /// PostgreSQL's `infinity`. A column never holds it: the append puts its own time in its place.
    pub(crate) const RECORDED_AT: Self = Self(i64::MAX);

    /// The moment on the calendar.
    pub(crate) fn timestamp(self) -> Result<Timestamp, ReadError> {
        let micros = self.0.checked_add(EPOCH_MICROS);
        micros
            .and_then(|micros| Timestamp::from_microsecond(micros).ok())
            .ok_or_else(|| ReadError::Corrupt(format!("{} µs from 2000 is no moment", self.0)))
    }
}

impl From<Timestamp> for Moment {
    fn from(timestamp: Timestamp) -> Self {
        Self(timestamp.as_microsecond() - EPOCH_MICROS)
    }
}

impl ToSql for Moment {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        out.put_i64(self.0);
        Ok(IsNull::No)
    }

    accepts!(TIMESTAMPTZ);
    to_sql_checked!();
}

impl<'a> FromSql<'a> for Moment {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        // The same eight bytes as a bigint.
        i64::from_sql(ty, raw).map(Self)
    }

    accepts!(TIMESTAMPTZ);
}

/// A parameter of the product's own statements.
#[derive(Debug)]
pub(crate) struct Parameter<'a>(pub(crate) &'a Value);

impl ToSql for Parameter<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        match self.0 {
            Value::Null => Ok(IsNull::Yes),
            Value::Uuid(uuid) => uuid.to_sql_checked(ty, out),
            Value::SmallInt(n) => n.to_sql_checked(ty, out),
            Value::BigInt(n) => n.to_sql_checked(ty, out),
            Value::Text(text) => text.to_sql_checked(ty, out),
            Value::Bytes(bytes) => bytes.to_sql_checked(ty, out),
            Value::Time(time) => Moment::from(*time).to_sql_checked(ty, out),
            // They have a meaning inside an append only.
            Value::RecordedAt | Value::LastPosition => Err(Box::new(WrongType::new::<Moment>(ty.clone()))),
        }
    }

    fn accepts(_: &Type) -> bool {
        true // the value in it is asked
    }

    fn to_sql_checked(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        self.to_sql(ty, out)
    }
}

/// A column of the product's own tables, as what it was declared to be.
pub(crate) fn value(row: &Row, index: usize, kind: ColumnKind) -> Result<Value, ReadError> {
    let value = match kind {
        ColumnKind::Uuid => get::<Uuid>(row, index)?.map(Value::Uuid),
        ColumnKind::SmallInt => get(row, index)?.map(Value::SmallInt),
        ColumnKind::BigInt => get(row, index)?.map(Value::BigInt),
        ColumnKind::Text => get(row, index)?.map(Value::Text),
        ColumnKind::Bytes => get(row, index)?.map(Value::Bytes),
        ColumnKind::Time => match get::<Moment>(row, index)? {
            Some(moment) => Some(Value::Time(moment.timestamp()?)),
            None => None,
        },
    };
    Ok(value.unwrap_or(Value::Null))
}

/// A column that may be null.
fn get<'a, T: FromSql<'a>>(row: &'a Row, index: usize) -> Result<Option<T>, ReadError> {
    row.try_get(index).map_err(|e| ReadError::Malformed(Said::from(e).into()))
}

/// A stored count or position: never negative.
pub(crate) fn unsigned(n: i64) -> Result<u64, ReadError> {
    u64::try_from(n).map_err(|_| ReadError::Corrupt(format!("{n} is negative")))
}

/// A count or position on its way into a column. Nobody lives to append 2^63 events.
pub(crate) fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
