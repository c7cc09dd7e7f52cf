//! Web pages that may call: those of the origins that an operator named, and of no other. A browser asks before it lets a
//! page of another origin read an answer (CORS); without an answer it does not.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Method};
use tower_http::cors::CorsLayer;
use url::Url;

/// What gRPC-Web and Connect send from a page.
const SENT: [HeaderName; 9] = [
    AUTHORIZATION,
    CONTENT_TYPE,
    HeaderName::from_static("connect-protocol-version"),
    HeaderName::from_static("connect-timeout-ms"),
    HeaderName::from_static("grpc-timeout"),
    HeaderName::from_static("last-event-id"),
    HeaderName::from_static("x-grpc-web"),
    HeaderName::from_static("x-request-id"),
    HeaderName::from_static("x-user-agent"),
];

/// What says how a gRPC-Web call ended, where its answer has no body.
const ANSWERED: [HeaderName; 3] = [
    HeaderName::from_static("grpc-status"),
    HeaderName::from_static("grpc-message"),
    HeaderName::from_static("grpc-status-details-bin"),
];

/// For as long a browser need not ask again.
const REMEMBERED: Duration = Duration::from_mins(10);

/// Where a page comes from: `https://console.example.org`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebOrigin(HeaderValue);

/// Not an origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an origin is a scheme, a host and perhaps a port, and nothing else: https://console.example.org")]
pub struct NoOrigin;

impl FromStr for WebOrigin {
    type Err = NoOrigin;

    /// As browsers write it. There is none for everybody: such a service would be every page's.
    fn from_str(text: &str) -> Result<Self, NoOrigin> {
        let url = Url::parse(text).map_err(|_| NoOrigin)?;
        let origin = url.origin().ascii_serialization();
        let is_web = matches!(url.scheme(), "http" | "https");
        if !is_web || origin != text {
            return Err(NoOrigin);
        }
        HeaderValue::from_str(&origin).map(Self).map_err(|_| NoOrigin)
    }
}

impl fmt::Display for WebOrigin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.0.to_str().unwrap_or_default())
    }
}

/// What answers the browsers of these pages, if there are any.
pub(super) fn may_call(origins: &[WebOrigin]) -> Option<CorsLayer> {
    if origins.is_empty() {
        return None;
    }
    let origins: Vec<HeaderValue> = origins.iter().map(|origin| origin.0.clone()).collect();
    let layer = CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(SENT)
        .expose_headers(ANSWERED)
        .max_age(REMEMBERED);
    Some(layer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_what_a_browser_sends() {
        for origin in ["https://console.example.org", "http://localhost:3000", "https://[::1]:8443"] {
            assert_eq!(origin.parse::<WebOrigin>().map(|origin| origin.to_string()).as_deref(), Ok(origin));
        }
        for other in [
            "*",
            "null",
            "",
            "console.example.org",
            "https://console.example.org/",
            "https://console.example.org:443",
            "https://Console.example.org",
            "https://somebody@console.example.org",
            "file:///tmp",
        ] {
            assert_eq!(other.parse::<WebOrigin>(), Err(NoOrigin), "{other}");
        }
    }
}
