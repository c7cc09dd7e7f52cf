//! W2: the log alone on PostgreSQL, against single INSERTs and against what one connection can take in.

use super::rates;
use crate::contender::Contender::{Postgres, PostgresCopy, PostgresRaw};
use crate::scenario::Scenario;
use crate::workload::Rung;

pub(super) const NAME: &str = "the log alone on PostgreSQL";

pub(super) fn scenario() -> Scenario {
    let ours = Postgres(Rung::Log);
    let raw = |callers, at_least| {
        let what = format!("the log alone, times one INSERT per command, {callers} callers");
        rates(&format!("W2-{callers}-raw"), what, (ours.at(callers), PostgresRaw.at(callers)), at_least)
    };
    let copy = rates(
        "W2-1024-copy",
        "the log alone, of COPY in batches of 1,000 on one connection, 1024 callers",
        (ours.at(1024), PostgresCopy.at(1024)),
        0.6,
    );
    Scenario {
        name: NAME,
        yardsticks: vec![PostgresRaw, PostgresCopy],
        bars: vec![raw(64, 3.5), raw(256, 6.0), copy],
        beside: Vec::new(),
    }
}
