//! Where randomness and the time of day come from: the one seam through which a test gives the service both.
//!
//! The log has a clock of its own. This one dates ids and attempts at passwords, and nothing is ever ordered by it.

use std::fmt;
use std::sync::Arc;

use eventstore::Clock;
use jiff::Timestamp;
use uuid::Uuid;

type Fill = dyn Fn(&mut [u8]) + Send + Sync;

/// Randomness and the time of day. Cheap to clone.
#[derive(Clone)]
pub struct Sources {
    random: Arc<Fill>,
    clock: Clock,
}

impl Sources {
    /// The system's own.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the seam that everybody else takes the time from")]
    pub fn system() -> Self {
        Self::new(
            |bytes| getrandom::fill(bytes).expect("the system gives randomness, or nothing here is safe"),
            Clock::new(Timestamp::now),
        )
    }

    /// Others, for a test.
    pub fn new(random: impl Fn(&mut [u8]) + Send + Sync + 'static, clock: Clock) -> Self {
        Self { random: Arc::new(random), clock }
    }

    /// Random bytes.
    #[must_use]
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        (self.random)(&mut bytes);
        bytes
    }

    /// The time of day.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A fresh id of the seventh version.
    #[must_use]
    pub fn uuid(&self) -> Uuid {
        let millis = u64::try_from(self.clock.now().as_millisecond()).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(millis, &self.random()).into_uuid()
    }
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sources")
    }
}
