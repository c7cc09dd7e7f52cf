//! The one way to answer an error: a code, a stable reason and what a caller needs to act on it.
//! Which refusal has which code and reason is not decided here but where the refusals are known.

use std::time::Duration;

use buffa::{Message, MessageField, MessageName};
use connectrpc::{ConnectError, ErrorCode, ErrorDetail};
use http::header::RETRY_AFTER;
use serde::Serialize;

use crate::rpc::bad_request::FieldViolation;
use crate::rpc::{BadRequest, ErrorInfo, RetryInfo};

/// Who defines our reasons: the `domain` of every `ErrorInfo`.
pub const ERROR_DOMAIN: &str = "user.v1";

/// An error as a caller sees it. All of it leaves the process: never put internal text in.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiError {
    code: ErrorCode,
    message: String,
    info: Box<ErrorInfo>,
    violations: Vec<FieldViolation>,
    retry_delay: Option<Duration>,
}

impl ApiError {
    /// `reason` is `UPPER_SNAKE_CASE` and stays as it is for good: programs compare it. `message` is
    /// a sentence for a developer and may change.
    pub fn new(code: ErrorCode, reason: &str, message: impl Into<String>) -> Self {
        let info =
            ErrorInfo { reason: reason.to_owned(), domain: ERROR_DOMAIN.to_owned(), ..ErrorInfo::default() };
        Self {
            code,
            message: message.into(),
            info: Box::new(info),
            violations: Vec::new(),
            retry_delay: None,
        }
    }

    /// A value that the message speaks of, for programs that would otherwise take the text apart.
    #[must_use]
    pub fn with_metadata(mut self, key: &str, value: impl Into<String>) -> Self {
        self.info.metadata.insert(key.to_owned(), value.into());
        self
    }

    /// A field of the request that is to blame, by its path: `filter.statuses`.
    #[must_use]
    pub fn with_violation(mut self, field: impl Into<String>, description: impl Into<String>) -> Self {
        self.violations.push(FieldViolation { field: field.into(), description: description.into() });
        self
    }

    /// The call may be repeated as it is, after this time at the earliest.
    #[must_use]
    pub fn with_retry_delay(mut self, delay: Duration) -> Self {
        self.retry_delay = Some(delay);
        self
    }
}

/// For those who are told of an error inside an answer.
impl ApiError {
    /// The stable reason.
    pub fn reason(&self) -> &str {
        &self.info.reason
    }

    /// The sentence for a developer.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The first field that is to blame, and what is wrong with it.
    pub fn violation(&self) -> Option<(&str, &str)> {
        self.violations.first().map(|violation| (&*violation.field, &*violation.description))
    }
}

impl From<ApiError> for ConnectError {
    fn from(error: ApiError) -> Self {
        let mut answer = Self::new(error.code, error.message).with_detail(detail(&*error.info));
        if !error.violations.is_empty() {
            answer = answer.with_detail(detail(&BadRequest { field_violations: error.violations }));
        }
        if let Some(delay) = error.retry_delay {
            // For whoever has only HTTP: in whole seconds, as RFC 9110 has it.
            let seconds = delay.as_secs() + u64::from(delay.subsec_nanos() > 0);
            answer.response_headers_mut().insert(RETRY_AFTER, seconds.into());
            answer = answer.with_detail(detail(&RetryInfo { retry_delay: MessageField::some(delay.into()) }));
        }
        answer
    }
}

/// The stack fills in the bytes only; `debug` is the same as JSON, for whoever reads it with curl.
fn detail<M: Message + MessageName + Serialize>(message: &M) -> ErrorDetail {
    let mut detail = ErrorDetail::from_message(M::FULL_NAME, message);
    detail.debug = serde_json::to_value(message).ok();
    detail
}
