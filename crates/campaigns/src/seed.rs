//! The seed of a run: every choice comes from it, through a generator for each purpose, so that one part drawing more
//! often does not change what another part draws.

use std::fmt;
use std::sync::Mutex;

use eventstore::Clock;
use fastrand::Rng;
use user_service::Sources;
use uuid::Uuid;

/// Where every choice of a run comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seed(u64);

impl Seed {
    pub(crate) fn given_or_random(given: Option<u64>) -> Self {
        Self(given.unwrap_or_else(|| fastrand::u64(..)))
    }

    /// The generator for one purpose, and one of several who share it.
    pub(crate) fn rng(self, purpose: &str, of: u64) -> Rng {
        // FNV-1a: enough to keep purposes apart, and the same for ever.
        let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        let bytes = purpose.bytes().chain(of.to_le_bytes());
        Rng::with_seed(bytes.fold(self.0 ^ 0xcbf2_9ce4_8422_2325, mix))
    }

    /// Randomness for a directory. Two with the same seed and clock give the same bytes to the same requests.
    pub(crate) fn sources(self, clock: Clock) -> Sources {
        let rng = Mutex::new(self.rng("sources", 0));
        let fill = move |bytes: &mut [u8]| match rng.lock() {
            Ok(mut rng) => rng.fill(bytes),
            Err(poisoned) => poisoned.into_inner().fill(bytes),
        };
        Sources::new(fill, clock)
    }
}

/// A random id.
pub(crate) fn uuid(rng: &mut Rng) -> Uuid {
    uuid::Builder::from_random_bytes(rng.u128(..).to_le_bytes()).into_uuid()
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_purpose_always_draws_the_same_and_another_draws_something_else() {
        let draw = |seed: u64, purpose: &str, of| Seed(seed).rng(purpose, of).u64(..);
        assert_eq!(draw(1, "kills", 0), draw(1, "kills", 0));
        assert_ne!(draw(1, "kills", 0), draw(2, "kills", 0));
        assert_ne!(draw(1, "kills", 0), draw(1, "kills", 1));
        assert_ne!(draw(1, "kills", 0), draw(1, "pauses", 0));
    }
}
