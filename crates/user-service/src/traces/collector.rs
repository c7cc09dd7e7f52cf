//! Where spans go: to the collector that the standard variables name (`OTEL_EXPORTER_OTLP_ENDPOINT`), in batches, over
//! gRPC.

use anyhow::Context;
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::level_filters::LevelFilter;
use tracing::{Subscriber, warn};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::registry::LookupSpan;

/// Whose spans and lines are exported: our own rooms', down to the spans that the log does not show.
const ROOMS: [&str; 5] = ["user_service", "cqrs", "eventstore", "eventstore_sqlite", "eventstore_postgres"];

/// The way to the collector; none if no collector is named.
#[derive(Debug)]
pub struct Traces(Option<SdkTracerProvider>);

impl Traces {
    /// As the environment says. Needs a runtime: the connection is opened when there is something to send.
    pub fn from_environment() -> anyhow::Result<Self> {
        let named = |variable| std::env::var_os(variable).is_some_and(|value| !value.is_empty());
        if !named("OTEL_EXPORTER_OTLP_ENDPOINT") && !named("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") {
            return Ok(Self(None));
        }
        let exporter = SpanExporter::builder().with_tonic().build().context("traces cannot be exported")?;
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let mut resource = Resource::builder().with_attribute(version);
        if !named("OTEL_SERVICE_NAME") {
            resource = resource.with_service_name("user-service");
        }
        let provider = SdkTracerProvider::builder();
        Ok(Self(Some(provider.with_batch_exporter(exporter).with_resource(resource.build()).build())))
    }

    /// What hands spans over.
    #[must_use]
    pub fn layer<S>(&self) -> Option<impl Layer<S> + use<S>>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        let tracer = self.0.as_ref()?.tracer("user-service");
        let rooms = ROOMS.map(|room| (room, LevelFilter::DEBUG));
        Some(
            tracing_opentelemetry::layer()
                .with_tracer(tracer)
                .with_filter(Targets::new().with_targets(rooms)),
        )
    }

    /// Sends what has not been sent.
    pub fn finish(self) {
        if let Some(Err(error)) = self.0.map(|provider| provider.shutdown()) {
            warn!(%error, "the last traces were not exported");
        }
    }
}
