//! The control: an append is answered when it is queued. As long as nobody is killed, nothing shows: reads wait for what
//! is queued, and positions are foretold rightly.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use eventstore::{
    AggregateId, Append, AppendError, Appended, Deadline, EventStore, Position, ReadError, Rejection, Row,
    Select, Value, Version,
};
use jiff::Timestamp;
use tokio::sync::{mpsc, watch};

use crate::sabotage::Sabotage;

/// Answers before it has done anything.
#[derive(Debug)]
pub(crate) struct AcknowledgeBeforeCommit {
    queue: Mutex<Queue>,
    /// How many appends have been done.
    done: watch::Receiver<u64>,
}

#[derive(Debug)]
struct Queue {
    sender: mpsc::UnboundedSender<(Append, Deadline)>,
    /// How many appends have been answered.
    answered: u64,
    /// Where the log will stand when all of them are done.
    position: u64,
    /// Where each stream will stand.
    versions: HashMap<AggregateId, Version>,
}

impl AcknowledgeBeforeCommit {
    pub(crate) async fn over(store: Arc<dyn EventStore>) -> Result<Self, ReadError> {
        let position = store.head().await?.position.0;
        let (sender, mut receiver) = mpsc::unbounded_channel::<(Append, Deadline)>();
        let (progress, done) = watch::channel(0);
        tokio::spawn(async move {
            while let Some((append, deadline)) = receiver.recv().await {
                // Whatever comes of it: its caller has long been told that all is well.
                drop(store.append(append, deadline).await);
                progress.send_modify(|done| *done += 1);
            }
        });
        let queue = Mutex::new(Queue { sender, answered: 0, position, versions: HashMap::new() });
        Ok(Self { queue, done })
    }
}

impl Queue {
    fn answer(&mut self, append: Append, deadline: Deadline) -> Result<Appended, AppendError> {
        if let Some(actual) = self.versions.get(&append.aggregate_id).filter(|at| **at != append.expected) {
            return Err(Rejection::Conflict { actual: *actual }.into());
        }
        let version = append.version_after();
        self.versions.insert(append.aggregate_id, version);
        self.position += append.events.len() as u64;
        self.answered += 1;
        self.sender.send((append, deadline)).map_err(|_| AppendError::StoreDown)?;
        Ok(Appended { position: Position(self.position), version, recorded_at: Timestamp::UNIX_EPOCH })
    }
}

#[async_trait]
impl Sabotage for AcknowledgeBeforeCommit {
    async fn append(
        &self,
        _store: &dyn EventStore,
        append: Append,
        deadline: Deadline,
    ) -> Result<Appended, AppendError> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).answer(append, deadline)
    }

    async fn select(
        &self,
        store: &dyn EventStore,
        query: &'static Select,
        parameters: &[Value],
    ) -> Result<Vec<Row>, ReadError> {
        let answered = self.queue.lock().unwrap_or_else(PoisonError::into_inner).answered;
        let mut done = self.done.clone();
        // It ends only with the queue, and then there is nothing to wait for.
        drop(done.wait_for(|done| *done >= answered).await);
        store.select(query, parameters).await
    }
}
