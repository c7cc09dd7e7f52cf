//! Who decides whether a request gets further: after it has a place, and before any of it is read. Who may do what is no
//! business of the host's.

use async_trait::async_trait;
use axum::extract::Request;
use axum::response::Response;

/// Stands before the calls.
#[async_trait]
pub trait Gatekeeper: Send + Sync + 'static {
    /// The answer to a request that gets no further. Whoever lets it pass may leave word in it for those further in.
    async fn refusal(&self, request: &mut Request) -> Option<Response>;
}
