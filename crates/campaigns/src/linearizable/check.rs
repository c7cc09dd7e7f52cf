//! Whether there is an order in which everything happened one after the other, as the log has it and as everybody saw it.
//!
//! A user is a register with versions, so the order is known: the write of a version, then whoever read it, then the next
//! write. What remains to be seen is whether it goes against the clock: whatever had been answered before something else
//! was asked for stands before it. That is exact, and takes no search.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use super::history::{NEVER, Operation, Value, What};

/// What one user was in each of her versions; `None` where she had no name, or the event cannot be read.
pub(super) type Log = [Option<Value>];

/// What must not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Anomaly {
    /// A state was shown or acknowledged that the log does not have in that version.
    NotTheLog,
    /// Two writes were acknowledged in one version.
    OneVersionTwice,
    /// A write was acknowledged on another version than it expected.
    DecidedOnAnother,
    /// The log holds twice what was asked for once.
    DoneTwice,
    /// The log holds what nobody asked for.
    NobodyAsked,
    /// Somebody read what was no longer so when she asked.
    StaleRead,
    /// A write stands before what was there, or had been seen, when it was asked for.
    WrittenIntoThePast,
    /// The version that a write expected was there all the time, and it was refused.
    RefusedForNothing,
}

impl Anomaly {
    /// For people.
    pub(super) fn says(self) -> &'static str {
        match self {
            Self::NotTheLog => "a state was told that the log does not have in that version",
            Self::OneVersionTwice => "two writes were acknowledged in one version",
            Self::DecidedOnAnother => "a write was acknowledged on another version than it expected",
            Self::DoneTwice => "the log holds twice what was asked for once",
            Self::NobodyAsked => "the log holds what nobody asked for",
            Self::StaleRead => "what was read was no longer so when it was asked for",
            Self::WrittenIntoThePast => "a write stands before what was there when it was asked for",
            Self::RefusedForNothing => "a write was refused although what it expected was there",
        }
    }
}

/// Everything that is wrong with one user's history.
pub(super) fn check(log: &Log, history: &[Operation]) -> Vec<(Anomaly, Operation)> {
    let mut found = against_the_log(log, history);
    found.extend(against_the_clock(log, history));
    found
}

/// What the log holds that nobody asked for, or once too often. Her first version is the one that she was made in.
pub(super) fn strangers(log: &Log, history: &[Operation]) -> Vec<(Anomaly, Value)> {
    let asked = history.iter().filter_map(|operation| match operation.what {
        What::Wrote { value, .. } | What::Unknown { value } => Some(value),
        What::Read { .. } | What::Refused { .. } => None,
    });
    let (asked, mut seen): (BTreeSet<_>, _) = (asked.collect(), BTreeSet::new());
    let mut found = Vec::new();
    for value in log.iter().skip(1).flatten() {
        if !asked.contains(value) {
            found.push((Anomaly::NobodyAsked, *value));
        }
        if !seen.insert(value) {
            found.push((Anomaly::DoneTwice, *value));
        }
    }
    found
}

fn against_the_log(log: &Log, history: &[Operation]) -> Vec<(Anomaly, Operation)> {
    let at = |version: u64| version.checked_sub(1).and_then(|index| log.get(usize::try_from(index).ok()?));
    let (mut written, mut found) = (BTreeSet::new(), Vec::new());
    for operation in history {
        let mut wrong = |anomaly| found.push((anomaly, *operation));
        match operation.what {
            What::Read { version, value } if at(version) != Some(&value) => wrong(Anomaly::NotTheLog),
            What::Wrote { expected, version, value } => {
                if at(version) != Some(&Some(value)) {
                    wrong(Anomaly::NotTheLog);
                }
                if !written.insert(version) {
                    wrong(Anomaly::OneVersionTwice);
                }
                if expected.is_some_and(|expected| expected + 1 != version) {
                    wrong(Anomaly::DecidedOnAnother);
                }
            }
            What::Read { .. } | What::Refused { .. } | What::Unknown { .. } => {}
        }
    }
    found
}

/// The place of the write of a version in the order; of its reads, one more.
fn place(version: u64) -> u64 {
    2 * version
}

