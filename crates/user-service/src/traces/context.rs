//! How one trace holds together: across processes by `traceparent`, and across the log by the correlation id of events.

use eventstore::{Clock, RecordedEvent};
use http::HeaderMap;
use jiff::SignedDuration;
use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use uuid::Uuid;

use super::CallersTrace;

/// Older events are projected again, by a rebuild: that is not part of what led to them.
const PROJECTED_WITHIN: SignedDuration = SignedDuration::from_mins(5);

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}

/// The span of a call becomes a child of its caller's, if she said which and is believed. The trace stands beside every
/// event of the call as its correlation: nobody else may choose that.
pub(crate) fn adopt(span: &Span, headers: &HeaderMap, callers: CallersTrace) {
    let parent = TraceContextPropagator::new().extract(&Headers(headers));
    let said = parent.span().span_context().clone();
    if !said.is_valid() {
        return;
    }
    match callers {
        CallersTrace::Continued => be_child_of(span, parent),
        CallersTrace::Linked => span.add_link(said),
    }
}

/// The span of a projection becomes part of the trace that its event names. That says nothing of the span in it: the
/// event stands for it.
pub(crate) fn belong_to(span: &Span, event: &RecordedEvent) {
    let Some(correlation_id) = event.metadata.correlation_id else { return };
    if span.is_disabled() || Clock::system().now().duration_since(event.recorded_at) > PROJECTED_WITHIN {
        return;
    }
    let [half @ .., _, _, _, _, _, _, _, _] = event.event_id.0.into_bytes();
    let parent = SpanContext::new(
        TraceId::from_bytes(correlation_id.into_bytes()),
        SpanId::from_bytes(half),
        TraceFlags::SAMPLED,
        true,
        TraceState::NONE,
    );
    be_child_of(span, Context::new().with_remote_span_context(parent));
}

/// The trace that is going on, as events name it.
pub(crate) fn current() -> Option<Uuid> {
    let context = Span::current().context();
    let trace = context.span().span_context().trace_id();
    (trace != TraceId::INVALID).then(|| Uuid::from_bytes(trace.to_bytes()))
}

fn be_child_of(span: &Span, parent: Context) {
    // Where nothing is exported there is nobody to be told.
    let _ = span.set_parent(parent);
}
