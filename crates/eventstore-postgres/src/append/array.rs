//! A column of rows on its way to the server: a binary array, or a plain value when there is one row.

use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::row::Moment;

/// The values of one column.
#[derive(Debug)]
pub(super) enum Array<'a> {
    Uuid(Vec<Option<Uuid>>),
    SmallInt(Vec<Option<i16>>),
    BigInt(Vec<Option<i64>>),
    Text(Vec<Option<&'a str>>),
    Bytes(Vec<Option<&'a [u8]>>),
    Time(Vec<Option<Moment>>),
}

/// How rows are handed over. `unnest` of an array with one element costs a tenth of the rate at one caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Form {
    /// One row: a value for each column.
    One,
    /// Any number of rows: an array for each column.
    Many,
}

impl Array<'_> {
    /// The type of its elements.
    pub(super) fn element(&self) -> &'static str {
        match self {
            Self::Uuid(_) => "uuid",
            Self::SmallInt(_) => "int2",
            Self::BigInt(_) => "int8",
            Self::Text(_) => "text",
            Self::Bytes(_) => "bytea",
            Self::Time(_) => "timestamptz",
        }
    }

    /// What is bound.
    pub(super) fn parameter(&self, form: Form) -> &(dyn ToSql + Sync) {
        fn pick<T: ToSql + Sync>(values: &Vec<Option<T>>, form: Form) -> &(dyn ToSql + Sync) {
            match form {
                Form::One => &values[0],
                Form::Many => values,
            }
        }
        match self {
            Self::Uuid(values) => pick(values, form),
            Self::SmallInt(values) => pick(values, form),
            Self::BigInt(values) => pick(values, form),
            Self::Text(values) => pick(values, form),
            Self::Bytes(values) => pick(values, form),
            Self::Time(values) => pick(values, form),
        }
    }
}
