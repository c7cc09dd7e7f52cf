//! The control: whatever nobody can tell is called not executed. That is what most services do with a lost answer.

use async_trait::async_trait;
use eventstore::{Append, AppendError, Appended, Deadline, EventStore};

use crate::sabotage::Sabotage;

/// Says that nothing was done where it does not know.
#[derive(Debug)]
pub(crate) struct CallUnknownsFailures;

#[async_trait]
impl Sabotage for CallUnknownsFailures {
    async fn append(
        &self,
        store: &dyn EventStore,
        append: Append,
        deadline: Deadline,
    ) -> Result<Appended, AppendError> {
        store.append(append, deadline).await.map_err(|error| match error {
            AppendError::OutcomeUnknown => AppendError::StoreDown,
            other => other,
        })
    }
}
