//! What a trusted caller says about the request that she passes on: who is behind it, what it belongs to, where it came
//! from. Read only where `--trust-caller-metadata` says that everybody who reaches the port may be believed.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use uuid::Uuid;

use super::call::USER_AGENT_BYTES_MAX;
use super::fields::Fields;
use crate::traces::CallersTrace;
use crate::vault::Origin;

/// Whether callers are believed when they say on whose behalf they call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CallerMetadata {
    /// Whatever they say is ignored.
    #[default]
    Ignored,
    /// They are gateways and services of our own, and overwrite what they were sent themselves.
    Trusted,
}

impl From<CallerMetadata> for CallersTrace {
    fn from(callers: CallerMetadata) -> Self {
        match callers {
            CallerMetadata::Ignored => Self::Linked,
            CallerMetadata::Trusted => Self::Continued,
        }
    }
}

pub(super) const ACTOR: &str = "x-actor-id";
pub(super) const REQUEST: &str = "x-request-id";
pub(super) const CORRELATION: &str = "x-correlation-id";
pub(super) const CAUSATION: &str = "x-causation-id";
pub(super) const SOURCE: &str = "x-source-address";
pub(super) const FORWARDED: &str = "x-forwarded-for";
pub(super) const AGENT: &str = "x-user-agent";
const TRACE: &str = "traceparent";

const ACTOR_BYTES_MAX: usize = 100;

/// What she says; nothing of it is required.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) actor: Option<String>,
    pub(super) request_id: Option<Uuid>,
    pub(super) correlation_id: Option<Uuid>,
    pub(super) causation_id: Option<Uuid>,
    pub(super) origin: Origin,
}

impl Said {
    /// Reads the headers. What is malformed is told under the header's name: a gateway that is set up wrongly should find
    /// out, rather than leave an audit trail with holes.
    pub(super) fn parse(fields: &mut Fields, headers: &HeaderMap) -> Self {
        let mut said = |name, parse: fn(&str) -> Result<String, Wrong>| {
            let text = once(fields, headers, name)?;
            parse(text).map_err(|(reason, description)| fields.wrong(name, reason, description)).ok()
        };
        let (actor, user_agent) = (said(ACTOR, actor), said(AGENT, user_agent));
        let source_address = said(SOURCE, address).or_else(|| {
            let first = text(headers, FORWARDED)?.split(',').next()?.trim();
            address(first).map_err(|(reason, description)| fields.wrong(FORWARDED, reason, description)).ok()
        });
        let mut id = |name| {
            let text = once(fields, headers, name)?;
            let id = uuid(text);
            if id.is_none() {
                fields.wrong(name, "MALFORMED_UUID", "must be a UUID");
            }
            id
        };
        Self {
            request_id: id(REQUEST),
            correlation_id: id(CORRELATION).or_else(|| text(headers, TRACE).and_then(trace_id)),
            causation_id: id(CAUSATION),
            actor,
            origin: Origin { source_address, user_agent },
        }
    }
}

/// A reason, and words for it.
type Wrong = (&'static str, &'static str);

fn text<'h>(headers: &'h HeaderMap, name: &'static str) -> Option<&'h str> {
    // What is no text is not left out: it is as malformed as an empty one.
    headers.get(name).map(|value| value.to_str().unwrap_or_default())
}

/// A header that must not be there twice: the second may be what somebody else sent through the gateway.
fn once<'h>(fields: &mut Fields, headers: &'h HeaderMap, name: &'static str) -> Option<&'h str> {
    if headers.get_all(name).iter().nth(1).is_some() {
        fields.wrong(name, "REPEATED_HEADER", "must be given once");
        return None;
    }
    text(headers, name)
}

/// It stands in the open part of the log for ever, where no erasure reaches it: an id, and never an e-mail address.
fn actor(text: &str) -> Result<String, Wrong> {
    let fits = (1..=ACTOR_BYTES_MAX).contains(&text.len());
    if fits && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'@') {
        return Ok(text.to_owned());
    }
    Err((
        "MALFORMED_ACTOR",
        "must be an id of 1 to 100 visible ASCII characters without spaces and without @",
    ))
}

fn user_agent(text: &str) -> Result<String, Wrong> {
    let fits = (1..=USER_AGENT_BYTES_MAX).contains(&text.len());
    if fits && text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
        return Ok(text.to_owned());
    }
    Err(("MALFORMED_USER_AGENT", "must be 1 to 500 visible ASCII characters"))
}

/// An IP address. Some proxies add the port: it is dropped.
fn address(text: &str) -> Result<String, Wrong> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let parsed = bare.parse().or_else(|_| text.parse().map(|address: SocketAddr| address.ip()));
    parsed
        .map(|address: IpAddr| address.to_canonical().to_string())
        .map_err(|_| ("MALFORMED_ADDRESS", "must be an IP address"))
}

/// With hyphens, or the 32 hex digits that tracing writes.
pub(super) fn uuid(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text).ok().filter(|_| matches!(text.len(), 32 | 36))
}

