//! A bar: a ratio, and what it must come to.

use std::fmt;

use crate::contender::Subject;
use crate::load::Measured;
use crate::ratio::Ratio;
use crate::turns::Figures;

/// A ratio that must be reached, or not be exceeded.
#[derive(Clone, Debug)]
pub(crate) struct Bar {
    pub(crate) id: String,
    pub(crate) what: String,
    pub(crate) of: Of,
    pub(crate) limit: Limit,
}

/// On which side of the bar it is good to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Limit {
    AtLeast(f64),
    AtMost(f64),
}

/// Which ratio: of the first to the second.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Of {
    /// Of what was accepted in a second.
    Rates(Subject, Subject),
    /// Of what was answered in a second, accepted or refused.
    Answers(Subject, Subject),
    /// Of the 99th percentiles.
    P99(Subject, Subject),
    /// Of the first's median latency to the others' together.
    P50Sum(Subject, [Subject; 2]),
    /// Of the processor time that serving an answer takes.
    ServiceCpu(Subject, Subject),
    /// Of the rate of what runs beside the first to that of the second alone.
    RateBeside(Subject, Subject),
    /// Of the 99th percentile of what was measured beside it to its own median.
    Seen(Subject),
    /// The smallest share of a process to the largest.
    Evenness(Subject),
}

/// A bar and what was reached.
#[derive(Debug)]
pub(crate) struct Judged {
    pub(crate) id: String,
    pub(crate) what: String,
    pub(crate) limit: Limit,
    pub(crate) ratio: Ratio,
}

impl Judged {
    pub(crate) fn passed(&self) -> bool {
        match self.limit {
            Limit::AtLeast(least) => self.ratio.median >= least,
            Limit::AtMost(most) => self.ratio.median <= most,
        }
    }
}

impl Bar {
    pub(crate) fn judge(self, figures: &Figures) -> anyhow::Result<Judged> {
        let ratio = self.of.ratio(figures)?;
        Ok(Judged { id: self.id, what: self.what, limit: self.limit, ratio })
    }
}

impl Of {
    /// What must be measured for it.
    pub(crate) fn subjects(self) -> Vec<Subject> {
        match self {
            Self::Rates(one, other)
            | Self::Answers(one, other)
            | Self::P99(one, other)
            | Self::ServiceCpu(one, other)
            | Self::RateBeside(one, other) => vec![one, other],
            Self::P50Sum(one, [first, second]) => vec![one, first, second],
            Self::Seen(subject) | Self::Evenness(subject) => vec![subject],
        }
    }

    fn ratio(self, figures: &Figures) -> anyhow::Result<Ratio> {
        let of = |one, other, part: fn(&Measured) -> f64| {
            figures.ratio(one, other, |one, other| part(one) / part(other))
        };
        match self {
            Self::Rates(one, other) => of(one, other, |measured| measured.rate),
            Self::Answers(one, other) => of(one, other, |measured| measured.rate / (1.0 - measured.refused)),
            Self::P99(one, other) => of(one, other, Measured::p99),
            Self::P50Sum(one, [first, second]) => figures
                .ratio_of_three([one, first, second], |one, first, second| {
                    one.p50() / (first.p50() + second.p50())
                }),
            Self::ServiceCpu(one, other) => {
                of(one, other, |measured| measured.micros_each(measured.cost.service_seconds))
            }
            Self::RateBeside(one, other) => {
                figures.ratio(one, other, |one, other| one.beside(|beside| beside.rate) / other.rate)
            }
            Self::Seen(subject) => {
                figures.ratio(subject, subject, |measured, _| measured.beside(Measured::p99) / measured.p50())
            }
            Self::Evenness(subject) => figures.ratio(subject, subject, |measured, _| measured.evenness),
        }
    }
}

/// `≥ 1.6`
impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&match self {
            Self::AtLeast(least) => format!("≥ {least}"),
            Self::AtMost(most) => {
                format!("≤ {most:.4}").trim_end_matches('0').trim_end_matches('.').to_owned()
            }
        })
    }
}
