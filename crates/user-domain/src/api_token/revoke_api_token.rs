//! A token is to be good for nothing from now on. There is no way back: another is created instead.

use super::{ApiToken, ApiTokenEvent, ApiTokenRefusal, ApiTokenRevoked};

/// A token is to be revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevokeApiToken;

impl RevokeApiToken {
    pub(super) fn decide(token: &ApiToken) -> Result<Vec<ApiTokenEvent>, ApiTokenRefusal> {
        match token {
            ApiToken::Absent => Err(ApiTokenRefusal::TokenNotFound),
            ApiToken::Live(_) => Ok(vec![ApiTokenRevoked {}.into()]),
            ApiToken::Revoked { .. } => Ok(Vec::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use cqrs::testkit::given;

    use super::super::ApiTokens;
    use super::super::event::tests::created;
    use super::*;

    #[test]
    fn a_token_is_revoked_once() {
        given::<ApiTokens>([created()]).when(RevokeApiToken.into()).then([ApiTokenRevoked {}.into()]);
        given::<ApiTokens>([created(), ApiTokenRevoked {}.into()]).when(RevokeApiToken.into()).then([]);
    }

    #[test]
    fn what_never_was_cannot_be_revoked() {
        given::<ApiTokens>([]).when(RevokeApiToken.into()).refused(ApiTokenRefusal::TokenNotFound);
    }
}
