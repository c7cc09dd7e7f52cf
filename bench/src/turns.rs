//! Repetitions in turns: A B C, A B C, … in one run, so that whatever the machine is doing meets all of them.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context, ensure};

use crate::contender::{CALLER_THREADS, Place, Subject};
use crate::load::{Measured, Shape};
use crate::ratio::Ratio;
use crate::scenario::Scenario;

/// How long and how often.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    pub(crate) repetitions: usize,
    pub(crate) warm_up: Duration,
    pub(crate) measured: Duration,
}

impl Effort {
    pub(crate) fn full() -> Self {
        Self { repetitions: 3, warm_up: Duration::from_secs(1), measured: Duration::from_secs(3) }
    }

    pub(crate) fn quick() -> Self {
        Self { repetitions: 2, warm_up: Duration::from_millis(250), measured: Duration::from_millis(600) }
    }

    pub(crate) fn repeated(self, repetitions: Option<usize>) -> Self {
        Self { repetitions: repetitions.unwrap_or(self.repetitions), ..self }
    }
}

/// What each subject came to, repetition by repetition.
#[derive(Debug)]
pub(crate) struct Figures(HashMap<Subject, Vec<Measured>>);

/// Measures all subjects of a scenario in turns.
pub(crate) fn take(scenario: &Scenario, effort: Effort, place: &Place) -> anyhow::Result<Figures> {
    let (mut figures, subjects) = (HashMap::<Subject, Vec<Measured>>::new(), scenario.subjects());
    for repetition in 1..=effort.repetitions {
        for &subject in &subjects {
            let Effort { warm_up, measured, .. } = effort;
            let shape = Shape { callers: subject.callers, warm_up, measured };
            let measured = subject.measure(place, shape, CALLER_THREADS)?;
            eprintln!(
                "{} {repetition}/{}: {} @{}: {:.0}/s",
                scenario.name,
                effort.repetitions,
                subject.contender.name(),
                subject.callers,
                measured.rate
            );
            let beside = measured.beside.as_deref().is_none_or(|beside| beside.answered > 0);
            ensure!(measured.answered > 0 && beside, "{} answered nothing in time", subject.contender.name());
            figures.entry(subject).or_default().push(measured);
        }
    }
    Ok(Figures(figures))
}

impl Figures {
    /// All repetitions of a subject.
    pub(crate) fn of(&self, subject: Subject) -> anyhow::Result<&[Measured]> {
        let found = self.0.get(&subject).map(Vec::as_slice);
        found.with_context(|| format!("{} @{} was not measured", subject.contender.name(), subject.callers))
    }

    /// A ratio, formed inside each repetition.
    pub(crate) fn ratio(
        &self,
        one: Subject,
        other: Subject,
        of: impl Fn(&Measured, &Measured) -> f64,
    ) -> anyhow::Result<Ratio> {
        let pairs = self.of(one)?.iter().zip(self.of(other)?);
        Ratio::of(pairs.map(|(one, other)| of(one, other)).collect())
    }

    /// The same of three.
    pub(crate) fn ratio_of_three(
        &self,
        subjects: [Subject; 3],
        of: impl Fn(&Measured, &Measured, &Measured) -> f64,
    ) -> anyhow::Result<Ratio> {
        let [one, other, third] = subjects.map(|subject| self.of(subject));
        let triples = one?.iter().zip(other?).zip(third?);
        Ratio::of(triples.map(|((one, other), third)| of(one, other, third)).collect())
    }
}
