//! Rows of an import that want the same go one after the other: the first of them gets it, whatever else is under way.

use std::collections::HashMap;

use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

/// Who was the last to want something. It grows with the rows of a call, which are bounded.
#[derive(Debug, Default)]
pub(super) struct Turns(HashMap<Uuid, CancellationToken>);

/// A row's turn. Those behind it wait until this is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    before: Vec<CancellationToken>,
    _over: DropGuard,
}

impl Turns {
    /// The turn of the next row, which wants these.
    pub(super) fn next(&mut self, wanted: &[Uuid]) -> Turn {
        let over = CancellationToken::new();
        let before = wanted.iter().filter_map(|wanted| self.0.insert(*wanted, over.clone())).collect();
        Turn { before, _over: over.drop_guard() }
    }
}

impl Turn {
    /// Returns when all are through who wanted any of it before.
    pub(super) async fn comes(&self) {
        for before in &self.before {
            before.cancelled().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn whoever_wants_the_same_waits_and_nobody_else() {
        let mut turns = Turns::default();
        let [one, two, three] = [1, 2, 3].map(Uuid::from_u128);
        let (first, second) = (turns.next(&[one, two]), turns.next(&[two, three]));
        let (third, other) = (turns.next(&[three]), turns.next(&[Uuid::from_u128(4)]));
        let has_come = |turn: &Turn| turn.comes().now_or_never().is_some();
        assert_eq!([&first, &second, &third, &other].map(has_come), [true, false, false, true]);
        drop(first);
        assert_eq!([&second, &third].map(has_come), [true, false]);
        drop(second);
        assert!(has_come(&third));
    }
}
