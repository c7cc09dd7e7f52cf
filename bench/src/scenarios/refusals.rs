//! W8: half of all commands are to be refused, half of these for an old version, half for a username that is taken. What
//! counts is how many are answered.

use crate::bar::{Bar, Limit, Of};
use crate::contender::Contender::{self, Postgres, PostgresRefused, Sqlite, SqliteRefused};
use crate::scenario::Scenario;
use crate::workload::Rung;

pub(super) const NAME: &str = "half of the commands refused";

pub(super) fn scenario() -> Scenario {
    let bar = |store: &str, refused: Contender, none: Contender, at_least| Bar {
        id: format!("W8-{store}"),
        what: format!("{store}: answers with half refused, of those with none refused, 64 callers"),
        of: Of::Answers(refused.at(64), none.at(64)),
        limit: Limit::AtLeast(at_least),
    };
    Scenario {
        name: NAME,
        yardsticks: vec![Sqlite(Rung::Row), Postgres(Rung::Row)],
        bars: vec![
            bar("sqlite", SqliteRefused(50), Sqlite(Rung::Row), 1.0),
            bar("postgres", PostgresRefused(50), Postgres(Rung::Row), 0.6),
        ],
        beside: Vec::new(),
    }
}
