//! The append on PostgreSQL, ingredient by ingredient: what each costs, and what all of them are worth.

use crate::contender::Contender::{Postgres, PostgresRaw, PostgresRawAll, PostgresSeed};
use crate::contender::{Contender, Subject};
use crate::scenario::{Bar, Of, Scenario, under};
use crate::workload::Rung;

pub(super) fn scenario(quick: bool) -> Scenario {
    let everything: Vec<_> = YARDSTICKS.into_iter().chain(Rung::ALL.map(Postgres)).collect();
    let subjects = if quick {
        let at_64 = [PostgresSeed, Postgres(Rung::Log), Postgres(Rung::Requests)];
        let decisive = [PostgresRaw, PostgresRawAll, Postgres(Rung::Row)];
        [under(&[64], &at_64), under(&[1, 64, 256], &decisive)].concat()
    } else {
        under(&[1, 16, 64, 256], &everything)
    };
    Scenario { name: "append on PostgreSQL", yardsticks: YARDSTICKS.to_vec(), subjects, bars: bars() }
}

const YARDSTICKS: [Contender; 3] = [PostgresRaw, PostgresRawAll, PostgresSeed];

fn bars() -> Vec<Bar> {
    let mut bars: Vec<_> = [
        (Rung::Log, PostgresRaw, 64, 3.0),
        (Rung::Requests, PostgresRaw, 64, 2.0),
        (Rung::Row, PostgresRaw, 64, 1.4),
        (Rung::Row, PostgresRawAll, 64, 2.8),
        (Rung::Row, PostgresRaw, 256, 2.5),
        (Rung::Row, PostgresRawAll, 256, 7.0),
        (Rung::Row, PostgresRaw, 1, 0.45),
        (Rung::Row, PostgresRawAll, 1, 0.9),
        (Rung::Row, PostgresSeed, 64, 5.0),
    ]
    .into_iter()
    .map(|(rung, yardstick, callers, at_least)| bar(rung, yardstick, callers, at_least))
    .collect();
    let (ours, raw) = (at(Postgres(Rung::Row), 64), at(PostgresRaw, 64));
    bars.push(Bar {
        id: "append-p99-raw-64".to_owned(),
        what: "everything: raw's p99 in multiples of ours, 64 callers".to_owned(),
        of: Of::P99(ours, raw),
        at_least: 1.0,
    });
    bars
}

fn bar(rung: Rung, yardstick: Contender, callers: usize, at_least: f64) -> Bar {
    let (name, other) = (rung.name().trim_start_matches('+'), yardstick.name());
    let other = other.trim_start_matches("postgres ").to_owned();
    Bar {
        id: format!("append-{name}-{other}-{callers}"),
        what: format!("{name}: times the rate of {other}, {callers} callers"),
        of: Of::Rates(at(Postgres(rung), callers), at(yardstick, callers)),
        at_least,
    }
}

fn at(contender: Contender, callers: usize) -> Subject {
    Subject { contender, callers }
}
