//! Users with few and with many events: what the next command on each costs, by a process that knows them and by one that
//! has just been started.

use std::sync::Arc;
use std::time::Instant;

use eventstore::AggregateId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::pair::median;
use super::rebuild::{newcomer, rename, writes};
use super::stand::Stand;

/// A user by her id, and how many events she has.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Stream {
    pub(crate) id: Uuid,
    pub(crate) events: usize,
    /// Medians of what a command took, round by round, in microseconds.
    pub(crate) micros: Vec<f64>,
}

/// Commands on each user in a round, by turns.
const COMMANDS: usize = 40;

pub(super) async fn measure(stand: &Stand, most: usize, rounds: usize) -> anyhow::Result<Vec<Stream>> {
    let directory = Arc::new(stand.directory().await?);
    let mut streams = Vec::new();
    for events in [10, most / 100, most] {
        let id = newcomer(&directory).await?;
        writes(Arc::clone(&directory), id, events - 1).await?;
        streams.push(Stream { id: id.0, events, micros: Vec::new() });
    }
    for round in 0..rounds {
        let mut times = vec![Vec::new(); streams.len()];
        for command in 0..COMMANDS {
            for (stream, times) in streams.iter().zip(&mut times) {
                let began = Instant::now();
                rename(&directory, AggregateId(stream.id), round * COMMANDS + command).await?;
                times.push(began.elapsed().as_secs_f64() * 1e6);
            }
        }
        for (stream, times) in streams.iter_mut().zip(times) {
            stream.micros.push(median(times));
        }
    }
    Ok(streams)
}

/// The first command of a process, on this user: microseconds.
pub(super) async fn first(stand: &Stand, id: AggregateId) -> anyhow::Result<f64> {
    let directory = stand.directory().await?;
    let began = Instant::now();
    rename(&directory, id, fastrand::usize(..1 << 40)).await?;
    Ok(began.elapsed().as_secs_f64() * 1e6)
}
