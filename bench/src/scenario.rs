//! A scenario whose contenders take turns: the bars say what is measured.

use crate::bar::{Bar, Judged};
use crate::contender::{Contender, Subject};
use crate::turns::Figures;

/// What is measured, and what it must come to.
#[derive(Debug)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// What each figure of the table is compared with, if its callers are as many.
    pub(crate) yardsticks: Vec<Contender>,
    pub(crate) bars: Vec<Bar>,
    /// What a full run measures besides, for whoever reads the table.
    pub(crate) beside: Vec<Subject>,
}

impl Scenario {
    /// Everything that is measured, each once, the bars' first.
    pub(crate) fn subjects(&self) -> Vec<Subject> {
        let mut subjects = Vec::new();
        let all = self.bars.iter().flat_map(|bar| bar.of.subjects()).chain(self.beside.iter().copied());
        for subject in all {
            if !subjects.contains(&subject) {
                subjects.push(subject);
            }
        }
        subjects
    }

    /// Holds the figures against the bars.
    pub(crate) fn judge(self, figures: &Figures) -> anyhow::Result<Vec<Judged>> {
        self.bars.into_iter().map(|bar| bar.judge(figures)).collect()
    }
}

/// The same contenders under each number of callers.
pub(crate) fn under(callers: &[usize], contenders: &[Contender]) -> Vec<Subject> {
    let each = |callers| contenders.iter().map(move |&contender| contender.at(callers));
    callers.iter().copied().flat_map(each).collect()
}
