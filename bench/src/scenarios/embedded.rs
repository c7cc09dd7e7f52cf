//! W5: the append on SQLite with everything on, against the disk, one transaction per command, and not waiting for the
//! disk; and, in a full run, ingredient by ingredient.

use super::rates;
use crate::contender::Contender::{Fdatasync, Sqlite, SqliteOff, SqliteSingle};
use crate::scenario::{Scenario, under};
use crate::workload::Rung;

pub(super) const NAME: &str = "append on SQLite";

pub(super) fn scenario() -> Scenario {
    let (ours, single) = (Sqlite(Rung::Row), SqliteSingle(Rung::Row));
    let alone = rates(
        "W5-1-fdatasync",
        "everything, of the rate of syncing a page, 1 caller",
        (ours.at(1), Fdatasync.at(1)),
        0.75,
    );
    let many = |callers: usize, times: f64| {
        [
            rates(
                &format!("W5-{callers}-single"),
                format!("everything, times one transaction per command, {callers} callers"),
                (ours.at(callers), single.at(callers)),
                times,
            ),
            rates(
                &format!("W5-{callers}-off"),
                format!("everything, of the rate with synchronous=OFF, {callers} callers"),
                (ours.at(callers), SqliteOff.at(callers)),
                0.6,
            ),
        ]
    };
    Scenario {
        name: NAME,
        yardsticks: vec![single, SqliteOff],
        bars: [alone].into_iter().chain(many(64, 6.0)).chain(many(256, 8.0)).collect(),
        beside: under(&[1, 64, 256], &Rung::ALL.map(Sqlite)),
    }
}
