//! W6, W7, R1 and R2: the service as its callers reach it, against its store alone and against an echo of its messages.

use super::rates;
use crate::bar::{Bar, Limit, Of};
use crate::contender::Contender::{Echo, EchoOfPostgres, Service, Uncached, Updates};
use crate::scenario::Scenario;
use crate::service::{Call, Cores, Engine};

pub(super) const WRITES: &str = "changes through gRPC";
pub(super) const ONE: &str = "one change at a time through gRPC";
pub(super) const READS: &str = "reads through gRPC";
pub(super) const READS_ON_POSTGRES: &str = "reads through gRPC on PostgreSQL";

const CHANGED: fn(Engine) -> crate::contender::Contender =
    |engine| Service(engine, Call::Update, Cores::Shared);

pub(super) fn writes() -> Scenario {
    let bar = |engine: Engine, callers: usize, at_least| {
        rates(
            &format!("W6-{}-{callers}", engine.name()),
            format!("{}: UpdateUser, of the rate of the store alone, {callers} in flight", engine.name()),
            (CHANGED(engine).at(callers), Updates(engine).at(callers)),
            at_least,
        )
    };
    let bars = Engine::ALL.into_iter().flat_map(|engine| [bar(engine, 64, 0.8), bar(engine, 256, 0.85)]);
    Scenario {
        name: WRITES,
        yardsticks: Engine::ALL.map(Updates).to_vec(),
        bars: bars.collect(),
        beside: Vec::new(),
    }
}

pub(super) fn one() -> Scenario {
    let echo = Echo(Call::Update, Cores::Shared).at(1);
    let bar = |engine: Engine| Bar {
        id: format!("W7-{}", engine.name()),
        what: format!(
            "{}: p50 of one UpdateUser at a time, of echo's and the store's together",
            engine.name()
        ),
        of: Of::P50Sum(CHANGED(engine).at(1), [echo, Updates(engine).at(1)]),
        limit: Limit::AtMost(1.25),
    };
    Scenario { name: ONE, yardsticks: Vec::new(), bars: Engine::ALL.map(bar).to_vec(), beside: Vec::new() }
}

/// On the embedded store, with its users in memory and without.
pub(super) fn reads() -> Scenario {
    let (ours, echo) = (Service(Engine::Sqlite, Call::Get, Cores::Apart), Echo(Call::Get, Cores::Apart));
    let bar = |callers: usize| {
        [
            rates(
                &format!("R1-{callers}"),
                format!("sqlite: GetUser, of the rate of an echo, {callers} in flight"),
                (ours.at(callers), echo.at(callers)),
                0.9,
            ),
            Bar {
                id: format!("R1-{callers}-cpu"),
                what: format!("sqlite: processor time of a GetUser, of that of an echo, {callers} in flight"),
                of: Of::ServiceCpu(ours.at(callers), echo.at(callers)),
                limit: Limit::AtMost(1.15),
            },
        ]
    };
    let uncached = rates(
        "R1-64-uncached",
        "sqlite: GetUser without a cache, of the rate of an echo, 64 in flight",
        (Uncached.at(64), echo.at(64)),
        0.6,
    );
    let bars = [64, 128].into_iter().flat_map(bar).chain([uncached]).collect();
    Scenario { name: READS, yardsticks: vec![echo], bars, beside: Vec::new() }
}

/// On PostgreSQL nothing is cached, so both sides ask the database for each user, by the same statement. The other one pays
/// for gRPC, too: what is compared is what the product does around its statement. The database is on the same processors, so
/// nobody is pinned.
pub(super) fn reads_on_postgres() -> Scenario {
    let (ours, echo) = (Service(Engine::Postgres, Call::Get, Cores::Shared), EchoOfPostgres);
    let bar = |callers: usize| {
        rates(
            &format!("R2-{callers}"),
            format!("postgres: GetUser, of the rate of an echo by the same SELECT, {callers} in flight"),
            (ours.at(callers), echo.at(callers)),
            0.85,
        )
    };
    Scenario {
        name: READS_ON_POSTGRES,
        yardsticks: vec![echo],
        bars: [64, 128].map(bar).to_vec(),
        beside: Vec::new(),
    }
}
