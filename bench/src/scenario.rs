//! A scenario: what is measured in turns, and the bars that the figures must reach.

use crate::contender::{Contender, Subject};
use crate::ratio::Ratio;
use crate::turns::Figures;

/// What is measured, and what it must come to.
#[derive(Debug)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// What each figure of the table is compared with, if its callers are as many.
    pub(crate) yardsticks: Vec<Contender>,
    pub(crate) subjects: Vec<Subject>,
    pub(crate) bars: Vec<Bar>,
}

/// A ratio that must be reached.
#[derive(Debug)]
pub(crate) struct Bar {
    pub(crate) id: String,
    pub(crate) what: String,
    pub(crate) of: Of,
    pub(crate) at_least: f64,
}

/// Which ratio.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Of {
    /// How much faster the first is than the second.
    Rates(Subject, Subject),
    /// How much shorter the 99th percentile of the first is than the second's.
    P99(Subject, Subject),
    /// The smallest share of a process as a part of the largest.
    Evenness(Subject),
}

/// A bar and what was reached.
#[derive(Debug)]
pub(crate) struct Judged {
    pub(crate) id: String,
    pub(crate) what: String,
    pub(crate) at_least: f64,
    pub(crate) ratio: Ratio,
}

impl Judged {
    pub(crate) fn passed(&self) -> bool {
        self.ratio.median >= self.at_least
    }
}

impl Scenario {
    /// Holds the figures against the bars.
    pub(crate) fn judge(self, figures: &Figures) -> anyhow::Result<Vec<Judged>> {
        let judge = |bar: Bar| {
            let ratio = match bar.of {
                Of::Rates(one, other) => figures.ratio(one, other, |one, other| one.rate / other.rate)?,
                Of::P99(one, other) => figures
                    .ratio(one, other, |one, other| micros(other.p99_micros) / micros(one.p99_micros))?,
                Of::Evenness(subject) => figures.ratio(subject, subject, |measured, _| measured.evenness)?,
            };
            let Bar { id, what, at_least, .. } = bar;
            Ok(Judged { id, what, at_least, ratio })
        };
        self.bars.into_iter().map(judge).collect()
    }
}

fn micros(micros: u64) -> f64 {
    crate::load::ratio(micros.max(1), 1)
}

/// The same contenders under each number of callers.
pub(crate) fn under(callers: &[usize], contenders: &[Contender]) -> Vec<Subject> {
    let each = |callers| contenders.iter().map(move |&contender| Subject { contender, callers });
    callers.iter().copied().flat_map(each).collect()
}
