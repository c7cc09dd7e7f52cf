//! The service as its callers reach it: the generated client, and what an error says about what was done.

use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use buffa::Message;
use connectrpc::client::{ClientConfig, HttpClient};
use connectrpc::{ConnectError, ErrorCode, Protocol};
use user_api::rpc::ErrorInfo;
use user_api::v1::UserServiceClient;

/// What campaigns call with.
pub(crate) type Client = UserServiceClient<HttpClient>;

/// Longer than any answer of a living service takes; a killed one is found out by its closed connection.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the service says when it has not even tried. Whoever hears it may try again.
pub(crate) const NOT_TRIED: [&str; 5] =
    ["OVERLOADED", "STORE_DOWN", "DEADLINE_BEFORE_START", "CONTENDED", "WRITER_REFUSED"];

/// A client with a connection of its own.
pub(crate) fn client(address: SocketAddr) -> anyhow::Result<Client> {
    let uri: http::Uri = format!("http://{address}").parse()?;
    let config = ClientConfig::new(uri).with_protocol(Protocol::Grpc).with_default_timeout(PATIENCE);
    Ok(UserServiceClient::new(HttpClient::plaintext_http2_only(), config))
}

/// A client that tells the service until when it waits, and waits longer: so it is seen whether the service keeps to that.
pub(crate) fn client_that_tells(address: SocketAddr, deadline: Duration) -> anyhow::Result<Client> {
    let uri: http::Uri = format!("http://{address}").parse()?;
    let config = ClientConfig::new(uri).with_protocol(Protocol::Grpc);
    let config = config.with_default_header("grpc-timeout", format!("{}m", deadline.as_millis()));
    Ok(UserServiceClient::new(HttpClient::plaintext_http2_only(), config))
}

/// Whether callers are told to ask again, with the same request id: docs/clients.md, "Retrying".
pub(crate) fn may_be_asked_again(error: &ConnectError) -> bool {
    match error.code {
        ErrorCode::Unavailable | ErrorCode::DeadlineExceeded => true,
        ErrorCode::ResourceExhausted | ErrorCode::Aborted => {
            reason(error).is_some_and(|reason| NOT_TRIED.contains(&reason.as_str()))
        }
        _ => false,
    }
}

/// What an error says about the change that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It was not made, for this reason.
    NotExecuted(String),
    /// Nobody can tell whether it was made.
    Unknown(String),
}

/// Only what the service itself says is definite; a lost connection or a passed deadline says nothing.
pub(crate) fn failure(error: &ConnectError) -> Failure {
    match reason(error) {
        Some(reason) if reason == "OUTCOME_UNKNOWN" || reason == "INTERNAL" => Failure::Unknown(reason),
        Some(reason) => Failure::NotExecuted(reason),
        None => Failure::Unknown(format!("{:?}", error.code)),
    }
}

/// The stable reason that the service gave.
pub(crate) fn reason(error: &ConnectError) -> Option<String> {
    let info = error.details.iter().find(|detail| detail.type_url.ends_with("google.rpc.ErrorInfo"))?;
    let bytes = STANDARD_NO_PAD.decode(info.value.as_ref()?.trim_end_matches('=')).ok()?;
    ErrorInfo::decode_from_slice(&bytes).ok().map(|info| info.reason)
}

#[cfg(test)]
mod tests {
    use user_api::ApiError;

    use super::*;

    #[test]
    fn only_what_the_service_says_is_definite() {
        let said = |reason| failure(&ApiError::new(ErrorCode::AlreadyExists, reason, "").into());
        assert_eq!(said("EMAIL_TAKEN"), Failure::NotExecuted("EMAIL_TAKEN".to_owned()));
        assert_eq!(said("OUTCOME_UNKNOWN"), Failure::Unknown("OUTCOME_UNKNOWN".to_owned()));
        assert!(matches!(failure(&ConnectError::unavailable("cut")), Failure::Unknown(_)));
    }

    #[test]
    fn only_what_may_pass_is_asked_again() {
        let asks = |code, reason| may_be_asked_again(&ApiError::new(code, reason, "").into());
        assert!(asks(ErrorCode::ResourceExhausted, "OVERLOADED"));
        assert!(asks(ErrorCode::Aborted, "CONTENDED"));
        assert!(!asks(ErrorCode::Aborted, "ETAG_MISMATCH"));
        assert!(!asks(ErrorCode::Internal, "INTERNAL"));
        assert!(may_be_asked_again(&ConnectError::unavailable("cut")));
    }
}
