//! How a runner behaves. Everything has a default but who runs it.

use std::time::Duration;

use eventstore::Clock;
use uuid::Uuid;

/// How a runner behaves.
#[derive(Clone, Debug)]
pub struct RunnerSettings {
    /// Who holds the leases: drawn at random for each process, never used twice.
    pub holder: Uuid,
    /// How the holder calls itself, for people: host and process.
    pub label: String,
    /// How long a lease lasts without being renewed, which is how long the work of a killed process lies. It is renewed
    /// three times as often.
    pub lease_ttl: Duration,
    /// How long one step may keep the store's writer. Steps grow and shrink with how long the last one took.
    pub step_time: Duration,
    /// The most events that one step takes, however fast it is: what bounds the memory.
    pub step_events_max: u32,
    /// With more streams parked than this a projection pauses: it is not a few bad events then.
    pub parked_streams_max: usize,
    /// How many streams are folded again, from the log, before a generation takes the place of the live one.
    pub refolds: usize,
    /// How often an owner looks whether somebody in another process has wished something. It is told of wishes in its own.
    pub wishes_every: Duration,
    /// The first pause after a failure; it doubles with each further one.
    pub retry_first: Duration,
    /// The longest pause between two tries.
    pub retry_longest: Duration,
    /// What the inline tables of this binary are: see `InlineTable::layout`. Writers must have it when an inline
    /// projection of another revision has been switched to.
    pub inline_layout: Option<String>,
    /// What tells how long ago an event was recorded.
    pub clock: Clock,
}

impl RunnerSettings {
    /// The defaults, for a holder that nobody was before.
    #[must_use]
    pub fn new(holder: Uuid, label: impl Into<String>) -> Self {
        Self {
            holder,
            label: label.into(),
            lease_ttl: Duration::from_secs(5),
            step_time: Duration::from_millis(20),
            step_events_max: 1000,
            parked_streams_max: 100,
            refolds: 50,
            wishes_every: Duration::from_secs(1),
            retry_first: Duration::from_millis(50),
            retry_longest: Duration::from_secs(10),
            inline_layout: None,
            clock: Clock::system(),
        }
    }
}
