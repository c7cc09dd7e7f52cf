//! What is parked of a projection, for an operator.

use eventstore::{AggregateId, Position, ProjectionError, Slot};
use serde_json::Value;
use uuid::Uuid;

use super::shown::parked;
use crate::directory::Directory;

const PAGE: u32 = 1000;

/// What is parked of a projection, in whatever generation, of one user or of all.
pub(crate) async fn parked_of(
    directory: &Directory,
    name: &str,
    user: Option<Uuid>,
) -> Result<Vec<Value>, ProjectionError> {
    let (store, mut found) = (directory.store().projections(), Vec::new());
    for slot in Slot::ALL {
        let mut after = Position::START;
        loop {
            let page = store.parked(name, slot, user.map(AggregateId), after, PAGE).await?;
            found.extend(page.iter().map(parked));
            match page.last() {
                Some(last) if page.len() == PAGE as usize => after = last.event.position,
                Some(_) | None => break,
            }
        }
    }
    Ok(found)
}
