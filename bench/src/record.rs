//! What a run came to, as it is kept in a file: for whoever draws charts of it, or compares it with another day's.

use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::bar::{Judged, Limit};
use crate::machine::Machine;
use crate::report::Figure;
use crate::stage::Findings;

/// A run, as far as it has come.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) machine: Machine,
    /// Smaller rounds than those that decide.
    pub(crate) quick: bool,
    pub(crate) bars: Vec<Decided>,
    pub(crate) figures: Vec<Figure>,
    pub(crate) series: Vec<Series>,
    /// Scenarios that came to nothing, and why.
    pub(crate) failed: Vec<String>,
}

/// A bar and what was reached.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Decided {
    pub(crate) id: String,
    /// The bar of the issue that it belongs to: `W1`.
    pub(crate) family: String,
    pub(crate) what: String,
    /// The median.
    pub(crate) ratio: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
    /// Repetition by repetition.
    pub(crate) ratios: Vec<f64>,
    pub(crate) bar: f64,
    pub(crate) side: Side,
    pub(crate) passed: bool,
}

/// On which side of a bar it is good to be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Side {
    AtLeast,
    AtMost,
}

/// Numbers that are no bar of their own, but say how one came about.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Series {
    /// The bar that they belong to, as far as they do: `G1-sqlite`.
    pub(crate) id: String,
    /// Whose numbers they are, and their unit.
    pub(crate) what: String,
    pub(crate) values: Vec<f64>,
}

impl Record {
    pub(crate) fn read(file: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("{} is of another bench", file.display()))
    }

    /// Takes in what one more scenario came to.
    pub(crate) fn extend(&mut self, findings: Findings) {
        self.bars.extend(findings.bars.iter().map(Decided::from));
        self.figures.extend(findings.figures);
        self.series.extend(findings.series);
    }

    /// Whole or not at all: whoever interrupts a run keeps what was there before.
    pub(crate) fn write(&self, file: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        let (beside, cannot) = (file.with_extension("part"), || format!("cannot write {}", file.display()));
        std::fs::write(&beside, text).with_context(cannot)?;
        std::fs::rename(&beside, file).with_context(cannot)
    }
}

impl Decided {
    /// `1.64 (1.60–1.71)`
    pub(crate) fn reached(&self) -> String {
        format!("{:.2} ({:.2}–{:.2})", self.ratio, self.least, self.most)
    }

    /// `≥ 1.6`
    pub(crate) fn limit(&self) -> String {
        match self.side {
            Side::AtLeast => Limit::AtLeast(self.bar),
            Side::AtMost => Limit::AtMost(self.bar),
        }
        .to_string()
    }
}

impl From<&Judged> for Decided {
    fn from(judged: &Judged) -> Self {
        let (bar, side) = match judged.limit {
            Limit::AtLeast(least) => (least, Side::AtLeast),
            Limit::AtMost(most) => (most, Side::AtMost),
        };
        let family = judged.id.split('-').next().unwrap_or_default().to_owned();
        Self {
            id: judged.id.clone(),
            family,
            what: judged.what.clone(),
            ratio: judged.ratio.median,
            least: judged.ratio.least,
            most: judged.ratio.most,
            ratios: judged.ratio.each.clone(),
            bar,
            side,
            passed: judged.passed(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ratio::Ratio;

    #[test]
    fn a_run_is_read_as_it_was_written_however_far_it_came() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("run.json");
        let mut record = Record {
            machine: Machine::default(),
            quick: true,
            bars: Vec::new(),
            figures: Vec::new(),
            series: Vec::new(),
            failed: Vec::new(),
        };
        for id in ["W1-64-raw", "G2-sqlite"] {
            let ratio = Ratio::of(vec![1.5, 1.7]).unwrap();
            let judged = Judged { id: id.to_owned(), what: String::new(), limit: Limit::AtLeast(1.6), ratio };
            record.extend(Findings { bars: vec![judged], ..Findings::default() });
            record.write(&file).unwrap();
        }
        let read = Record::read(&file).unwrap();
        let families: Vec<_> = read.bars.iter().map(|bar| bar.family.as_str()).collect();
        assert_eq!(families, ["W1", "G2"]);
        assert_eq!((read.bars[0].ratios.clone(), read.bars[0].passed), (vec![1.5, 1.7], true));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
    }
}
