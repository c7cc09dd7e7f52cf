//! A token is to be created, for certain uses and perhaps for a certain time.

use jiff::Timestamp;

use super::{ApiToken, ApiTokenCreated, ApiTokenEvent, ApiTokenRefusal, Scopes, TokenName};

/// A token is to be created. Its secret travels beside the command, as a hash, to the vault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateApiToken {
    /// What it is called.
    pub name: TokenName,
    /// What it is for.
    pub scopes: Scopes,
    /// Until when it is valid; for ever if `None`. In whole microseconds, as the log has times.
    pub expires_at: Option<Timestamp>,
}

impl CreateApiToken {
    pub(super) fn decide(&self, token: &ApiToken) -> Result<Vec<ApiTokenEvent>, ApiTokenRefusal> {
        let Self { name, scopes, expires_at } = self.clone();
        match token {
            ApiToken::Absent => Ok(vec![ApiTokenCreated { name, scopes, expires_at }.into()]),
            ApiToken::Live(_) | ApiToken::Revoked { .. } => Err(ApiTokenRefusal::TokenExists),
        }
    }
}

#[cfg(test)]
mod tests {
    use cqrs::testkit::given;

    use super::super::event::tests::created;
    use super::super::{ApiTokens, Scope};
    use super::*;

    fn create() -> CreateApiToken {
        let name = TokenName::from_stored("billing");
        CreateApiToken { name, scopes: [Scope::Read, Scope::Write].into_iter().collect(), expires_at: None }
    }

    #[test]
    fn a_new_token_is_what_was_asked_for() {
        given::<ApiTokens>([]).when(create().into()).then([created()]);
    }

    #[test]
    fn an_id_is_used_once() {
        given::<ApiTokens>([created()]).when(create().into()).refused(ApiTokenRefusal::TokenExists);
        given::<ApiTokens>([created(), crate::ApiTokenRevoked {}.into()])
            .when(create().into())
            .refused(ApiTokenRefusal::TokenExists);
    }
}
