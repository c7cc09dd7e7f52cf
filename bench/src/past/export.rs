//! Everything taken away, page by page: how fast, and in how much memory.

use anyhow::Context;
use eventstore::Position;
use tokio_util::sync::CancellationToken;
use user_service::queries::{EventQuestion, Exports};

use super::rebuild::{Built, Meter};
use super::stand::Stand;

/// The first so many events of the log.
pub(super) async fn measure(stand: &Stand, events: u64) -> anyhow::Result<Built> {
    let exports = Exports::new(stand.directory().await?, CancellationToken::new());
    let mut export = exports.begin(EventQuestion::default(), Position::START).await?;
    let (begun, mut taken) = (Meter::begin()?, 0);
    while taken < events {
        let part = export.next().await?.context("the log is shorter")?;
        taken += part.events.len() as u64;
    }
    begun.end(format!("export of {events}"), taken, [0.0; 3])
}