/// The trace that a request is part of (W3C Trace Context, 3.2). What is malformed is ignored, as the standard wants.
fn trace_id(text: &str) -> Option<Uuid> {
    let mut parts = text.trim().split('-');
    let (version, trace) = (parts.next()?, parts.next()?);
    let known = version.len() == 2 && version != "ff" && parts.next()?.len() == 16;
    uuid(trace).filter(|id| known && trace.len() == 32 && !id.is_nil())
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use connectrpc::ConnectError;
    use http::HeaderValue;

    use super::*;

    const ID: &str = "0b5e0000-0000-4000-8000-000000000001";

    fn said(headers: &[(&'static str, &str)]) -> (Said, Fields) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).expect("a header can hold it"));
        }
        let mut fields = Fields::default();
        (Said::parse(&mut fields, &map), fields)
    }

    #[test]
    fn what_a_caller_says_is_read() {
        let (all, fields) = said(&[
            (ACTOR, "svc:billing"),
            (REQUEST, ID),
            (CORRELATION, ID),
            (CAUSATION, ID),
            (FORWARDED, "2001:db8::7, 192.0.2.1"),
            (AGENT, "Mozilla/5.0 (X11)"),
        ]);
        let id = Uuid::try_parse(ID).ok();
        let origin = Origin {
            source_address: Some("2001:db8::7".to_owned()),
            user_agent: Some("Mozilla/5.0 (X11)".to_owned()),
        };
        let actor = Some("svc:billing".to_owned());
        assert!(fields.done().is_ok());
        assert_eq!(all, Said { actor, request_id: id, correlation_id: id, causation_id: id, origin });
        assert_eq!(said(&[]).0, Said::default());
    }

    #[test]
    fn addresses_come_in_many_spellings() {
        for (name, given, read) in [
            (SOURCE, "192.0.2.7", "192.0.2.7"),
            (SOURCE, "192.0.2.7:443", "192.0.2.7"),
            (SOURCE, "[2001:db8::7]:443", "2001:db8::7"),
            (SOURCE, "[2001:db8::7]", "2001:db8::7"),
            (SOURCE, "::ffff:192.0.2.7", "192.0.2.7"),
            (FORWARDED, " 192.0.2.7 , 10.0.0.1", "192.0.2.7"),
        ] {
            assert_eq!(said(&[(name, given)]).0.origin.source_address.as_deref(), Some(read), "{given}");
        }
        let both = said(&[(FORWARDED, "10.0.0.1"), (SOURCE, "192.0.2.7")]).0;
        assert_eq!(both.origin.source_address.as_deref(), Some("192.0.2.7"));
    }

    #[test]
    fn a_trace_is_a_correlation_unless_another_is_given() {
        let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let correlation = |headers: &[(&'static str, &str)]| said(headers).0.correlation_id;
        let read = correlation(&[(TRACE, trace)]).map(|id| id.simple().to_string());
        assert_eq!(read.as_deref(), Some("4bf92f3577b34da6a3ce929d0e0e4736"));
        assert_eq!(correlation(&[(TRACE, trace), (CORRELATION, ID)]), Uuid::try_parse(ID).ok());
        for malformed in [
            "",
            "00",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
        ] {
            let (said, fields) = said(&[(TRACE, malformed)]);
            assert!(said.correlation_id.is_none() && fields.done().is_ok(), "{malformed}");
        }
    }

    #[test]
    fn what_is_malformed_is_told_under_the_headers_name() {
        let (long, longer) = ("x".repeat(101), "x".repeat(501));
        let mut table = String::new();
        for headers in [
            &[(ACTOR, "")][..],
            &[(ACTOR, "Alice Liddell")],
            &[(ACTOR, "alice@example.org")],
            &[(ACTOR, &long)],
            &[(ACTOR, "one"), (ACTOR, "two")],
            &[(REQUEST, "1")],
            &[(CORRELATION, "{0b5e0000-0000-4000-8000-000000000001}")],
            &[(CAUSATION, "")],
            &[(SOURCE, "localhost")],
            &[(FORWARDED, "unknown, 192.0.2.7")],
            &[(AGENT, &longer)],
            &[(AGENT, "\u{e9}")],
        ] {
            let (said, fields) = said(headers);
            assert_eq!(said, Said::default(), "{headers:?}");
            let error = ConnectError::from(fields.error());
            let told: Vec<_> = error.details.iter().filter_map(|detail| detail.debug.as_ref()).collect();
            let field = &told[1]["fieldViolations"][0]["field"];
            writeln!(table, "{} {} {field}", error.code.as_str(), told[0]["reason"])
                .expect("memory does not fail");
        }
        insta::assert_snapshot!(table.replace('"', ""), @"
        invalid_argument MALFORMED_ACTOR x-actor-id
        invalid_argument MALFORMED_ACTOR x-actor-id
        invalid_argument MALFORMED_ACTOR x-actor-id
        invalid_argument MALFORMED_ACTOR x-actor-id
        invalid_argument REPEATED_HEADER x-actor-id
        invalid_argument MALFORMED_UUID x-request-id
        invalid_argument MALFORMED_UUID x-correlation-id
        invalid_argument MALFORMED_UUID x-causation-id
        invalid_argument MALFORMED_ADDRESS x-source-address
        invalid_argument MALFORMED_ADDRESS x-forwarded-for
        invalid_argument MALFORMED_USER_AGENT x-user-agent
        invalid_argument MALFORMED_USER_AGENT x-user-agent
        ");
    }
}
