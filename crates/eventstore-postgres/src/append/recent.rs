//! What this process has lately seen of streams and claims. It decides nothing: it says which appends are worth a look
//! before they fail a whole batch. A doubt that is unfounded costs that look, a doubt that is missing costs the batch.

use std::collections::HashMap;
use std::hash::Hash;
use std::mem;

use eventstore::{AggregateId, Append, ClaimKey, Rejection, Version};

/// Entries of each of the two halves. Conflicts are with what changed a moment ago; this is minutes of that.
const HALF: usize = 1 << 15;

/// Streams and claims as they were when this process last heard of them.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    versions: Lately<AggregateId, Version>,
    owners: Lately<ClaimKey, AggregateId>,
}

impl Recent {
    /// Whether the append looks as if it would be refused: decided on an old version, or wanting what another has.
    pub(crate) fn doubts(&self, append: &Append) -> bool {
        let stream = append.aggregate_id;
        self.versions.get(&stream).is_some_and(|version| append.expected < version)
            || append.claims.wanted().any(|key| self.owners.get(&key).is_some_and(|owner| owner != stream))
    }

    /// The append was taken.
    pub(crate) fn took(&mut self, append: &Append) {
        self.versions.insert(append.aggregate_id, append.version_after());
        for key in append.claims.given_up() {
            self.owners.remove(&key);
        }
        for key in append.claims.wanted() {
            self.owners.insert(key, append.aggregate_id);
        }
    }

    /// The append was refused.
    pub(crate) fn refused(&mut self, append: &Append, rejection: Rejection) {
        match rejection {
            Rejection::Conflict { actual } => self.versions.insert(append.aggregate_id, actual),
            Rejection::ClaimTaken { key, owner } => self.owners.insert(key, owner),
            Rejection::Duplicate(_) | Rejection::LayoutMoved => {}
        }
    }
}

/// A map that forgets the older half when it is full.
#[derive(Debug)]
struct Lately<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
}

impl<K, V> Default for Lately<K, V> {
    fn default() -> Self {
        Self { young: HashMap::new(), old: HashMap::new() }
    }
}

impl<K: Eq + Hash, V: Copy> Lately<K, V> {
    fn get(&self, key: &K) -> Option<V> {
        self.young.get(key).or_else(|| self.old.get(key)).copied()
    }

    fn insert(&mut self, key: K, value: V) {
        if self.young.len() == HALF {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }

    fn remove(&mut self, key: &K) {
        self.young.remove(key);
        self.old.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use eventstore::ClaimChanges;

    use super::*;
    use crate::appends::{claim, event};

    fn wants(stream: u64, key: ClaimKey) -> Append {
        Append { claims: ClaimChanges { taken: vec![key], ..ClaimChanges::default() }, ..event(stream, 0) }
    }

    #[test]
    fn only_what_is_behind_is_doubted() {
        let mut recent = Recent::default();
        recent.took(&event(1, 1));
        assert!(recent.doubts(&event(1, 1)));
        assert!(!recent.doubts(&event(1, 2)));
        assert!(!recent.doubts(&event(1, 3)), "somebody else may have been there");
        assert!(!recent.doubts(&event(2, 0)));
    }

    #[test]
    fn a_claim_is_doubted_while_another_is_known_to_own_it() {
        let mut recent = Recent::default();
        recent.refused(
            &wants(2, claim(1, 1)),
            Rejection::ClaimTaken { key: claim(1, 1), owner: event(1, 0).aggregate_id },
        );
        assert!(recent.doubts(&wants(2, claim(1, 1))));
        let released = ClaimChanges { released: vec![claim(1, 1)], ..ClaimChanges::default() };
        recent.took(&Append { claims: released, ..event(1, 1) });
        assert!(!recent.doubts(&wants(2, claim(1, 1))));
    }

    #[test]
    fn the_older_half_is_forgotten() {
        let mut lately = Lately::default();
        for n in 0..=2 * HALF {
            lately.insert(n, n);
        }
        assert_eq!((lately.get(&0), lately.get(&HALF)), (None, Some(HALF)));
    }
}
