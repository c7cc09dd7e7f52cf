//! What a change does to claims: a difference of two sets. A claim that stays the same is not touched.

use eventstore::{ClaimChanges, ClaimKey, ClaimMove};

use super::ClaimDifference;
use crate::Claim;

impl ClaimDifference {
    /// From what the state before owned to what the state after owns. A state owns one value per scope at most.
    ///
    /// Of the `later` scopes only what changes is said: what stays there may not be held.
    pub(super) fn between(
        before: &[Claim],
        after: Vec<Claim>,
        later: &[&str],
        key_of: impl Fn(&Claim) -> ClaimKey,
    ) -> Self {
        let mut changes = ClaimChanges::default();
        let after: Vec<_> = after.into_iter().map(|claim| (key_of(&claim), claim)).collect();
        for (to, claim) in &after {
            match before.iter().find(|old| old.scope == claim.scope).map(&key_of) {
                Some(from) if from == *to => {}
                Some(from) => changes.moved.push(ClaimMove { from, to: *to }),
                None => changes.taken.push(*to),
            }
        }
        let given_up = before.iter().filter(|old| after.iter().all(|(_, claim)| claim.scope != old.scope));
        changes.released.extend(given_up.map(&key_of));
        let doubtful = before.iter().filter(|old| later.contains(&old.scope)).map(key_of);
        let doubtful: Vec<_> =
            doubtful.filter(|key| changes.given_up().any(|given_up| given_up == *key)).collect();
        let said = |(key, claim): &(ClaimKey, Claim)| {
            !later.contains(&claim.scope) || changes.wanted().any(|wanted| wanted == *key)
        };
        let after = after.into_iter().filter(said).map(|(key, claim)| (claim, key)).collect();
        Self { changes, after, doubtful, forgone: Vec::new() }
    }

    /// What is to be given up and may not be held.
    pub(super) fn doubtful(&self) -> Vec<ClaimKey> {
        self.doubtful.clone()
    }

    /// A claim that was to be given up is not held: what was to come of it is taken.
    pub(super) fn without(&mut self, not_held: ClaimKey) {
        let ClaimChanges { taken, moved, released } = &mut self.changes;
        taken.extend(moved.extract_if(.., |claim| claim.from == not_held).map(|claim| claim.to));
        released.retain(|key| *key != not_held);
    }

    /// What was wanted is another's, and is done without: what it was to come of is given up all the same.
    pub(super) fn forgo(&mut self, wanted: ClaimKey) {
        let ClaimChanges { taken, moved, released } = &mut self.changes;
        taken.retain(|key| *key != wanted);
        released.extend(moved.extract_if(.., |claim| claim.to == wanted).map(|claim| claim.from));
        self.forgone
            .extend(self.after.extract_if(.., |(_, key)| *key == wanted).map(|(claim, _)| claim.scope));
    }

    /// The scope of a key that was wanted.
    pub(super) fn scope_of(&self, key: ClaimKey) -> Option<&'static str> {
        self.after.iter().find(|(_, own)| *own == key).map(|(claim, _)| claim.scope)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn claim(scope: &'static str, value: &str) -> Claim {
        Claim { scope, value: value.to_owned() }
    }

    fn key(claim: &Claim) -> ClaimKey {
        let byte = claim.value.as_bytes()[0];
        ClaimKey(Uuid::from_u128(u128::from(byte)))
    }

    #[test]
    fn a_claim_that_stays_is_not_touched() {
        let difference =
            ClaimDifference::between(&[claim("email", "a")], vec![claim("email", "a")], &[], key);
        assert_eq!(difference.changes, ClaimChanges::default());
    }

    #[test]
    fn a_changed_value_moves_its_claim_and_the_other_stays() {
        let before = [claim("email", "a"), claim("name", "n")];
        let difference =
            ClaimDifference::between(&before, vec![claim("email", "b"), claim("name", "n")], &[], key);
        let moved = vec![ClaimMove { from: key(&before[0]), to: key(&claim("email", "b")) }];
        assert_eq!(difference.changes, ClaimChanges { moved, ..ClaimChanges::default() });
    }

    #[test]
    fn a_first_state_takes_and_a_last_one_releases() {
        let own = claim("email", "a");
        let taken = ClaimDifference::between(&[], vec![own.clone()], &[], key).changes;
        assert_eq!(taken, ClaimChanges { taken: vec![key(&own)], ..ClaimChanges::default() });
        let released = ClaimDifference::between(std::slice::from_ref(&own), vec![], &[], key).changes;
        assert_eq!(released, ClaimChanges { released: vec![key(&own)], ..ClaimChanges::default() });
    }

    #[test]
    fn of_a_later_scope_only_what_changes_is_said() {
        let (before, later) = ([claim("email", "a"), claim("looks", "l")], ["looks"]);
        let stays = vec![claim("email", "b"), claim("looks", "l")];
        let difference = ClaimDifference::between(&before, stays, &later, key);
        assert_eq!(difference.after.len(), 1);
        assert!(difference.doubtful().is_empty());
        let changes = vec![claim("email", "a"), claim("looks", "m")];
        let difference = ClaimDifference::between(&before, changes, &later, key);
        assert_eq!(difference.after.len(), 2);
        assert_eq!(difference.doubtful(), [key(&before[1])]);
    }

    #[test]
    fn what_is_not_held_is_not_given_up() {
        let (own, next) = (claim("looks", "l"), claim("looks", "m"));
        let mut moved =
            ClaimDifference::between(std::slice::from_ref(&own), vec![next.clone()], &["looks"], key);
        moved.without(key(&own));
        assert_eq!(moved.changes, ClaimChanges { taken: vec![key(&next)], ..ClaimChanges::default() });
        let mut released = ClaimDifference::between(std::slice::from_ref(&own), vec![], &["looks"], key);
        released.without(key(&own));
        assert_eq!(released.changes, ClaimChanges::default());
    }

    #[test]
    fn what_is_done_without_is_not_wanted_and_what_was_there_is_given_up() {
        let (own, next) = (claim("looks", "l"), claim("looks", "m"));
        let mut moved =
            ClaimDifference::between(std::slice::from_ref(&own), vec![next.clone()], &["looks"], key);
        moved.forgo(key(&next));
        assert_eq!(moved.changes, ClaimChanges { released: vec![key(&own)], ..ClaimChanges::default() });
        assert_eq!((moved.after.len(), moved.forgone), (0, vec!["looks"]));
        let mut taken = ClaimDifference::between(&[], vec![own.clone()], &["looks"], key);
        taken.forgo(key(&own));
        assert_eq!(taken.changes, ClaimChanges::default());
        assert_eq!(taken.forgone, ["looks"]);
    }
}
