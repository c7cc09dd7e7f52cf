//! The control: whatever a command was decided on, it is written. Whoever was faster is overwritten.

use async_trait::async_trait;
use eventstore::{
    Append, AppendError, Appended, Deadline, EventStore, Rejection, RowChange, RowWrite, Value, Version,
};

use crate::sabotage::Sabotage;

/// Drops the expected version.
#[derive(Debug)]
pub(super) struct NoVersionCheck;

#[async_trait]
impl Sabotage for NoVersionCheck {
    async fn append(
        &self,
        store: &dyn EventStore,
        mut append: Append,
        deadline: Deadline,
    ) -> Result<Appended, AppendError> {
        loop {
            match store.append(append.clone(), deadline).await {
                Err(AppendError::Rejected(Rejection::Conflict { actual })) if actual != append.expected => {
                    append.expected = actual;
                    let version = append.version_after();
                    append.rows.iter_mut().for_each(|write| overwrite(write, version));
                }
                answer => return answer,
            }
        }
    }
}

/// The row says that it is of this version, whatever it was made from.
fn overwrite(write: &mut RowWrite, version: Version) {
    let of_version = |name| Some(name) == write.table.version_column;
    let place = write.table.updated_columns().position(|column| of_version(column.name));
    if let (RowChange::Update(row), Some(place)) = (&mut write.change, place) {
        row[place] = Value::BigInt(version.0.cast_signed());
    }
}
