//! The control: the second instance remembers for a while what it has read, as a cache in front of a store does.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use eventstore::{EventStore, ReadError, Row, Select, Value};

use crate::sabotage::Sabotage;

/// Short, as those who add such a cache would say.
const KEPT: Duration = Duration::from_millis(500);

/// Room for what is read meanwhile.
const ROOM: usize = 10_000;

/// Answers a question that it has been asked before.
#[derive(Debug, Default)]
pub(super) struct CachedInstance(Mutex<HashMap<String, (Instant, Vec<Row>)>>);

impl CachedInstance {
    fn remembered(&self, question: &str) -> Option<Vec<Row>> {
        let answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        answers.get(question).filter(|(read, _)| read.elapsed() < KEPT).map(|(_, rows)| rows.clone())
    }

    fn remember(&self, question: String, rows: &[Row]) {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.len() >= ROOM {
            answers.clear();
        }
        answers.insert(question, (Instant::now(), rows.to_vec()));
    }
}

#[async_trait]
impl Sabotage for CachedInstance {
    async fn select(
        &self,
        store: &dyn EventStore,
        query: &'static Select,
        parameters: &[Value],
    ) -> Result<Vec<Row>, ReadError> {
        let question = format!("{} {parameters:?}", query.sql);
        if let Some(rows) = self.remembered(&question) {
            return Ok(rows);
        }
        let rows = store.select(query, parameters).await?;
        self.remember(question, &rows);
        Ok(rows)
    }
}
