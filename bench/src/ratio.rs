//! The median of a few ratios, and how far they lie apart.

use std::fmt;

use anyhow::Context;

/// Of ratios that were formed inside their repetitions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ratio {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Ratio {
    pub(crate) fn of(mut ratios: Vec<f64>) -> anyhow::Result<Self> {
        ratios.sort_by(f64::total_cmp);
        let (least, most) =
            ratios.first().copied().zip(ratios.last().copied()).context("nothing was measured")?;
        let (low, high) = (ratios[(ratios.len() - 1) / 2], ratios[ratios.len() / 2]);
        Ok(Self { median: f64::midpoint(low, high), least, most })
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
        assert_eq!(Ratio::of(vec![3.0, 1.0, 2.0]).unwrap(), Ratio { median: 2.0, least: 1.0, most: 3.0 });
        assert_eq!(Ratio::of(vec![4.0, 1.0]).unwrap(), Ratio { median: 2.5, least: 1.0, most: 4.0 });
        assert!(Ratio::of(Vec::new()).is_err());
    }
}
