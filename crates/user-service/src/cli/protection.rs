//! What stands between the ports and whoever reaches them: what may listen beyond loopback, and what may not.

use std::net::SocketAddr;

use anyhow::bail;
use clap::Args;

use user_domain::{Scope, Scopes};

use super::tls::TlsArgs;
use super::token::scope;
use crate::access::TokenRule;

/// What callers have to get past.
#[derive(Clone, Debug, Args)]
pub(super) struct Protection {
    #[command(flatten)]
    pub(super) tls: TlsArgs,
    /// What a caller may do who shows a certificate (--tls-client-ca) and no token: read, write, admin, audit, with commas
    /// between them
    #[arg(
        long,
        env = "USER_SERVICE_CERTIFICATE_SCOPES",
        value_name = "SCOPES",
        value_delimiter = ',',
        value_parser = scope,
        default_value = "read,write"
    )]
    certificate_scopes: Vec<Scope>,
    /// Answer only to callers who show a token that `token create` made. Without it whoever reaches the port may do all,
    /// or with a certificate what --certificate-scopes says, and whoever shows a token is held to it
    #[arg(long, env = "USER_SERVICE_REQUIRE_TOKENS")]
    require_tokens: bool,
    /// Listen beyond loopback, and answer to any host name, although TLS is missing, or callers need neither tokens nor
    /// certificates: something else protects the port
    #[arg(long, env = "USER_SERVICE_ALLOW_UNPROTECTED")]
    allow_unprotected: bool,
}

impl Protection {
    /// Whether callers have to show a token.
    pub(super) fn tokens(&self) -> TokenRule {
        if self.require_tokens { TokenRule::Required } else { TokenRule::Optional }
    }

    /// What a certificate without a token is for.
    pub(super) fn of_certificates(&self) -> Scopes {
        self.certificate_scopes.iter().copied().collect()
    }

    /// Whether callers come by names that others gave this service. Where they need a token, a web page that points such a
    /// name here has none to show; and over TLS a name that is not in the certificate gets no browser this far.
    pub(super) fn is_called_by_others(&self) -> bool {
        self.allow_unprotected || self.require_tokens || self.tls.is_on()
    }

    /// Refuses to listen where others can reach the service, unless all of it is there, or somebody says that it is meant;
    /// and half of what TLS needs.
    pub(super) fn suffices(&self, callers: SocketAddr, operators: SocketAddr) -> anyhow::Result<()> {
        self.tls.files()?;
        let mut addresses = [callers, operators].into_iter().map(|address| address.ip());
        let Some(ip) = addresses.find(|ip| !ip.is_loopback()) else { return Ok(()) };
        let missing = self.missing(callers);
        let without = missing.join(" and without ");
        if missing.is_empty() {
            return Ok(());
        }
        if self.allow_unprotected {
            tracing::warn!(%ip, "listening beyond loopback without {without}");
            return Ok(());
        }
        bail!(
            "{ip} is not a loopback address, and whoever reaches the port would find it without {without}: she may read \
             what others send, or do what she likes. Say --allow-unprotected if something else protects it"
        );
    }

    /// What is not there of what protects a service that others can reach. Operations need no credentials: they show
    /// figures, and change nothing.
    fn missing(&self, callers: SocketAddr) -> Vec<&'static str> {
        let tls = (!self.tls.is_on()).then_some("TLS (--tls-certificate)");
        let known = self.require_tokens || self.tls.asks_for_certificates() || callers.ip().is_loopback();
        let credentials = (!known).then_some("credentials (--require-tokens or --tls-client-ca)");
        [tls, credentials].into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Said {
        #[command(flatten)]
        protection: Protection,
    }

    /// What is missing, for a service that listens at these addresses.
    fn refused(flags: &str, callers: &str, operators: &str) -> String {
        let words = ["serve"].into_iter().chain(flags.split_whitespace());
        let said = Said::try_parse_from(words).unwrap_or_else(|wrong| panic!("{wrong}"));
        let [callers, operators] = [callers, operators].map(|text| text.parse().expect("it is an address"));
        let refused = said.protection.suffices(callers, operators).err();
        refused.map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn beyond_loopback_it_takes_protection_or_a_word() {
        let (here, there) = ("127.0.0.1:1", "0.0.0.0:1");
        let tls = "--tls-certificate a --tls-key b";
        assert_eq!(refused("", here, "[::1]:1"), "");
        assert_eq!(refused("--allow-unprotected", there, there), "");
        let all = refused("", there, here);
        assert!(all.contains("without TLS (--tls-certificate) and without credentials"), "{all}");
        let half = refused("--require-tokens", "[::]:1", here);
        assert!(half.contains("without TLS") && !half.contains("credentials"), "{half}");
        let other = refused(tls, there, here);
        assert!(other.contains("without credentials") && !other.contains("TLS (--"), "{other}");
        assert_eq!(refused(&format!("{tls} --require-tokens"), there, there), "");
        assert_eq!(refused(&format!("{tls} --tls-client-ca c"), there, here), "");
        assert_eq!(refused(tls, here, there), "", "operations need no credentials");
        assert!(refused("", here, there).contains("without TLS"));
    }
}
