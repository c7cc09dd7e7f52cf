//! Who calls, as far as the gate has found out: a token, or anybody where nobody has to say.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;
use user_domain::{Scope, Scopes};
use uuid::Uuid;

use super::{Denial, Tokens};

/// Who calls where no token is wanted.
const ANONYMOUS: &str = "anonymous";

/// How often a stream that has begun asks whether its token is still valid.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Who calls. Cheap to clone; an extension of each request that came through the gate.
#[derive(Clone, Debug)]
pub struct Principal {
    name: Arc<str>,
    scopes: Scopes,
    token: Option<(Tokens, Uuid)>,
}

impl Principal {
    /// Whoever reaches the port, and may do all.
    #[must_use]
    pub fn anybody() -> Self {
        Self { name: ANONYMOUS.into(), scopes: Scopes::ALL, token: None }
    }

    pub(super) fn of_token(tokens: Tokens, id: Uuid, scopes: Scopes) -> Self {
        Self { name: format!("token:{id}").into(), scopes, token: Some((tokens, id)) }
    }

    /// As events, idempotency keys and logs name her: never by a secret.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether she has shown one.
    pub(super) fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// Whether she may do what takes this scope.
    #[must_use]
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.has(scope)
    }

    /// Refuses her what takes a scope that she has not.
    pub fn require(&self, scope: Scope, method: &'static str) -> Result<(), Denial> {
        if self.may(scope) { Ok(()) } else { Err(Denial::ScopeMissing { scope, method }) }
    }

    /// Comes back when her token is valid no more: for streams, which outlive what they were admitted on.
    pub async fn withdrawn(&self) -> Denial {
        let Some((tokens, id)) = &self.token else { return std::future::pending().await };
        loop {
            sleep(LOOK_EVERY).await;
            if let Some(denial) = tokens.withdrawn(*id).await {
                return denial;
            }
        }
    }
}
