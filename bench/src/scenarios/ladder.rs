//! W1: the append on PostgreSQL with everything on, against rows written plainly; and, in a full run, ingredient by
//! ingredient.

use super::rates;
use crate::bar::{Bar, Limit, Of};
use crate::contender::Contender::{self, Postgres, PostgresRaw, PostgresRawAll, PostgresRefused};
use crate::scenario::{Scenario, under};
use crate::workload::Rung;

pub(super) const NAME: &str = "append on PostgreSQL";

const OURS: Contender = Postgres(Rung::Row);

/// For so many callers: times raw, times raw-all.
const BARS: [(usize, f64, f64); 4] = [(1, 0.5, 0.95), (16, 0.95, 1.7), (64, 1.6, 3.0), (256, 2.9, 8.0)];

pub(super) fn scenario() -> Scenario {
    let against = |(callers, raw, raw_all)| {
        let than = |other: Contender| (OURS.at(callers), other.at(callers));
        [
            rates(
                &format!("W1-{callers}-raw"),
                format!("everything, times one INSERT of the event per command, {callers} callers"),
                than(PostgresRaw),
                raw,
            ),
            rates(
                &format!("W1-{callers}-raw-all"),
                format!("everything, times the same rows in one commit per command, {callers} callers"),
                than(PostgresRawAll),
                raw_all,
            ),
        ]
    };
    let slowest = [16, 64, 256].map(|callers| Bar {
        id: format!("W1-{callers}-p99"),
        what: format!("everything: p99, of that of one INSERT per command, {callers} callers"),
        of: Of::P99(OURS.at(callers), PostgresRaw.at(callers)),
        limit: Limit::AtMost(1.0),
    });
    let refused = rates(
        "W1-64-conflicts",
        "everything: accepted with 5 % conflicts, of the rate without, 64 callers",
        (PostgresRefused(5).at(64), OURS.at(64)),
        0.95,
    );
    Scenario {
        name: NAME,
        yardsticks: vec![PostgresRaw, PostgresRawAll],
        bars: BARS.into_iter().flat_map(against).chain(slowest).chain([refused]).collect(),
        beside: under(&[1, 16, 64, 256], &Rung::ALL.map(Postgres)),
    }
}
