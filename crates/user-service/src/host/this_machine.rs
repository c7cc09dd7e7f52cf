//! Callers on this machine are trusted for being there. A web page in somebody's browser is not, although the browser is
//! there: whoever points a name of hers at 127.0.0.1 makes this service her own site, and her page may read all of it.
//! Such a request tells the name that it was made for.

use std::net::IpAddr;

use axum::extract::Request;
use axum::response::Response;
use connectrpc::ErrorCode;
use http::header::HOST;
use user_api::ApiError;

use super::refusal::Asked;

/// The answer to what was made for another name than this machine's own.
pub(super) fn refusal(request: &Request) -> Option<Response> {
    let header = || request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let asked = request.uri().authority().map(http::uri::Authority::as_str).or_else(header);
    if asked.is_none_or(is_loopback) {
        return None;
    }
    let error = ApiError::new(
        ErrorCode::PermissionDenied,
        "OTHER_HOST",
        "this service is for callers on its own machine: call it by localhost or a loopback address",
    );
    Some(Asked::of(request).refuse(error))
}

/// Of `localhost:9090`, `127.0.0.1:9090`, `[::1]:9090`.
fn is_loopback(authority: &str) -> bool {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        Some(_) | None => authority,
    };
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machines_own_names_are() {
        for own in [
            "localhost",
            "LOCALHOST:9090",
            "127.0.0.1",
            "127.0.0.1:9090",
            "127.8.8.8:1",
            "[::1]:9090",
            "[::1]",
        ] {
            assert!(is_loopback(own), "{own}");
        }
        for other in [
            "evil.example",
            "evil.example:9090",
            "localhost.evil.example",
            "127.0.0.1.evil.example:9090",
            "10.0.0.1",
            "",
            "0.0.0.0",
            "user@localhost",
        ] {
            assert!(!is_loopback(other), "{other}");
        }
    }
}
