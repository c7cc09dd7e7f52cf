//! Whose a certificate is, in one word. It was verified before: nothing here decides whether it is believed.
//!
//! The word stands in the log for ever, so it is a service's name or says nothing: a common name or an address may be a
//! person's.

use std::fmt::Write as _;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use sha2::{Digest, Sha256};
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

const SPIFFE: &str = "spiffe://";

/// What is longer was made to be long.
const BYTES_MAX: usize = 255;

/// Its SPIFFE id; else the first of its hosts' names; else the SHA-256 of the certificate, which the next one does not share.
pub(crate) fn subject(certificate: &CertificateDer<'_>) -> Arc<str> {
    named(certificate).unwrap_or_else(|| fingerprint(certificate))
}

fn named(certificate: &CertificateDer<'_>) -> Option<Arc<str>> {
    let certificate = Certificate::from_der(certificate).ok()?;
    let (_, SubjectAltName(names)) = certificate.tbs_certificate.get().ok()??;
    let id = names.iter().find_map(|name| match name {
        GeneralName::UniformResourceIdentifier(uri) => {
            Some(uri.as_str()).filter(|uri| uri.starts_with(SPIFFE))
        }
        _ => None,
    });
    let host = names.iter().find_map(|name| match name {
        GeneralName::DnsName(host) => Some(host.as_str()),
        _ => None,
    });
    let plain = |name: &&str| {
        !name.is_empty() && name.len() <= BYTES_MAX && name.chars().all(|c| c.is_ascii_graphic() && c != '@')
    };
    id.or(host).filter(plain).map(Into::into)
}

fn fingerprint(certificate: &CertificateDer<'_>) -> Arc<str> {
    let digest = Sha256::digest(certificate);
    let hex = digest.iter().fold("sha256:".to_owned(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a String cannot fail");
        text
    });
    hex.into()
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    use super::*;

    fn of(common_name: &str, names: &[SanType]) -> Arc<str> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, common_name);
        params.subject_alt_names = names.to_vec();
        let key = KeyPair::generate().expect("there is randomness");
        subject(params.self_signed(&key).expect("it signs for itself").der())
    }

    fn uri(text: &str) -> SanType {
        SanType::URI(text.try_into().expect("it is ASCII"))
    }

    fn host(text: &str) -> SanType {
        SanType::DnsName(text.try_into().expect("it is ASCII"))
    }

    #[test]
    fn a_spiffe_id_goes_before_a_host() {
        let (id, host) = (uri("spiffe://example.org/billing"), host("billing.example.org"));
        assert_eq!(&*of("billing", &[host.clone(), id]), "spiffe://example.org/billing");
        assert_eq!(&*of("billing", &[host]), "billing.example.org");
    }

    #[test]
    fn what_may_be_a_person_is_told_by_its_fingerprint() {
        let mail = SanType::Rfc822Name("alice@example.org".try_into().expect("it is ASCII"));
        let long = host(&"x".repeat(300));
        let cases = [
            vec![],
            vec![mail],
            vec![uri("mailto:alice@example.org")],
            vec![long],
            vec![host("a\nb")],
            vec![host("")],
        ];
        for names in cases {
            let told = of("Alice Liddell", &names);
            let digits = told.strip_prefix("sha256:").expect("it is a fingerprint");
            assert!(digits.len() == 64 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()), "{told}");
        }
    }
}
