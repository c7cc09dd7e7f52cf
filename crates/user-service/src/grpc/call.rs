//! Who calls, on whose behalf, from where, and until when she waits: the one place that reads it off the RPC stack.

use std::time::{Duration, Instant};

use connectrpc::RequestContext;
use eventstore::{Deadline, Metadata, Position};
use http::header::USER_AGENT;
use user_api::{ApiError, Rpc};
use user_domain::Scope;
use uuid::Uuid;

use super::caller_metadata::{CallerMetadata, Said};
use super::errors::of_denial;
use super::fields::Fields;
use crate::access::{Principal, scope_of};
use crate::host::Peer;
use crate::queries::{Attempter, Freshness};
use crate::traces;
use crate::vault::Origin;

/// Kept back from the caller's time, so that the reason reaches her before the stack cuts the call.
const ANSWERING_TIME: Duration = Duration::from_millis(20);

/// Kept back from the time that a caller waits for a view: after it the view is still to be read.
const READING_TIME: Duration = Duration::from_millis(250);

/// For a call whose stack set no deadline.
const PATIENCE: Duration = Duration::from_secs(10);

/// A browser says about 120 characters. What is longer was made to be long.
pub(super) const USER_AGENT_BYTES_MAX: usize = 500;

/// One call.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// Until when the caller waits.
    pub(super) deadline: Deadline,
    /// Who she is, as far as this service has found out itself.
    pub(super) principal: Principal,
    /// What she calls.
    rpc: Rpc,
    /// On whose behalf she calls and what it belongs to, by her own word; empty unless she is trusted.
    said: Said,
    /// Where the request came from: by her word if she is trusted, else as it is seen here.
    pub(super) origin: Option<Origin>,
}

impl Call {
    /// Reads a call, unless whoever calls may not. The gate has asked that already, by the path alone and before the body was
    /// read: this is where the call is certain.
    pub(super) fn of(context: &RequestContext, callers: CallerMetadata, rpc: Rpc) -> Result<Self, ApiError> {
        let principal = context.extensions().get::<Principal>().cloned().unwrap_or_else(Principal::anybody);
        principal.require(scope_of(rpc), rpc.name()).map_err(|denial| of_denial(&denial))?;
        let mut fields = Fields::default();
        let mut said = match callers {
            CallerMetadata::Trusted => Said::parse(&mut fields, context.headers()),
            CallerMetadata::Ignored => Said::default(),
        };
        fields.done()?;
        let seen = seen(context);
        let origin = Origin {
            source_address: said.origin.source_address.take().or(seen.source_address),
            user_agent: said.origin.user_agent.take().or(seen.user_agent),
        };
        Ok(Self { deadline: deadline(context), principal, rpc, said, origin: origin.known() })
    }

    /// Refuses what takes another scope than the call itself does.
    pub(super) fn require(&self, scope: Scope) -> Result<(), ApiError> {
        self.principal.require(scope, self.rpc.name()).map_err(|denial| of_denial(&denial))
    }

    /// On whose behalf the caller acts, if she said so and is trusted.
    pub(super) fn actor(&self) -> Option<&str> {
        self.said.actor.as_deref()
    }

    /// Who attempts a password: whose failures are counted together.
    pub(super) fn attempter(&self) -> Attempter<'_> {
        let address = self.origin.as_ref().and_then(|origin| origin.source_address.as_deref());
        Attempter { principal: self.principal.name(), address: address.unwrap_or_default() }
    }

    /// How new the answer to this call must be: at least as new as what the caller has seen. Some of her time is kept
    /// back for reading it, or for finding out how far the view is.
    pub(super) fn freshness(&self, min_position: Option<u64>) -> Freshness {
        let end = self.deadline.0;
        let kept_back = READING_TIME.min(end.saturating_duration_since(Instant::now()) / 5);
        let deadline = Deadline(end.checked_sub(kept_back).unwrap_or(end));
        Freshness { min_position: min_position.map(Position), deadline }
    }

    /// What stands beside every event of this call. The request's own id goes before the one in a header.
    pub(super) fn metadata(&self, request_id: Option<Uuid>) -> Metadata {
        Metadata {
            actor: Some(self.actor().unwrap_or(self.principal.name()).to_owned()),
            request_id: request_id.or(self.said.request_id),
            // Without a word of the caller's, the trace that we follow ourselves, where we follow one.
            correlation_id: self.said.correlation_id.or_else(traces::current),
            causation_id: self.said.causation_id,
        }
    }
}

fn deadline(context: &RequestContext) -> Deadline {
    let now = Instant::now();
    let end = context.deadline().unwrap_or(now + PATIENCE);
    let kept_back = ANSWERING_TIME.min(end.saturating_duration_since(now) / 10);
    Deadline(end.checked_sub(kept_back).unwrap_or(end))
}

/// What this service sees by itself. The peer's port is left out: it tells nobody anything a day later. An odd user agent
/// is nobody's reason to be refused: it is cut, and what is not text is dropped.
fn seen(context: &RequestContext) -> Origin {
    let user_agent = context.header(USER_AGENT).and_then(|value| value.to_str().ok());
    let user_agent = user_agent.map(|text| text[..text.len().min(USER_AGENT_BYTES_MAX)].to_owned());
    Origin {
        source_address: context.extensions().get::<Peer>().map(|peer| peer.0.ip().to_canonical().to_string()),
        user_agent: user_agent.filter(|text| !text.is_empty()),
    }
}
