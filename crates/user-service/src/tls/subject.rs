//! Whose a certificate is, in one word. It was verified before: nothing here decides whether it is believed.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::der::oid::db::rfc4519::COMMON_NAME;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

/// Her URI, as SPIFFE has it; else her host's name; else the common name. None of them: nobody in particular.
pub(crate) fn subject(certificate: &CertificateDer<'_>) -> Option<Arc<str>> {
    let certificate = Certificate::from_der(certificate).ok()?;
    let names = match certificate.tbs_certificate.get::<SubjectAltName>() {
        Ok(names) => names.map(|(_, SubjectAltName(names))| names).unwrap_or_default(),
        Err(_) => return None,
    };
    let uri = names.iter().find_map(|name| match name {
        GeneralName::UniformResourceIdentifier(uri) => Some(uri.as_str()),
        _ => None,
    });
    let host = names.iter().find_map(|name| match name {
        GeneralName::DnsName(host) => Some(host.as_str()),
        _ => None,
    });
    let subject = uri.or(host).or_else(|| common_name(&certificate))?;
    (!subject.is_empty() && !subject.chars().any(char::is_control)).then(|| subject.into())
}

fn common_name(certificate: &Certificate) -> Option<&str> {
    let parts = certificate.tbs_certificate.subject.0.iter().flat_map(|part| part.0.iter());
    let name = parts.rev().find(|part| part.oid == COMMON_NAME)?;
    std::str::from_utf8(name.value.value()).ok()
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    use super::*;

    fn of(common_name: &str, names: &[SanType]) -> Option<Arc<str>> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, common_name);
        params.subject_alt_names = names.to_vec();
        let key = KeyPair::generate().expect("there is randomness");
        subject(params.self_signed(&key).expect("it signs for itself").der())
    }

    #[test]
    fn a_uri_goes_before_a_host_and_a_host_before_a_common_name() {
        let uri = SanType::URI("spiffe://example.org/billing".try_into().expect("it is ASCII"));
        let host = SanType::DnsName("billing.example.org".try_into().expect("it is ASCII"));
        assert_eq!(of("billing", &[host.clone(), uri]).as_deref(), Some("spiffe://example.org/billing"));
        assert_eq!(of("billing", &[host]).as_deref(), Some("billing.example.org"));
        assert_eq!(of("billing", &[]).as_deref(), Some("billing"));
        assert_eq!(of("bil\nling", &[]), None, "it would be two lines of a log");
        assert_eq!(of("", &[]), None);
    }
}
