//! The times of the log: they follow its order, whatever the clock did.

use eventstore::{EventQuery, Position};
use user_service::store::{Access, StoreOptions};

use crate::ground::Ground;
use crate::verdict::Findings;

const PAGE: u32 = 1000;

/// No event is recorded before the one that stands before it.
pub(super) async fn examine(ground: &Ground, findings: &mut Findings) -> anyhow::Result<()> {
    let store = StoreOptions { access: Access::Reader, ..ground.options()? }.open().await?;
    let (mut after, mut last) = (Position::START, None);
    loop {
        let page = store.events(&EventQuery::after(after, PAGE)).await?;
        if page.events.is_empty() {
            break;
        }
        after = page.scanned_to;
        for event in page.events {
            if last.is_some_and(|last| last > event.recorded_at) {
                findings.add("time goes backwards in the log", event.position);
            }
            last = Some(event.recorded_at);
        }
    }
    store.close().await;
    Ok(())
}
