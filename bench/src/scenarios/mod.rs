//! The scenarios, each a file that says what is measured and what it must come to.

mod ladder;
mod copy;
mod predecessor;
mod peers;
mod processes;
mod embedded;
mod refusals;
mod calls;
mod beside;
mod followed;
mod imports;
mod streams;
mod growth;
mod history;

use crate::bar::{Bar, Limit, Of};
use crate::contender::Subject;
use crate::stage::{Findings, Stage};

/// A scenario, and the families of bars that it may decide.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) name: &'static str,
    pub(crate) ids: &'static [&'static str],
    pub(crate) run: fn(&Stage) -> anyhow::Result<Findings>,
}

/// In the order of a run.
pub(crate) const ALL: [Listed; 17] = [
    Listed { name: ladder::NAME, ids: &["W1"], run: |stage| stage.play(ladder::scenario()) },
    Listed { name: copy::NAME, ids: &["W2"], run: |stage| stage.play(copy::scenario()) },
    Listed {
        name: predecessor::NAME,
        ids: &["W3-64-seed"],
        run: |stage| stage.play(predecessor::scenario()),
    },
    Listed {
        name: peers::NAME,
        ids: &["W3-64-cqrs-es", "W3-64-esrs", "W3-64-message-db", "W3-16"],
        run: peers::run,
    },
    Listed { name: processes::NAME, ids: &["W4"], run: |stage| stage.play(processes::scenario()) },
    Listed { name: embedded::NAME, ids: &["W5"], run: |stage| stage.play(embedded::scenario()) },
    Listed { name: refusals::NAME, ids: &["W8"], run: |stage| stage.play(refusals::scenario()) },
    Listed { name: calls::WRITES, ids: &["W6"], run: |stage| stage.play(calls::writes()) },
    Listed { name: calls::ONE, ids: &["W7"], run: |stage| stage.play(calls::one()) },
    Listed { name: calls::READS, ids: &["R1"], run: |stage| stage.play(calls::reads()) },
    Listed {
        name: calls::READS_ON_POSTGRES,
        ids: &["R2"],
        run: |stage| stage.play(calls::reads_on_postgres()),
    },
    Listed { name: beside::NAME, ids: &["R4"], run: |stage| stage.play(beside::scenario()) },
    Listed { name: followed::NAME, ids: &["G3"], run: |stage| stage.play(followed::scenario()) },
    Listed { name: imports::NAME, ids: &["G6"], run: imports::run },
    Listed { name: streams::NAME, ids: &["W9"], run: streams::run },
    Listed { name: growth::NAME, ids: &["G1"], run: growth::run },
    Listed { name: history::NAME, ids: &["R3", "R5", "G2", "G4", "G7", "export"], run: history::run },
];

/// Whose rates stand beside each other under several numbers of callers.
pub(crate) const COMPARED: [&str; 3] = [ladder::NAME, predecessor::NAME, peers::NAME];

/// A bar on rates.
fn rates(id: &str, what: impl Into<String>, (one, other): (Subject, Subject), at_least: f64) -> Bar {
    Bar { id: id.to_owned(), what: what.into(), of: Of::Rates(one, other), limit: Limit::AtLeast(at_least) }
}
