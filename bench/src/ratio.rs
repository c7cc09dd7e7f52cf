//! The median of a few ratios, and how far they lie apart.

use std::fmt;

use anyhow::Context;

/// Of ratios that were formed inside their repetitions.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ratio {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
    /// All of them, in the order of the repetitions.
    pub(crate) each: Vec<f64>,
}

impl Ratio {
    pub(crate) fn of(each: Vec<f64>) -> anyhow::Result<Self> {
        let mut ratios = each.clone();
        ratios.sort_by(f64::total_cmp);
        let (least, most) =
            ratios.first().copied().zip(ratios.last().copied()).context("nothing was measured")?;
        let (low, high) = (ratios[(ratios.len() - 1) / 2], ratios[ratios.len() / 2]);
        Ok(Self { median: f64::midpoint(low, high), least, most, each })
    }
}

/// `1.64 (1.60–1.71)`
impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{:.2} ({:.2}–{:.2})", self.median, self.least, self.most);
        f.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_or_between_the_two_middles() {
        let check = |each: Vec<f64>, median, least, most| {
            let expected = Ratio { median, least, most, each: each.clone() };
            assert_eq!(Ratio::of(each).unwrap(), expected);
        };
        check(vec![3.0, 1.0, 2.0], 2.0, 1.0, 3.0);
        check(vec![4.0, 1.0], 2.5, 1.0, 4.0);
        assert!(Ratio::of(Vec::new()).is_err());
    }
}
