//! Events that cannot be projected, each in its own way, until somebody has mended it; and the control, with which they
//! are passed over.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use cqrs::Fault;
use cqrs::projection::{Decode, Projections, Projector, Undecodable};
use eventstore::{
    AggregateId, EventStore, ProjectionBatch, ProjectionError, ProjectionLayout, ProjectionRow,
    ProjectionStore, RecordedEvent, Row, Version,
};
use user_service::projections::{DecodedUserEvent, UserDecoder, projectors};

use super::Control;
use crate::projecting::settings;
use crate::tampered::Tamper;

/// What is wrong with an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Poison {
    UnknownType,
    NewerVersion,
    DoesNotOpen,
    Panics,
}

impl Poison {
    pub(crate) const ALL: [Self; 4] =
        [Self::UnknownType, Self::NewerVersion, Self::DoesNotOpen, Self::Panics];
}

/// Which events are sick: one of each of these streams.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sick(Arc<Mutex<HashMap<(AggregateId, Version), Poison>>>);

impl Sick {
    pub(crate) fn poison(&self, stream: AggregateId, version: Version, poison: Poison) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert((stream, version), poison);
    }

    /// The product's projections, which meet what is sick.
    pub(crate) fn projections(
        &self,
        store: Arc<dyn EventStore>,
        decoder: UserDecoder,
    ) -> Projections<DecodedUserEvent> {
        let decode = Arc::new(SickDecoder { decoder, sick: self.clone() });
        let fragile = projectors().into_iter().map(|projector| -> Arc<dyn Projector<DecodedUserEvent>> {
            Arc::new(SickProjector { projector, sick: self.clone() })
        });
        Projections::new(store, decode, fragile.collect(), settings())
    }

    pub(super) fn mend(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn of(&self, event: &RecordedEvent) -> Option<Poison> {
        let sick = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sick.get(&(event.aggregate_id, event.version)).copied()
    }
}

/// The product's decoder, on events that may be sick.
#[derive(Debug)]
struct SickDecoder {
    decoder: UserDecoder,
    sick: Sick,
}

#[async_trait]
impl Decode<DecodedUserEvent> for SickDecoder {
    async fn decode(
        &self,
        events: &[RecordedEvent],
    ) -> Result<Vec<Result<DecodedUserEvent, Undecodable>>, Fault> {
        let mut events = events.to_vec();
        for event in &mut events {
            match self.sick.of(event) {
                Some(Poison::UnknownType) => "user.cloned".clone_into(&mut event.event_type),
                Some(Poison::NewerVersion) => event.schema_version += 7,
                Some(Poison::DoesNotOpen) => {
                    if let Some(last) = event.sealed.as_mut().and_then(|sealed| sealed.last_mut()) {
                        *last ^= 1;
                    }
                }
                Some(Poison::Panics) | None => {}
            }
        }
        self.decoder.decode(&events).await
    }
}

/// One of the product's projectors, that panics on what is sick in that way.
#[derive(Debug)]
struct SickProjector {
    projector: Arc<dyn Projector<DecodedUserEvent>>,
    sick: Sick,
}

impl Projector<DecodedUserEvent> for SickProjector {
    fn layout(&self) -> &'static ProjectionLayout {
        self.projector.layout()
    }

    fn aggregate_type(&self) -> &'static str {
        self.projector.aggregate_type()
    }

    fn project(&self, state: Option<&Row>, event: &DecodedUserEvent) -> Vec<ProjectionRow> {
        if self.sick.of(&event.raw) == Some(Poison::Panics) {
            // A panic that nobody is told of: it is meant.
            std::panic::resume_unwind(Box::new("sick"));
        }
        self.projector.project(state, event)
    }
}

/// Under the control it forgets what could not be projected.
#[derive(Debug)]
pub(super) struct Forgetful(pub(super) Option<Control>);

#[async_trait]
impl Tamper for Forgetful {
    async fn apply(
        &self,
        store: &dyn ProjectionStore,
        batch: ProjectionBatch,
    ) -> Result<Duration, ProjectionError> {
        match self.0 {
            Some(Control::SkipOnError) => store.apply(ProjectionBatch { park: Vec::new(), ..batch }).await,
            None => store.apply(batch).await,
        }
    }
}
