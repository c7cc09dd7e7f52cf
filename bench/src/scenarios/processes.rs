//! W4: two processes on one database against one, at the same number of callers in all.

use super::rates;
use crate::bar::{Bar, Limit, Of};
use crate::contender::Contender::PostgresProcesses;
use crate::scenario::Scenario;

pub(super) const NAME: &str = "two processes on PostgreSQL";

pub(super) fn scenario() -> Scenario {
    let (one, two) = (PostgresProcesses(1), PostgresProcesses(2).at(64));
    let together = "two processes, of the rate of one, 64 callers in all";
    let even = Bar {
        id: "W4-64-even".to_owned(),
        what: "two processes: the smaller share, of the larger".to_owned(),
        of: Of::Evenness(two),
        limit: Limit::AtLeast(0.9),
    };
    Scenario {
        name: NAME,
        yardsticks: vec![one],
        bars: vec![rates("W4-64", together, (two, one.at(64)), 0.8), even],
        beside: Vec::new(),
    }
}
