//! Fields of a request on their way to values: everything that is wrong with them is told at once.

use buffa_types::google::protobuf::Timestamp as ProtoTimestamp;
use connectrpc::ErrorCode;
use eventstore::{AggregateId, Version};
use jiff::Timestamp;
use user_api::ApiError;
use user_domain::{Email, Username, Violation};
use uuid::Uuid;

use super::user::etag_version;
use crate::queries::UserRef;

/// What is wrong with a request.
#[derive(Debug, Default)]
pub(super) struct Fields(Vec<Violation>);

impl Fields {
    /// The value, if it is one.
    pub(super) fn check<T>(&mut self, parsed: Result<T, Violation>) -> Option<T> {
        parsed.map_err(|violation| self.0.push(violation)).ok()
    }

    /// The value of a field that may be absent or, which means the same, empty.
    pub(super) fn check_optional<T>(
        &mut self,
        text: Option<&str>,
        parse: impl FnOnce(&str) -> Result<T, Violation>,
    ) -> Option<T> {
        text.filter(|text| !text.is_empty()).and_then(|text| self.check(parse(text)))
    }

    /// The same of a field of a filter, which has a name of its own.
    pub(super) fn check_filter<T>(
        &mut self,
        field: &'static str,
        text: &str,
        parse: impl FnOnce(&str) -> Result<T, Violation>,
    ) -> Option<T> {
        self.check_optional(Some(text), |text| {
            parse(text).map_err(|violation| Violation { field, ..violation })
        })
    }

    /// A time that may be absent.
    pub(super) fn time(&mut self, field: &'static str, asked: Option<&ProtoTimestamp>) -> Option<Timestamp> {
        let time = Timestamp::try_from(asked?.clone()).ok();
        if time.is_none() {
            self.wrong(field, "MALFORMED_TIME", "must be between the years 1 and 9999");
        }
        time
    }

    /// The user's id.
    pub(super) fn id(&mut self, text: &str) -> Option<AggregateId> {
        self.check(parse_uuid("id", text)).map(AggregateId)
    }

    /// One of several ids.
    pub(super) fn listed_id(&mut self, field: &'static str, text: &str) -> Option<Uuid> {
        self.check(parse_uuid(field, text))
    }

    /// The version that an etag names, if there is one. One of another user names none of hers.
    pub(super) fn etag(&mut self, text: &str, id: Option<AggregateId>) -> Option<Version> {
        if text.is_empty() {
            return None;
        }
        let wrong = || violation("etag", "MALFORMED_ETAG", "must be an etag of this user, as it was given");
        self.check(etag_version(text, id?).ok_or_else(wrong))
    }

    /// The client's name for the request, if it has one.
    pub(super) fn request_id(&mut self, text: &str) -> Option<Uuid> {
        if text.is_empty() { None } else { self.check(parse_uuid("request_id", text)) }
    }

    /// Something that no value says by itself.
    pub(super) fn wrong(&mut self, field: &'static str, reason: &'static str, description: &str) {
        self.0.push(violation(field, reason, description));
    }

    /// Ends the request if anything is wrong with it.
    pub(super) fn done(&self) -> Result<(), ApiError> {
        if self.0.is_empty() { Ok(()) } else { Err(self.error()) }
    }

    /// What the caller is told. The reason is the first violation's; each field has its own words.
    pub(super) fn error(&self) -> ApiError {
        let reason = self.0.first().map_or("INVALID_FIELDS", |violation| violation.reason);
        let error = ApiError::new(ErrorCode::InvalidArgument, reason, "some fields are not valid");
        self.0.iter().fold(error, |error, Violation { field, description, .. }| {
            error.with_violation(*field, description.clone())
        })
    }
}

/// How a request names a user: by exactly one of three fields.
pub(super) enum By<'a> {
    Id(&'a str),
    Email(&'a str),
    Username(&'a str),
}

impl Fields {
    /// The user that a request names.
    pub(super) fn user_ref(&mut self, by: Option<&By<'_>>) -> Option<UserRef> {
        match by {
            Some(By::Id(id)) => self.check(parse_uuid("id", id)).map(UserRef::Id),
            Some(By::Email(email)) => self.check(Email::parse(email)).map(UserRef::Email),
            Some(By::Username(name)) => self.check(Username::sought(name)).map(UserRef::Username),
            None => {
                self.wrong("id", "REQUIRED", "give exactly one of id, email and username");
                None
            }
        }
    }
}

fn parse_uuid(field: &'static str, text: &str) -> Result<Uuid, Violation> {
    let wrong = || violation(field, "MALFORMED_UUID", "must be a UUID: 36 characters with hyphens");
    let parsed = Uuid::try_parse(text).map_err(|_| wrong())?;
    if text.len() == 36 { Ok(parsed) } else { Err(wrong()) }
}

fn violation(field: &'static str, reason: &'static str, description: &str) -> Violation {
    Violation { field, reason, description: description.to_owned() }
}
