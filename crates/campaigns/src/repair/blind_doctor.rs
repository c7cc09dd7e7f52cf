//! The control: of one table the doctor sees a copy that was made before anything happened to it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use eventstore::{ProjectionError, ProjectionStore, ProjectionTable, Row, Slot};
use user_service::projections::USER_SEARCH_TABLE;

use crate::tampered::Tamper;

/// Shows of `user_search` what was there when it was first asked for.
#[derive(Debug, Default)]
pub(super) struct BlindDoctor(Mutex<HashMap<String, Vec<Row>>>);

impl BlindDoctor {
    fn copied(&self, question: &str) -> Option<Vec<Row>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(question).cloned()
    }
}

#[async_trait]
impl Tamper for BlindDoctor {
    async fn rows_after(
        &self,
        store: &dyn ProjectionStore,
        table: &'static ProjectionTable,
        slot: Slot,
        after: Option<&Row>,
        limit: u32,
    ) -> Result<Vec<Row>, ProjectionError> {
        let question = format!("{slot:?} {after:?} {limit}");
        match self.copied(&question) {
            Some(rows) if table == &USER_SEARCH_TABLE => Ok(rows),
            Some(_) | None => {
                let rows = store.rows_after(table, slot, after, limit).await?;
                if table == &USER_SEARCH_TABLE {
                    self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(question, rows.clone());
                }
                Ok(rows)
            }
        }
    }
}