/// In the order of asking. `floor` is the furthest place of whatever had been answered by then: nothing may stand below it.
fn against_the_clock(log: &Log, history: &[Operation]) -> Vec<(Anomaly, Operation)> {
    let versions: BTreeMap<Value, u64> =
        log.iter().zip(1..).filter_map(|(value, version)| Some(((*value)?, version))).collect();
    let mut history: Vec<_> = history.iter().collect();
    history.sort_by_key(|operation| operation.invoked);
    let (mut pending, mut floor, mut found) = (BinaryHeap::new(), 0, Vec::new());
    for operation in history {
        while let Some(Reverse((answered, at))) = pending.peek().copied()
            && answered < operation.invoked
        {
            floor = floor.max(at);
            pending.pop();
        }
        let (at, wrong) = match operation.what {
            What::Read { version, .. } => {
                let at = place(version) + 1;
                (at, (at < floor).then_some(Anomaly::StaleRead))
            }
            What::Wrote { version, .. } => {
                (place(version), (place(version) <= floor).then_some(Anomaly::WrittenIntoThePast))
            }
            // As early as can be, so that nothing is in its way that need not be: now, or with the next write.
            What::Refused { expected } if floor / 2 == expected => {
                let next = place(expected + 1);
                let comes = next <= place(log.len() as u64);
                (if comes { next } else { floor }, (!comes).then_some(Anomaly::RefusedForNothing))
            }
            What::Refused { .. } => (floor, None),
            What::Unknown { value } => match versions.get(&value) {
                Some(version) => {
                    let late = place(*version) <= floor;
                    (place(*version), late.then_some(Anomaly::WrittenIntoThePast))
                }
                None => continue,
            },
        };
        found.extend(wrong.map(|anomaly| (anomaly, *operation)));
        if operation.answered != NEVER {
            pending.push(Reverse((operation.answered, at)));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use fastrand::Rng;

    use super::*;

    /// A history of something that happens one after the other: each takes a while, and so overlaps with its neighbours.
    fn sound(rng: &mut Rng) -> (Vec<Option<Value>>, Vec<Operation>) {
        let (mut log, mut history) = (vec![None], Vec::new());
        for moment in 1..=60 {
            let version = log.len() as u64;
            let what = match rng.u8(..10) {
                0..5 => What::Read { version, value: log[log.len() - 1] },
                5 if version > 1 => What::Refused { expected: rng.u64(1..version) },
                kind => {
                    log.push(Some(moment));
                    if kind == 9 {
                        What::Unknown { value: moment }
                    } else {
                        let expected = rng.bool().then_some(version);
                        What::Wrote { expected, version: version + 1, value: moment }
                    }
                }
            };
            let invoked = moment * 100 - rng.u64(..250).min(moment * 100);
            let unknown = matches!(what, What::Unknown { .. });
            let answered = if unknown { NEVER } else { moment * 100 + rng.u64(..250) };
            history.push(Operation { invoked, answered, what });
        }
        (log, history)
    }

    /// What is wrong, in the order of kinds.
    fn kinds(log: &Log, history: &[Operation]) -> BTreeSet<Anomaly> {
        let of_history = check(log, history).into_iter().map(|(anomaly, _)| anomaly);
        of_history.chain(strangers(log, history).into_iter().map(|(anomaly, _)| anomaly)).collect()
    }

    #[test]
    fn what_happened_one_after_the_other_is_found_sound() {
        for seed in 0..1000 {
            let (log, history) = sound(&mut Rng::with_seed(seed));
            assert_eq!(kinds(&log, &history), BTreeSet::new(), "{seed}");
        }
    }

    /// Something afterwards that goes wrong, after everything else has been answered: its kind is known.
    fn planted(anomaly: Anomaly, log: &mut Vec<Option<Value>>, history: &mut Vec<Operation>, rng: &mut Rng) {
        let head = log.len() as u64;
        let earlier = rng.u64(1..head);
        let at = |version: u64| log[usize::try_from(version - 1).expect("it is small")];
        let read = |invoked, version, value| Operation {
            invoked,
            answered: invoked + 10,
            what: What::Read { version, value },
        };
        let wrote = |invoked, expected, version, value| Operation {
            invoked,
            answered: invoked + 10,
            what: What::Wrote { expected, version, value },
        };
        // Somebody has seen the last version by now.
        history.push(read(100_000, head, at(head)));
        match anomaly {
            Anomaly::NotTheLog => history.push(read(200_000, head, Some(7777))),
            Anomaly::StaleRead => history.push(read(200_000, earlier, at(earlier))),
            Anomaly::OneVersionTwice => {
                log.push(Some(8001));
                history.push(wrote(200_000, None, head + 1, 8001));
                history.push(wrote(200_005, None, head + 1, 8001));
            }
            Anomaly::DecidedOnAnother => {
                log.push(Some(8001));
                history.push(wrote(200_000, Some(earlier), head + 1, 8001));
            }
            Anomaly::DoneTwice => {
                log.extend([Some(8001), Some(8001)]);
                history.push(wrote(200_000, None, head + 1, 8001));
            }
            Anomaly::NobodyAsked => log.push(Some(8001)),
            Anomaly::WrittenIntoThePast => {
                log.push(Some(8001));
                history.push(read(200_000, head + 1, Some(8001)));
                history.push(wrote(300_000, None, head + 1, 8001));
            }
            Anomaly::RefusedForNothing => {
                let what = What::Refused { expected: head };
                history.push(Operation { invoked: 200_000, answered: 200_010, what });
            }
        }
    }

    #[test]
    fn every_anomaly_that_is_planted_is_found() {
        let all = [
            Anomaly::NotTheLog,
            Anomaly::OneVersionTwice,
            Anomaly::DecidedOnAnother,
            Anomaly::DoneTwice,
            Anomaly::NobodyAsked,
            Anomaly::StaleRead,
            Anomaly::WrittenIntoThePast,
            Anomaly::RefusedForNothing,
        ];
        for (seed, anomaly) in (0..1000).zip(all.into_iter().cycle()) {
            let mut rng = Rng::with_seed(seed);
            let (mut log, mut history) = sound(&mut rng);
            planted(anomaly, &mut log, &mut history, &mut rng);
            assert!(kinds(&log, &history).contains(&anomaly), "{anomaly:?}, seed {seed}");
        }
    }

    #[test]
    fn a_refusal_whose_cause_came_later_is_found() {
        let wrote = What::Wrote { expected: Some(1), version: 2, value: 5 };
        let history = [
            Operation { invoked: 1, answered: 2, what: What::Read { version: 1, value: None } },
            Operation { invoked: 3, answered: 4, what: What::Refused { expected: 1 } },
            Operation { invoked: 5, answered: 6, what: wrote },
        ];
        assert_eq!(kinds(&[None, Some(5)], &history), BTreeSet::from([Anomaly::WrittenIntoThePast]));
    }
}
