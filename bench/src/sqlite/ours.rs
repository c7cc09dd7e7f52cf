//! Our store on SQLite, driven through its port.

use std::path::Path;

use eventstore::EventStore;
use eventstore_sqlite::{Store, Synchronous};

use super::file::File;
use crate::audit;
use crate::cost::Gauge;
use crate::load::{Measured, Shape, drive};
use crate::postgres::Ours;
use crate::process;
use crate::workload::{Mix, Rung, callers};

pub(crate) async fn measure_ours(
    folder: &Path,
    (rung, synchronous): (Rung, Synchronous),
    mix: Mix,
    shape: Shape,
) -> anyhow::Result<Measured> {
    let file = File::fresh(folder, rung, synchronous).await?;
    let store = Store::open(file.options()).await?;
    let (callers, gauge) = (callers(0, shape.callers, rung, mix), Gauge::of(process::own()));
    let (ours, measured) = drive(Ours(store), callers, shape, gauge).await?;
    ours.0.close().await;
    let batch = Some(file.audit(measured.accepted, &audit::ORDER, &audit::contents(rung))?);
    Ok(Measured { batch, ..measured })
}
