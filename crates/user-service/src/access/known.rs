//! Tokens that were looked up within the last second. Only such as exist are kept, and no more than so many: whoever makes
//! tokens up costs a read each, and no memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::vault::StoredToken;

/// For how long a token that was valid is taken to be valid: what a revocation by another instance takes at most, beside
/// [`super::principal::LOOK_EVERY`] for a stream that has begun. The promise is five seconds.
pub(super) const KEPT: Duration = Duration::from_secs(1);

/// More than any operator gives out to callers who call within one second.
const TOKENS_MAX: usize = 4096;

#[derive(Debug, Default)]
pub(super) struct KnownTokens(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    tokens: HashMap<Uuid, (Instant, Arc<StoredToken>)>,
    /// Counts revocations by this process: what was read before one is not kept after it.
    revocations: u64,
}

/// When a read began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    at: Instant,
    revocations: u64,
}

impl KnownTokens {
    /// Never held across an await.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn get(&self, id: Uuid) -> Option<Arc<StoredToken>> {
        let known = self.known();
        let (read_at, token) = known.tokens.get(&id)?;
        (read_at.elapsed() < KEPT).then(|| Arc::clone(token))
    }

    /// Whether it has been a token, if perhaps no more: whoever shows it did not make it up.
    pub(super) fn has_met(&self, id: Uuid) -> bool {
        self.known().tokens.contains_key(&id)
    }

    /// To be asked before the store is.
    pub(super) fn reading(&self) -> Reading {
        Reading { at: Instant::now(), revocations: self.known().revocations }
    }

    pub(super) fn keep(&self, reading: Reading, token: &Arc<StoredToken>) {
        let mut known = self.known();
        if known.revocations != reading.revocations {
            return;
        }
        if known.tokens.len() >= TOKENS_MAX {
            known.tokens.retain(|_, (read_at, _)| read_at.elapsed() < KEPT);
        }
        if known.tokens.len() < TOKENS_MAX {
            known.tokens.insert(token.id, (reading.at, Arc::clone(token)));
        }
    }

    /// The token is not valid any more, whoever is reading it now.
    pub(super) fn forget(&self, id: Uuid) {
        let mut known = self.known();
        known.revocations += 1;
        known.tokens.remove(&id);
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use user_domain::{Scopes, TokenName};

    use super::*;
    use crate::vault::SecretHash;

    fn token(id: u128) -> Arc<StoredToken> {
        Arc::new(StoredToken {
            id: Uuid::from_u128(id),
            name: TokenName::from_stored("billing"),
            scopes: Scopes::ALL,
            created_at: Timestamp::UNIX_EPOCH,
            expires_at: None,
            secret_hash: SecretHash::of(&[0; 32]),
        })
    }

    #[test]
    fn a_token_is_known_until_it_is_revoked() {
        let (known, token) = (KnownTokens::default(), token(1));
        known.keep(known.reading(), &token);
        assert_eq!(known.get(token.id), Some(Arc::clone(&token)));
        known.forget(token.id);
        assert_eq!(known.get(token.id), None);
    }

    #[test]
    fn what_was_read_before_a_revocation_is_not_kept_after_it() {
        let (known, token) = (KnownTokens::default(), token(1));
        let reading = known.reading();
        known.forget(token.id);
        known.keep(reading, &token);
        assert_eq!(known.get(token.id), None);
    }

    #[test]
    fn what_was_read_too_long_ago_is_not_known() {
        let (known, token) = (KnownTokens::default(), token(1));
        let long_ago = Instant::now().checked_sub(KEPT).expect("the machine has run for a second");
        known.keep(Reading { at: long_ago, ..known.reading() }, &token);
        assert_eq!(known.get(token.id), None);
    }

    #[test]
    fn however_many_call_it_takes_no_more_memory() {
        let known = KnownTokens::default();
        for id in 0..2 * TOKENS_MAX as u128 {
            known.keep(known.reading(), &token(id));
        }
        assert!((1..=TOKENS_MAX).contains(&known.known().tokens.len()));
    }
}
