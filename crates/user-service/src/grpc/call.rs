//! Who calls, and until when she waits: the one place that reads it off the RPC stack.

use std::time::{Duration, Instant};

use connectrpc::RequestContext;
use eventstore::Deadline;

/// Nobody is authenticated yet: whoever reaches the loopback address is this one.
const ANONYMOUS: &str = "anonymous";

/// Kept back from the caller's time, so that the reason reaches her before the stack cuts the call.
const ANSWERING_TIME: Duration = Duration::from_millis(20);

/// For a call whose stack set no deadline.
const PATIENCE: Duration = Duration::from_secs(10);

/// One call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    /// Until when the caller waits.
    pub(super) deadline: Deadline,
    /// Who she is, as far as this service has found out itself.
    pub(super) principal: &'static str,
}

impl Call {
    pub(super) fn of(context: &RequestContext) -> Self {
        let now = Instant::now();
        let end = context.deadline().unwrap_or(now + PATIENCE);
        let kept_back = ANSWERING_TIME.min(end.saturating_duration_since(now) / 10);
        Self { deadline: Deadline(end.checked_sub(kept_back).unwrap_or(end)), principal: ANONYMOUS }
    }
}
