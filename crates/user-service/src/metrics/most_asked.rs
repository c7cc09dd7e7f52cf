//! Whom most questions are about: the most frequent of a stream of ids, in bounded memory.
//!
//! The space-saving sketch (Metwally, Agrawal, El Abbadi, 2005): whoever is asked about more often than a 256th of all
//! the time is in it, and hardly any count is too low: under contention a question goes uncounted. An approximation, for an
//! operator's eyes: no label, no metric.

use std::collections::HashMap;
use std::sync::{Mutex, TryLockError};

use uuid::Uuid;

/// How many users are counted at a time.
const COUNTED_MAX: usize = 256;

/// After so many questions all counts are halved: who was asked about long ago fades.
const FADES_AFTER: u64 = 1 << 20;

/// Counts whom questions are about.
#[derive(Debug, Default)]
pub struct MostAsked(Mutex<Sketch>);

#[derive(Debug, Default)]
struct Sketch {
    counts: HashMap<Uuid, Count>,
    since_faded: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    questions: u64,
    too_high_by: u64,
}

/// A user, and how often she was asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Who.
    pub id: Uuid,
    /// How often at most.
    pub questions: u64,
    /// By how much that can be too high.
    pub too_high_by: u64,
}

impl MostAsked {
    /// Somebody asked about her. Nobody waits for it: under contention a question goes uncounted.
    pub fn about(&self, id: Uuid) {
        match self.0.try_lock() {
            Ok(mut sketch) => sketch.count(id),
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner().count(id),
            Err(TryLockError::WouldBlock) => {}
        }
    }

    /// The `limit` who were asked about most, in that order.
    #[must_use]
    pub fn top(&self, limit: usize) -> Vec<Asked> {
        let sketch = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let asked = |(id, count): (&Uuid, &Count)| Asked {
            id: *id,
            questions: count.questions,
            too_high_by: count.too_high_by,
        };
        let mut all: Vec<_> = sketch.counts.iter().map(asked).collect();
        all.sort_by_key(|asked| (u64::MAX - asked.questions, asked.id));
        all.truncate(limit);
        all
    }
}

impl Sketch {
    fn count(&mut self, id: Uuid) {
        if let Some(count) = self.counts.get_mut(&id) {
            count.questions += 1;
        } else {
            // Whoever comes takes the place of the one with the lowest count, and her count with it.
            let least = if self.counts.len() < COUNTED_MAX { 0 } else { self.take_least() };
            self.counts.insert(id, Count { questions: least + 1, too_high_by: least });
        }
        self.since_faded += 1;
        if self.since_faded >= FADES_AFTER {
            self.fade();
        }
    }

    fn take_least(&mut self) -> u64 {
        let least = self.counts.iter().min_by_key(|(_, count)| count.questions);
        let Some((id, questions)) = least.map(|(id, count)| (*id, count.questions)) else { return 0 };
        self.counts.remove(&id);
        questions
    }

    fn fade(&mut self) {
        self.since_faded = 0;
        for count in self.counts.values_mut() {
            count.questions /= 2;
            count.too_high_by /= 2;
        }
        self.counts.retain(|_, count| count.questions > 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(n: u128) -> Uuid {
        Uuid::from_u128(n)
    }

    #[test]
    fn the_most_frequent_are_found_among_many() {
        let most = MostAsked::default();
        for n in 0..20_000 {
            most.about(user(1_000 + n));
            for often in 1..=3 {
                (0..often).for_each(|_| most.about(user(often)));
            }
        }
        let top = most.top(3);
        assert_eq!(top.iter().map(|asked| asked.id).collect::<Vec<_>>(), [user(3), user(2), user(1)]);
        for (asked, really) in top.iter().zip([60_000, 40_000, 20_000]) {
            let range = asked.questions - asked.too_high_by..=asked.questions;
            assert!(range.contains(&really), "{asked:?}");
        }
        assert!(most.top(usize::MAX).len() <= COUNTED_MAX);
    }

    #[test]
    fn who_was_asked_about_long_ago_fades() {
        let mut sketch = Sketch::default();
        (0..1_000).for_each(|_| sketch.count(user(1)));
        for _ in 0..10 {
            (0..1_000).for_each(|_| sketch.count(user(2)));
            sketch.since_faded = FADES_AFTER - 1;
            sketch.count(user(2));
        }
        let most = MostAsked(Mutex::new(sketch));
        let top = most.top(10);
        assert_eq!((top.len(), top[0].id), (1, user(2)));
    }
}
