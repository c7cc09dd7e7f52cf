//! What stands between the ports and whoever reaches them: what may listen beyond loopback, and what may not.

use std::net::SocketAddr;

use anyhow::bail;
use clap::Args;

use crate::access::TokenRule;

/// What callers have to get past.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Protection {
    /// Answer only to callers who show a token that `token create` made. Without it whoever reaches the port may do all,
    /// and whoever shows a token is held to it
    #[arg(long, env = "USER_SERVICE_REQUIRE_TOKENS")]
    require_tokens: bool,
    /// Listen beyond loopback, and answer to any host name, although TLS is missing, or tokens are not required: something
    /// else protects the port
    #[arg(long, env = "USER_SERVICE_ALLOW_UNPROTECTED")]
    allow_unprotected: bool,
}

impl Protection {
    /// Whether callers have to show a token.
    pub(super) fn tokens(self) -> TokenRule {
        if self.require_tokens { TokenRule::Required } else { TokenRule::Optional }
    }

    /// Whether callers come by names that others gave this service. Where they need a token, a web page that points such a
    /// name here has none to show.
    pub(super) fn is_called_by_others(self) -> bool {
        self.allow_unprotected || self.require_tokens
    }

    /// Refuses to listen where others can reach the service, unless all of it is there, or somebody says that it is meant.
    pub(super) fn suffices(self, addresses: &[SocketAddr]) -> anyhow::Result<()> {
        let exposed = addresses.iter().map(SocketAddr::ip).find(|ip| !ip.is_loopback());
        let (Some(ip), missing) = (exposed, self.missing()) else { return Ok(()) };
        let without = missing.join(" and without ");
        if self.allow_unprotected {
            tracing::warn!(%ip, "listening beyond loopback without {without}");
        } else if !missing.is_empty() {
            bail!(
                "{ip} is not a loopback address, and whoever reaches the port would find it without {without}: she may \
                 read what others send, or do what she likes. Say --allow-unprotected if something else protects it"
            );
        }
        Ok(())
    }

    /// What is not there of what protects a service that others can reach.
    fn missing(self) -> Vec<&'static str> {
        let tokens = (!self.require_tokens).then_some("API tokens (--require-tokens)");
        // There is no TLS yet.
        [Some("TLS"), tokens].into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: Protection = Protection { require_tokens: false, allow_unprotected: false };

    fn said(protection: Protection, address: &str) -> Option<String> {
        let address = address.parse().expect("it is an address");
        protection.suffices(&[address]).err().map(|error| error.to_string())
    }

    #[test]
    fn beyond_loopback_it_takes_protection_or_a_word() {
        assert_eq!(said(OPEN, "127.0.0.1:1"), None);
        assert_eq!(said(OPEN, "[::1]:1"), None);
        assert_eq!(said(Protection { allow_unprotected: true, ..OPEN }, "0.0.0.0:1"), None);
        let refused = said(OPEN, "0.0.0.0:1").unwrap_or_default();
        assert!(refused.contains("without TLS and without API tokens"), "{refused}");
        let refused = said(Protection { require_tokens: true, ..OPEN }, "[::]:1").unwrap_or_default();
        assert!(refused.contains("without TLS:") && !refused.contains("tokens"), "{refused}");
    }
}
