//! A projector whose work on an event is a span of the trace that the event belongs to.

use cqrs::projection::Projector;
use eventstore::{ProjectionLayout, ProjectionRow, Row};
use tracing::debug_span;

use crate::projections::DecodedUserEvent;

/// A projector, traced.
#[derive(Debug)]
pub(crate) struct Traced<P>(pub(crate) P);

impl<P: Projector<DecodedUserEvent>> Projector<DecodedUserEvent> for Traced<P> {
    fn layout(&self) -> &'static ProjectionLayout {
        self.0.layout()
    }

    fn aggregate_type(&self) -> &'static str {
        self.0.aggregate_type()
    }

    fn project(&self, state: Option<&Row>, event: &DecodedUserEvent) -> Vec<ProjectionRow> {
        let span = debug_span!("projection.event.project", projection = self.layout().name);
        super::belong_to(&span, &event.raw);
        span.in_scope(|| self.0.project(state, event))
    }
}
