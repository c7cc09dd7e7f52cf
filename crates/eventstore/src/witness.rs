//! Who is told of changes of inline rows: what caches them.

use std::fmt::Debug;
use std::sync::{Arc, OnceLock};

use crate::AggregateId;

/// Told of every change of inline rows: before anybody can read it, and again before whoever asked for it is answered. What
/// is changing is to be read from the store. Called by what writes: it may not wait.
pub trait RowWitness: Debug + Send + Sync {
    /// Rows of these streams are about to change.
    fn changing(&self, streams: &mut dyn Iterator<Item = AggregateId>);

    /// They have, or have not after all.
    fn changed(&self, streams: &mut dyn Iterator<Item = AggregateId>);

    /// Any row may be about to change.
    fn any_changing(&self);

    /// It may have; so may whatever was about to.
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
    fn changing(&self, streams: &mut dyn Iterator<Item = AggregateId>) {
        if let Some(witness) = self.0.get() {
            witness.changing(streams);
        }
    }

    fn changed(&self, streams: &mut dyn Iterator<Item = AggregateId>) {
        if let Some(witness) = self.0.get() {
            witness.changed(streams);
        }
    }

    fn any_changing(&self) {
        if let Some(witness) = self.0.get() {
            witness.any_changing();
        }
    }

    fn any_changed(&self) {
        if let Some(witness) = self.0.get() {
            witness.any_changed();
        }
    }
}
