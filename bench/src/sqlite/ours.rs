//! Our store on SQLite, driven through its port.

use std::path::Path;

use eventstore::EventStore;
use eventstore_sqlite::{Store, Synchronous};

use super::file::File;
use crate::audit;
use crate::load::{Measured, Shape, drive};
use crate::postgres::Ours;
use crate::workload::{Rung, callers};

pub(crate) async fn measure_ours(
    folder: &Path,
    rung: Rung,
    synchronous: Synchronous,
    shape: Shape,
) -> anyhow::Result<Measured> {
    let file = File::fresh(folder, rung, synchronous).await?;
    let store = Store::open(file.options()).await?;
    let (ours, measured) = drive(Ours(store), callers(0, shape.callers, rung, 0), shape).await?;
    ours.0.close().await;
    let batch = Some(file.audit(measured.accepted, &audit::ORDER)?);
    Ok(Measured { batch, ..measured })
}
