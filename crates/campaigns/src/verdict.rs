//! What an oracle found: counted by kind, with some examples of each, since the first of a thousand says enough.

use std::collections::BTreeMap;
use std::fmt;

/// Examples that are kept of each kind.
const EXAMPLES_MAX: usize = 5;

/// Violations of what must always be true.
#[derive(Debug, Default)]
pub(crate) struct Findings(BTreeMap<String, Kind>);

#[derive(Debug, Default)]
struct Kind {
    count: u64,
    examples: Vec<String>,
}

impl Findings {
    /// Adds one. Its kind is a sentence that is true of all of its kind.
    pub(crate) fn add(&mut self, kind: impl Into<String>, example: impl fmt::Display) {
        let kind = self.0.entry(kind.into()).or_default();
        kind.count += 1;
        if kind.examples.len() < EXAMPLES_MAX {
            kind.examples.push(example.to_string());
        }
    }

    /// Takes what somebody else found.
    pub(crate) fn take(&mut self, other: Self) {
        for (name, Kind { count, examples }) in other.0 {
            let kind = self.0.entry(name).or_default();
            kind.count += count;
            let room = EXAMPLES_MAX.saturating_sub(kind.examples.len());
            kind.examples.extend(examples.into_iter().take(room));
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.values().map(|kind| kind.count).sum()
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, Kind { count, examples }) in &self.0 {
            writeln!(f, "VIOLATION  {name}: {count}")?;
            for example in examples {
                writeln!(f, "             {example}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn violations_are_counted_by_kind_with_some_examples() {
        let (mut findings, mut other) = (Findings::default(), Findings::default());
        assert!(findings.is_empty());
        findings.add("lost", "a");
        (0..9).for_each(|n| other.add("lost", n));
        findings.take(other);
        assert_eq!((findings.count(), findings.is_empty()), (10, false));
        let lines: Vec<_> = findings.to_string().lines().map(str::trim).map(str::to_owned).collect();
        assert_eq!(lines, ["VIOLATION  lost: 10", "a", "0", "1", "2", "3"]);
    }
}
