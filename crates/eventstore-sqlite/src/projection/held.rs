//! Appends held back, so that an inline projection can be swapped at the head.
//!
//! Here the writer could do without: one step of it sees the head and swaps. But whoever catches up with the head first
//! needs it to stand still for a moment.

use async_trait::async_trait;
use eventstore::append_task::{AppendQueue, Hold};
use eventstore::{Fence, HeldAppends, ProjectionError, ProjectionLayout, ReadError, Slot};

use super::{Step, generation, take};
use crate::read::failed;
use crate::writer::Writer;

const WRITES: &str = "UPDATE log_meta SET layout = ?1";

/// Lets appends go on when it is dropped.
#[derive(Debug)]
struct Held {
    queue: AppendQueue<Writer>,
    hold: Hold,
}

pub(super) async fn hold(queue: &AppendQueue<Writer>) -> Result<Box<dyn HeldAppends>, ProjectionError> {
    let hold = queue.hold().await.map_err(|error| ReadError::StoreDown(Box::new(error)))?;
    Ok(Box::new(Held { queue: queue.clone(), hold }))
}

#[async_trait]
impl HeldAppends for Held {
    async fn swap(
        self: Box<Self>,
        layout: &'static ProjectionLayout,
        fence: Fence,
        slot: Slot,
        writes: Option<String>,
    ) -> Result<(), ProjectionError> {
        let Self { queue, hold } = *self;
        take(&queue, move |step| swap(step, layout, fence, slot, writes.as_deref())).await?;
        drop(hold);
        generation::sweep(&queue).await;
        Ok(())
    }
}

fn swap(
    step: &Step<'_>,
    layout: &'static ProjectionLayout,
    fence: Fence,
    slot: Slot,
    writes: Option<&str>,
) -> Result<(), ProjectionError> {
    generation::swap(step, layout, fence, slot)?;
    if let Some(writes) = writes {
        step.connection.execute(WRITES, [writes]).map_err(failed)?;
    }
    Ok(())
}
