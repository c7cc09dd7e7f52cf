//! W3: everything on, against the predecessor's design doing the same work with fewer guarantees.

use super::rates;
use crate::contender::Contender::{Postgres, PostgresSeed};
use crate::scenario::{Scenario, under};
use crate::workload::Rung;

pub(super) const NAME: &str = "the predecessor's design";

pub(super) fn scenario() -> Scenario {
    let ours = Postgres(Rung::Row);
    let at_64 = rates(
        "W3-64-seed",
        "everything, times the predecessor's design doing the same work, 64 callers",
        (ours.at(64), PostgresSeed.at(64)),
        5.0,
    );
    Scenario {
        name: NAME,
        yardsticks: vec![PostgresSeed],
        bars: vec![at_64],
        beside: under(&[1, 16, 256], &[PostgresSeed, ours]),
    }
}
