//! W3: load and append with everything on, against event stores that people would pick instead, all over TCP.

use super::rates;
use crate::contender::Contender::{PostgresLoaded, PostgresPeer};
use crate::postgres::Peer::{self, CqrsEs, Esrs, MessageDb};
use crate::scenario::Scenario;
use crate::stage::{Findings, Stage};

pub(super) const NAME: &str = "other event stores";

/// Against whom, with how many callers, how many times as fast.
const BARS: [(Peer, usize, f64); 5] =
    [(CqrsEs, 64, 4.0), (Esrs, 64, 4.0), (MessageDb, 64, 8.0), (CqrsEs, 16, 2.0), (Esrs, 16, 2.0)];

pub(super) fn run(stage: &Stage) -> anyhow::Result<Findings> {
    let found = stage.play(scenario())?;
    for peer in Peer::ALL {
        if let Some(why) = peer.missing() {
            println!("{} is left out: {why}", peer.name());
        }
    }
    Ok(found)
}

fn scenario() -> Scenario {
    let measured = BARS.into_iter().filter(|(peer, ..)| peer.missing().is_none());
    let bars = measured.map(|(peer, callers, at_least)| {
        let what = format!("load and append over TCP, times {}, {callers} callers", peer.name());
        let of = (PostgresLoaded.at(callers), PostgresPeer(peer).at(callers));
        rates(&format!("W3-{callers}-{}", peer.name()), what, of, at_least)
    });
    Scenario { name: NAME, yardsticks: vec![PostgresLoaded], bars: bars.collect(), beside: Vec::new() }
}
