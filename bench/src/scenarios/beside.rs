//! R4: how long reads take at the same rate while nothing else goes on, while as much as possible is written, and while as
//! many passwords as possible are hashed.

use crate::bar::{Bar, Limit, Of};
use crate::contender::Contender::{Reads, Service};
use crate::scenario::Scenario;
use crate::service::{Call, Cores, Engine};

pub(super) const NAME: &str = "reads beside other work";

/// They fill the batches of the writer.
const WRITERS: usize = 64;

/// More than processors can hash for at a time, and fewer than would be sent away.
const LOGINS: usize = 16;

pub(super) fn scenario() -> Scenario {
    let bars = |engine: Engine| {
        let (alone, store) = (Reads(engine, None).at(0), engine.name());
        let writing = Reads(engine, Some(Call::Update)).at(WRITERS);
        let hashing = Reads(engine, Some(Call::Verify)).at(LOGINS);
        [
            Bar {
                id: format!("R4-{store}-writing"),
                what: format!("{store}: p99 of reads while {WRITERS} callers write, of it without them"),
                of: Of::P99(writing, alone),
                limit: Limit::AtMost(3.0),
            },
            Bar {
                id: format!("R4-{store}-hashing"),
                what: format!("{store}: p99 of reads while {LOGINS} callers log in, of it without them"),
                of: Of::P99(hashing, alone),
                limit: Limit::AtMost(2.0),
            },
            Bar {
                id: format!("R4-{store}-hashed"),
                what: format!("{store}: logins beside reads, of the rate without them"),
                of: Of::RateBeside(hashing, Service(engine, Call::Verify, Cores::Shared).at(LOGINS)),
                limit: Limit::AtLeast(0.8),
            },
        ]
    };
    Scenario {
        name: NAME,
        yardsticks: Vec::new(),
        bars: Engine::ALL.into_iter().flat_map(bars).collect(),
        beside: Vec::new(),
    }
}
