//! One command in twenty is to be refused: half of them know an old version, half want a username that is taken.

use crate::contender::Contender::{Postgres, PostgresConflicts};
use crate::contender::Subject;
use crate::scenario::{Bar, Of, Scenario, under};
use crate::workload::Rung;

pub(super) fn scenario() -> Scenario {
    let with = Subject { contender: PostgresConflicts, callers: 64 };
    let without = Subject { contender: Postgres(Rung::Row), callers: 64 };
    Scenario {
        name: "conflicts on PostgreSQL",
        yardsticks: vec![Postgres(Rung::Row)],
        subjects: under(&[64], &[Postgres(Rung::Row), PostgresConflicts]),
        bars: vec![Bar {
            id: "append-conflicts-64".to_owned(),
            what: "accepted with 5 % conflicts, of the rate without".to_owned(),
            of: Of::Rates(with, without),
            at_least: 0.9,
        }],
    }
}
