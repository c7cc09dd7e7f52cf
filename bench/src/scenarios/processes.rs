//! Two processes on one database against one, at the same number of callers in all.

use crate::contender::Contender::PostgresProcesses;
use crate::contender::Subject;
use crate::scenario::{Bar, Of, Scenario, under};

pub(super) fn scenario() -> Scenario {
    let (one, two) = (PostgresProcesses(1), PostgresProcesses(2));
    let at_64 = |contender| Subject { contender, callers: 64 };
    Scenario {
        name: "two processes on PostgreSQL",
        yardsticks: vec![one],
        subjects: under(&[64], &[one, two]),
        bars: vec![
            Bar {
                id: "append-processes-64".to_owned(),
                what: "two processes, of the rate of one, 64 callers in all".to_owned(),
                of: Of::Rates(at_64(two), at_64(one)),
                at_least: 0.75,
            },
            Bar {
                id: "append-processes-even-64".to_owned(),
                what: "two processes: the smaller share, of the larger".to_owned(),
                of: Of::Evenness(at_64(two)),
                at_least: 0.9,
            },
        ],
    }
}
