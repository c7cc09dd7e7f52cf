//! The gate before everything that callers reach. It lets a request pass with a [`Principal`], or answers itself,
//! before anybody has read the body.

use async_trait::async_trait;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use connectrpc::ConnectError;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use user_domain::Scopes;

use super::required::Purpose;
use super::{BearerToken, Denial, Principal, Tokens};
use crate::grpc;
use crate::host::{CallerCertificate, Gatekeeper};
use crate::metrics::Told;

/// A token has 80 bytes.
const SHOWN_BYTES_MAX: usize = 200;

const SCHEME: &str = "bearer ";

/// Whether callers have to show a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenRule {
    /// Whoever shows none may do all, or what certificates are for if she has shown one. Whoever shows one is held to it.
    #[default]
    Optional,
    /// Whoever shows none is refused.
    Required,
}

/// Who is let in. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Gate {
    tokens: Tokens,
    rule: TokenRule,
    of_certificates: Scopes,
}

impl Gate {
    /// A gate that admits by these tokens.
    #[must_use]
    pub fn new(tokens: Tokens, rule: TokenRule) -> Self {
        Self { tokens, rule, of_certificates: Scopes::ALL }
    }

    /// The same, where whoever shows a certificate and no token may do this.
    #[must_use]
    pub fn with_scopes_of_certificates(self, of_certificates: Scopes) -> Self {
        Self { of_certificates, ..self }
    }

    async fn principal(
        &self,
        headers: &HeaderMap,
        certificate: Option<&CallerCertificate>,
    ) -> Result<Principal, Denial> {
        if let Some(shown) = shown(headers)? {
            let token = self.tokens.admitted(&shown).await?;
            return Ok(Principal::of_token(self.tokens.clone(), token));
        }
        match self.rule {
            TokenRule::Required => Err(Denial::Missing),
            TokenRule::Optional => Ok(self.without_token(certificate)),
        }
    }

    fn without_token(&self, certificate: Option<&CallerCertificate>) -> Principal {
        certificate.map_or_else(Principal::anybody, |certificate| {
            Principal::of_certificate(certificate, self.of_certificates)
        })
    }

    async fn admit(
        &self,
        headers: &HeaderMap,
        certificate: Option<&CallerCertificate>,
        purpose: Purpose,
        told: Option<&Told>,
    ) -> Result<Principal, Denial> {
        let principal = self.principal(headers, certificate).await?;
        if let (Some(told), true) = (told, principal.is_known()) {
            told.tell_principal(principal.name());
        }
        match purpose {
            Purpose::Call(scope, method) => principal.require(scope, method)?,
            Purpose::Health | Purpose::Other => {}
        }
        Ok(principal)
    }
}

#[async_trait]
impl Gatekeeper for Gate {
    async fn refusal(&self, request: &mut Request) -> Option<Response> {
        let purpose = Purpose::of(request.uri().path());
        if purpose == Purpose::Health {
            return None;
        }
        let told = request.extensions().get::<Told>().cloned();
        let certificate = request.extensions().get();
        match self.admit(request.headers(), certificate, purpose, told.as_ref()).await {
            Ok(principal) => {
                // It has done its work, and nobody further in may come to print it.
                request.headers_mut().remove(AUTHORIZATION);
                request.extensions_mut().insert(principal);
                None
            }
            Err(denial) => Some(refusal(&denial, request.headers(), told.as_ref())),
        }
    }
}

fn refusal(denial: &Denial, headers: &HeaderMap, told: Option<&Told>) -> Response {
    let error = ConnectError::from(grpc::of_denial(denial));
    if let Some(told) = told {
        told.tell(Some(error.code));
    }
    let mut response = error.into_http_response(headers).map(Body::new);
    if response.status() == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

/// The token of a request. What is there and is none is not the same as nothing.
fn shown(headers: &HeaderMap) -> Result<Option<BearerToken>, Denial> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Denial::Malformed("there must be one authorization header"));
    }
    if value.len() > SHOWN_BYTES_MAX {
        return Err(Denial::Malformed("it is too long"));
    }
    let text = value.to_str().map_err(|_| Denial::Malformed("it is not ASCII"))?;
    let scheme = text.get(..SCHEME.len()).filter(|scheme| scheme.eq_ignore_ascii_case(SCHEME));
    scheme.ok_or(Denial::Malformed("it must begin with Bearer and a space"))?;
    let token = BearerToken::parse(&text[SCHEME.len()..]);
    token.map(Some).ok_or(Denial::Malformed("it is not spelled as one"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sources;

    fn shown_in(values: &[&[u8]]) -> Result<Option<BearerToken>, Denial> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_bytes(value).expect("a header can hold it"));
        }
        shown(&headers)
    }

    #[test]
    fn one_token_is_read() {
        let token = BearerToken::generate(&Sources::system());
        for scheme in ["Bearer", "bearer", "BEARER"] {
            let read = shown_in(&[format!("{scheme} {}", *token.reveal()).as_bytes()]);
            assert_eq!(read.ok().flatten().map(|read| read.id), Some(token.id));
        }
        assert!(matches!(shown_in(&[]), Ok(None)));
    }

    #[test]
    fn what_is_no_token_is_not_taken_for_nothing() {
        let token = BearerToken::generate(&Sources::system());
        let good = format!("Bearer {}", *token.reveal());
        for wrong in [
            &[b"" as &[u8]] as &[&[u8]],
            &[b"Bearer"],
            &[b"Bearer "],
            &[b"Basic dXNlcjpwYXNz"],
            &[token.reveal().as_bytes()],
            &[format!("Bearer  {}", *token.reveal()).as_bytes()],
            &[format!("{good},{good}").as_bytes()],
            &[good.as_bytes(), good.as_bytes()],
            &[good.as_bytes(), b""],
            &[b"Bearer \xe9"],
            &[format!("Bearer {}", "x".repeat(SHOWN_BYTES_MAX)).as_bytes()],
        ] {
            assert!(matches!(shown_in(wrong), Err(Denial::Malformed(_))), "{wrong:?}");
        }
    }
}
