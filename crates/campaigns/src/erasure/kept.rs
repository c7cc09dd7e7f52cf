//! The control: the append that erases somebody leaves her rows in the projections to the projections.

use async_trait::async_trait;
use eventstore::{Append, AppendError, Appended, Deadline, Derived, EventStore};

use crate::sabotage::Sabotage;

/// Hands every append on as one that erases nobody's rows.
#[derive(Debug)]
pub(super) struct RowsLeftToTheProjection;

#[async_trait]
impl Sabotage for RowsLeftToTheProjection {
    async fn append(
        &self,
        store: &dyn EventStore,
        append: Append,
        deadline: Deadline,
    ) -> Result<Appended, AppendError> {
        store.append(Append { derived: Derived::Kept, ..append }, deadline).await
    }
}
