//! Which of the declared tables an append writes, and whether the database can hold what it brings.

use eventstore::append_task::Releases;
use eventstore::{Append, AppendError, RowChange, Value};

/// Refuses what would fail the append's whole batch: a table that was not declared, and text that PostgreSQL cannot
/// hold. (JSON has an escape for the zero character; anything else has no use for it.)
pub(crate) fn check(append: &Append, releases: &Releases) -> Result<(), AppendError> {
    for write in &append.rows {
        if !releases.declares(write.table) {
            return Err(AppendError::Malformed(format!("{} was not declared", write.table.name)));
        }
    }
    if texts(append).any(|text| text.contains('\0')) {
        return Err(AppendError::Malformed("a text holds a zero character".to_owned()));
    }
    Ok(())
}

fn texts(append: &Append) -> impl Iterator<Item = &str> {
    let data = append.events.iter().map(|event| event.data.as_str());
    let rows = append.rows.iter().flat_map(|write| match &write.change {
        RowChange::Insert(row) | RowChange::Update(row) => row.as_slice(),
        RowChange::Delete => &[],
    });
    let columns = rows.filter_map(|value| match value {
        Value::Text(text) => Some(text.as_str()),
        Value::Null
        | Value::Uuid(_)
        | Value::SmallInt(_)
        | Value::BigInt(_)
        | Value::Bytes(_)
        | Value::Time(_)
        | Value::RecordedAt
        | Value::LastPosition => None,
    });
    append.metadata.actor.as_deref().into_iter().chain(data).chain(columns)
}
