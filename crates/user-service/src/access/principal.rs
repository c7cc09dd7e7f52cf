//! Who calls, as far as the gate has found out: a token, a certificate, or anybody where nobody has to say.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use user_domain::{Scope, Scopes};

use super::known::KEPT;
use super::tokens::LOOK_UP_MAX;
use super::{Denial, Tokens};
use crate::host::CallerCertificate;
use crate::vault::StoredToken;

/// Who calls where neither is wanted.
const ANONYMOUS: &str = "anonymous";

/// How often a stream that has begun asks whether its token is still valid.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The promise is five seconds: it was looked up a moment before it was revoked, and then slowly.
const _: () = assert!(KEPT.as_secs() + LOOK_EVERY.as_secs() + LOOK_UP_MAX.as_secs() <= 5);

/// For how long a stream goes on while nobody can tell. A failover takes less; meanwhile there is little to tell her that is
/// new, and a token that was revoked elsewhere is found out no later.
const UNCONFIRMED_MAX: Duration = Duration::from_secs(30);

/// Who calls. Cheap to clone; an extension of each request that came through the gate.
#[derive(Clone, Debug)]
pub struct Principal {
    name: Arc<str>,
    scopes: Scopes,
    token: Option<(Tokens, Arc<StoredToken>)>,
}

impl Principal {
    /// Whoever reaches the port, and may do all.
    #[must_use]
    pub fn anybody() -> Self {
        Self { name: ANONYMOUS.into(), scopes: Scopes::ALL, token: None }
    }

    pub(super) fn of_token(tokens: Tokens, token: Arc<StoredToken>) -> Self {
        Self {
            name: format!("token:{}", token.id).into(),
            scopes: token.scopes,
            token: Some((tokens, token)),
        }
    }

    /// Whoever has shown a certificate and no token.
    pub(super) fn of_certificate(certificate: &CallerCertificate, scopes: Scopes) -> Self {
        Self { name: format!("certificate:{}", certificate.0).into(), scopes, token: None }
    }

    /// As events, idempotency keys and logs name her: never by a secret.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether anything is known of her.
    pub(super) fn is_known(&self) -> bool {
        &*self.name != ANONYMOUS
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

    /// Comes back when her token is valid no more, or nobody could tell for too long: for streams, which outlive what they
    /// were admitted on.
    pub async fn withdrawn(&self) -> Denial {
        self.unconfirmed_for(UNCONFIRMED_MAX, LOOK_EVERY).await
    }

    async fn unconfirmed_for(&self, unconfirmed_max: Duration, look_every: Duration) -> Denial {
        let Some((tokens, token)) = &self.token else { return std::future::pending().await };
        let mut confirmed = Instant::now();
        loop {
            sleep(look_every).await;
            match tokens.confirm(token).await {
                Ok(()) => confirmed = Instant::now(),
                Err(Denial::Unavailable(_) | Denial::Overloaded) if confirmed.elapsed() < unconfirmed_max => {
                }
                Err(denial) => return denial,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use user_domain::TokenName;

    use super::*;
    use crate::access::NewToken;
    use crate::directory::directory_in;

    const SOON: Duration = Duration::from_millis(20);
    const NEVER: Duration = Duration::from_hours(24);

    #[tokio::test]
    async fn a_stream_whose_token_nobody_can_look_up_ends_after_a_while_and_no_sooner() {
        let folder = tempfile::tempdir().expect("there is room");
        let directory = directory_in(folder.path()).await;
        let tokens = Tokens::new(directory.clone());
        let name = TokenName::parse("auditor").expect("it is one");
        let new = NewToken { name, scopes: Scopes::ALL, expires_at: None };
        let shown = tokens.create(new).await.expect("nothing stands against it");
        let token = tokens.admitted(&shown).await.expect("it is valid");
        let principal = Principal::of_token(tokens.clone(), token);
        directory.store().close().await;
        while tokens.admitted(&shown).await.is_ok() {
            tokio::task::yield_now().await;
        }
        let patient = tokio::time::timeout(5 * SOON, principal.unconfirmed_for(NEVER, SOON));
        assert!(patient.await.is_err(), "a short while says nothing");
        let denial = principal.unconfirmed_for(SOON, SOON).await;
        assert!(matches!(denial, Denial::Unavailable(_)), "{denial:?}");
    }
}
