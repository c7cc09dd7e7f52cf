//! The token as a write model: how the generic command side reaches `decide` and `evolve`.

use cqrs::{Claim, Decider, Recorded};
use eventstore::Version;

use super::{ApiToken, ApiTokenEvent, ApiTokenRefusal, CreateApiToken, RevokeApiToken, state};

/// The tokens; each stream is one of them.
#[derive(Clone, Copy, Debug)]
pub struct ApiTokens;

/// Something that is asked of a token. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApiTokenCommand {
    /// See [`CreateApiToken`].
    Create(CreateApiToken),
    /// See [`RevokeApiToken`].
    Revoke(RevokeApiToken),
}

impl Decider for ApiTokens {
    const AGGREGATE_TYPE: &'static str = "api_token";

    type State = ApiToken;
    type Command = ApiTokenCommand;
    type Event = ApiTokenEvent;
    type Refusal = ApiTokenRefusal;

    fn decide(token: &ApiToken, command: &ApiTokenCommand) -> Result<Vec<ApiTokenEvent>, ApiTokenRefusal> {
        match command {
            ApiTokenCommand::Create(command) => command.decide(token),
            ApiTokenCommand::Revoke(RevokeApiToken) => RevokeApiToken::decide(token),
        }
    }

    fn evolve(_: ApiToken, recorded: &Recorded<ApiTokenEvent>) -> ApiToken {
        state::evolve(recorded)
    }

    /// Two tokens may have the same name: one is made before the other is revoked.
    fn claims(_: &ApiToken) -> Vec<Claim> {
        Vec::new()
    }

    fn version(token: &ApiToken) -> Version {
        token.version()
    }
}

impl From<CreateApiToken> for ApiTokenCommand {
    fn from(command: CreateApiToken) -> Self {
        Self::Create(command)
    }
}

impl From<RevokeApiToken> for ApiTokenCommand {
    fn from(command: RevokeApiToken) -> Self {
        Self::Revoke(command)
    }
}
