//! What whoever runs the service reaches, on a port of its own: is the process alive, and should it
//! get traffic. No user data passes here.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use tokio_util::sync::CancellationToken;

use crate::metrics;

/// Whether the service should get traffic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    Ready,
    /// It should, and whoever runs it should know something: one sentence each.
    ReadyBut(Vec<String>),
    /// Why not: one sentence each, for a person. They are answered to anybody who can reach the port.
    NotReady(Vec<String>),
}

/// Asked each time somebody wants to know; it should answer within a second or two.
pub trait ReadinessCheck: Send + Sync + 'static {
    fn readiness(&self) -> impl Future<Output = Readiness> + Send;

    /// All metrics, in the text format of OpenMetrics. None unless somebody measures.
    fn metrics(&self) -> impl Future<Output = String> + Send {
        std::future::ready("# EOF\n".to_owned())
    }
}

/// `GET /healthz` answers 200 as long as the process can answer at all. `GET /readyz` answers 200, perhaps
/// with one warning a line, or 503 with one reason a line. `GET /metrics` answers also while the service drains.
pub(super) fn router<R: ReadinessCheck>(check: R, stop: CancellationToken) -> Router {
    Router::new()
        .route("/healthz", get(async || "alive\n"))
        .route("/readyz", get(readyz::<R>))
        .route("/metrics", get(metrics::<R>))
        .with_state(Arc::new(Operations { check, stop }))
}

struct Operations<R> {
    check: R,
    stop: CancellationToken,
}

async fn metrics<R: ReadinessCheck>(State(operations): State<Arc<Operations<R>>>) -> impl IntoResponse {
    ([(CONTENT_TYPE, metrics::CONTENT_TYPE)], operations.check.metrics().await)
}

async fn readyz<R: ReadinessCheck>(State(operations): State<Arc<Operations<R>>>) -> (StatusCode, String) {
    if operations.stop.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "The service is shutting down.\n".to_owned());
    }
    match operations.check.readiness().await {
        Readiness::Ready => (StatusCode::OK, "ready\n".to_owned()),
        Readiness::ReadyBut(warnings) => (StatusCode::OK, format!("ready\n{}\n", warnings.join("\n"))),
        Readiness::NotReady(reasons) => (StatusCode::SERVICE_UNAVAILABLE, reasons.join("\n") + "\n"),
    }
}
