//! Who is told of changes of inline rows: what caches them.

use std::fmt::Debug;
use std::sync::{Arc, OnceLock};

use crate::AggregateId;

/// Told of every change of inline rows, before whoever asked for it is answered. Called by what writes: it may not wait.
pub trait RowWitness: Debug + Send + Sync {
    /// Rows of this stream have changed.
    fn changed(&self, stream: AggregateId);

    /// Any row may have.
    fn any_changed(&self);
}

/// The place of a witness, which is empty until somebody takes it. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Witnessed(Arc<OnceLock<Arc<dyn RowWitness>>>);

impl Witnessed {
    /// Gives the place to the first who asks; whether she has got it.
    #[must_use]
    pub fn by(&self, witness: Arc<dyn RowWitness>) -> bool {
        self.0.set(witness).is_ok()
    }
}

impl RowWitness for Witnessed {
    fn changed(&self, stream: AggregateId) {
        if let Some(witness) = self.0.get() {
            witness.changed(stream);
        }
    }

    fn any_changed(&self) {
        if let Some(witness) = self.0.get() {
            witness.any_changed();
        }
    }
}
