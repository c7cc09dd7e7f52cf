//! What the disk can do for a single writer: one page over another in a file that is long enough, and a sync after each.
//! A growing file would be slower, since its length must be written too.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::ensure;
use hdrhistogram::Histogram;
use tempfile::NamedTempFile;

use crate::cost::Cost;
use crate::load::{Measured, Shape, ratio};
use crate::process;

const PAGE: usize = 4096;

/// Written around, as a log that starts anew.
const PAGES: u64 = 4096;

pub(crate) fn measure_fdatasync(folder: &Path, shape: Shape) -> anyhow::Result<Measured> {
    ensure!(shape.callers == 1, "a disk has one head: {} callers make no sense", shape.callers);
    let mut file = NamedTempFile::new_in(folder)?;
    for page in 0..PAGES {
        write(file.as_file_mut(), page)?;
    }
    file.as_file().sync_all()?;
    let mut synced = 0;
    rounds(file.as_file_mut(), shape.warm_up, &mut synced)?;
    let (warm, seconds, bytes) =
        (synced, process::processor_seconds(process::own())?, process::written_bytes(process::own())?);
    let latency = rounds(file.as_file_mut(), shape.measured, &mut synced)?;
    let answered = synced - warm;
    Ok(Measured {
        rate: ratio(answered, 1) / shape.measured.as_secs_f64(),
        p50_micros: latency.value_at_quantile(0.5),
        p99_micros: latency.value_at_quantile(0.99),
        accepted: synced,
        refused: 0.0,
        batch: None,
        evenness: 1.0,
        cost: Cost {
            service_seconds: process::processor_seconds(process::own())? - seconds,
            database_seconds: 0.0,
            written_bytes: process::written_bytes(process::own())? - bytes,
        },
        answered,
        beside: None,
    })
}

fn rounds(file: &mut File, during: Duration, synced: &mut u64) -> anyhow::Result<Histogram<u64>> {
    let (mut latency, end) = (Histogram::new(3)?, Instant::now() + during);
    loop {
        let began = Instant::now();
        if began >= end {
            return Ok(latency);
        }
        write(file, *synced % PAGES)?;
        file.sync_data()?;
        *synced += 1;
        latency.record(u64::try_from(began.elapsed().as_micros())?)?;
    }
}

fn write(file: &mut File, page: u64) -> anyhow::Result<()> {
    file.seek(SeekFrom::Start(page * PAGE as u64))?;
    Ok(file.write_all(&[page.to_le_bytes()[0]; PAGE])?)
}
