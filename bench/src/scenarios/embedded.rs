//! The append on SQLite: the ladder, one transaction per command, and what waiting for the disk costs.

use crate::contender::Contender::{Sqlite, SqliteOff, SqliteSingle};
use crate::contender::Subject;
use crate::scenario::{Bar, Of, Scenario, under};
use crate::workload::Rung;

pub(super) fn scenario(quick: bool) -> Scenario {
    let yardsticks = vec![SqliteSingle(Rung::Log), SqliteSingle(Rung::Row), SqliteOff];
    let everything: Vec<_> = yardsticks.iter().copied().chain(Rung::ALL.map(Sqlite)).collect();
    let decisive = [SqliteSingle(Rung::Row), SqliteOff, Sqlite(Rung::Row)];
    let subjects = if quick { under(&[64], &decisive) } else { under(&[1, 64, 256], &everything) };
    let at_64 = |contender| Subject { contender, callers: 64 };
    Scenario {
        name: "append on SQLite",
        yardsticks,
        subjects,
        bars: vec![
            Bar {
                id: "append-sqlite-single-64".to_owned(),
                what: "everything: times one transaction per command, 64 callers".to_owned(),
                of: Of::Rates(at_64(Sqlite(Rung::Row)), at_64(SqliteSingle(Rung::Row))),
                at_least: 5.0,
            },
            Bar {
                id: "append-sqlite-off-64".to_owned(),
                what: "everything, of the rate with synchronous=OFF, 64 callers".to_owned(),
                of: Of::Rates(at_64(Sqlite(Rung::Row)), at_64(SqliteOff)),
                at_least: 0.6,
            },
        ],
    }
}
