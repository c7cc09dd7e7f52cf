//! TLS for callers and for the command line: certificates from files, and taken anew from there while the service runs.
//! How a connection is encrypted is rustls' affair, when it is the host's.

mod files;
mod server;
mod client;
mod figures;
mod subject;
#[cfg(test)]
#[path = "../../../eventstore-postgres/tests/authority/mod.rs"]
pub(crate) mod authority;

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};

pub(crate) use client::{client, connect};
pub use figures::Certificates;
pub use files::{ClientFiles, ServerFiles, TlsError};
pub use server::ServerTls;
pub(crate) use subject::subject;

/// Whose algorithms we use. Said each time: what else is in the binary may have brought another one.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}
