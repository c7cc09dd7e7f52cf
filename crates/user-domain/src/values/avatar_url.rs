//! Where a user's picture is. It is never fetched here; the rules keep it harmless in a page.

use url::Url;

use super::characters::{is_control, is_space};
use crate::Violation;

/// An https URL of at most 500 characters with a host and without a user name or password, as given.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AvatarUrl(pub(super) Box<str>);

const CHARACTERS_MAX: usize = 500;

impl AvatarUrl {
    /// Reads a URL that somebody sent.
    pub fn parse(input: &str) -> Result<Self, Violation> {
        if input.chars().count() > CHARACTERS_MAX {
            return Err(violation("TOO_LONG", format!("must have at most {CHARACTERS_MAX} characters")));
        }
        if input.chars().any(|c| is_control(c) || is_space(c) || c == '\\') {
            return Err(violation("SYNTAX", "must have no control characters, spaces or backslashes"));
        }
        // The parser forgives a missing slash as browsers do; what is stored should need no forgiveness.
        let https = input.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"));
        if !https {
            return Err(violation("NOT_HTTPS", "must start with https://"));
        }
        let url = Url::parse(input).map_err(|_| violation("SYNTAX", "must be a URL"))?;
        if url.host_str().is_none_or(str::is_empty) || input[8..].starts_with('/') {
            return Err(violation("NO_HOST", "must name a host"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(violation("CREDENTIALS", "must not hold a user name or password"));
        }
        Ok(Self(input.into()))
    }
}

fn violation(reason: &'static str, description: impl Into<String>) -> Violation {
    Violation::new("avatar_url", reason, description)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_https_url_is_kept_as_given() {
        for url in [
            "https://example.org/a.png",
            "HTTPS://Example.org",
            "https://bücher.example/ä?x=1#y",
            "https://[::1]:8443/a",
        ] {
            assert_eq!(AvatarUrl::parse(url).expect(url).as_str(), url);
        }
    }

    #[test]
    fn what_could_do_harm_in_a_page_is_refused() {
        let reason = |url: &str| AvatarUrl::parse(url).expect_err(url).reason;
        for url in [
            "",
            "a.png",
            "http://example.org",
            "javascript:alert(1)",
            "data:image/png;base64,AA",
            "https:example.org",
        ] {
            assert_eq!(reason(url), "NOT_HTTPS");
        }
        for url in ["https:///a.png", "https:////example.org"] {
            assert_eq!(reason(url), "NO_HOST");
        }
        for url in [
            "https://",
            "https://a b.org",
            "https://a.org/\n",
            "https:\\\\a.org",
            "https://[::1/",
            "https://a.org:99999/",
        ] {
            assert_eq!(reason(url), "SYNTAX");
        }
        assert_eq!(reason("https://alice:pw@example.org/"), "CREDENTIALS");
        assert_eq!(reason("https://alice@example.org/"), "CREDENTIALS");
        assert_eq!(reason(&format!("https://example.org/{}", "a".repeat(481))), "TOO_LONG");
    }
}
