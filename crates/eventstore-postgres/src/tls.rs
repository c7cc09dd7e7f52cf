//! Whether connections are encrypted and what a server has to prove: what `sslmode`, `sslrootcert`, `sslcert` and `sslkey` of
//! a URL say, as libpq understands them. The driver knows only half of these words.
//!
//! No roots but those that are named: the server is somebody's own, and so is who signed for it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use percent_encoding::percent_decode_str;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::OpenError;

/// What a URL says about TLS.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    mode: Mode,
    root: Option<PathBuf>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
}

/// What a server has to prove.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Nothing, and everybody on the way can read.
    #[default]
    Disable,
    /// Nothing: whoever is in between and answers in its place can read.
    Require,
    /// That somebody of ours has signed for it, under whatever name.
    VerifyCa,
    /// That it is the one that the URL names.
    VerifyFull,
}

/// How connections of a URL are made.
#[derive(Clone)]
pub(crate) struct Tls {
    pub(crate) mode: Mode,
    pub(crate) connector: MakeRustlsConnect,
}

impl Asked {
    /// Takes a URL apart: what it says about TLS, and the rest, which the driver reads.
    pub(crate) fn take(url: &str) -> Result<(Self, String), OpenError> {
        let Some((place, parameters)) = url.split_once('?') else {
            return Ok((Self::default(), url.to_owned()));
        };
        let (mut asked, mut rest) = (Self::default(), Vec::new());
        for parameter in parameters.split('&') {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let value = percent_decode_str(value).decode_utf8().map_err(|_| OpenError::Url)?.into_owned();
            match name {
                "sslmode" => asked.mode = Mode::parse(&value)?,
                "sslrootcert" => asked.root = Some(value.into()),
                "sslcert" => asked.certificate = Some(value.into()),
                "sslkey" => asked.key = Some(value.into()),
                _ => rest.push(parameter),
            }
        }
        // As libpq has it: whoever names a root wants to have it asked.
        if asked.mode == Mode::Require && asked.root.is_some() {
            asked.mode = Mode::VerifyCa;
        }
        Ok((asked, format!("{place}?{}", rest.join("&"))))
    }

    /// Reads the files that are named.
    pub(crate) fn tls(&self) -> Result<Tls, OpenError> {
        let provider = Arc::new(ring::default_provider());
        let verifier = self.verifier(&provider)?;
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring knows the algorithms of TLS 1.2 and 1.3")
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let config = match (&self.certificate, &self.key) {
            (None, None) => config.with_no_client_auth(),
            (Some(certificate), Some(key)) => {
                let key_of_ours = PrivateKeyDer::from_pem_file(key).map_err(|error| unusable(key, &error))?;
                config
                    .with_client_auth_cert(certificates(certificate)?, key_of_ours)
                    .map_err(|error| unusable(certificate, &error))?
            }
            (Some(_), None) | (None, Some(_)) => return Err(OpenError::HalfAPair),
        };
        Ok(Tls { mode: self.mode, connector: MakeRustlsConnect::new(config) })
    }

    fn verifier(&self, provider: &Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, OpenError> {
        let signatures = provider.signature_verification_algorithms;
        if matches!(self.mode, Mode::Disable | Mode::Require) {
            return Ok(Arc::new(Lenient { chain: None, signatures }));
        }
        let path = self.root.as_ref().ok_or(OpenError::NoRoot)?;
        let mut roots = RootCertStore::empty();
        for certificate in certificates(path)? {
            roots.add(certificate).map_err(|error| unusable(path, &error))?;
        }
        let chain = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
            .build()
            .map_err(|error| unusable(path, &error))?;
        match self.mode {
            Mode::VerifyFull => Ok(chain),
            Mode::Disable | Mode::Require | Mode::VerifyCa => {
                Ok(Arc::new(Lenient { chain: Some(chain), signatures }))
            }
        }
    }
}

impl Mode {
    /// Not `allow` and not `prefer`, which give way to whoever says that there is no TLS.
    fn parse(text: &str) -> Result<Self, OpenError> {
        match text {
            "disable" => Ok(Self::Disable),
            "require" => Ok(Self::Require),
            "verify-ca" => Ok(Self::VerifyCa),
            "verify-full" => Ok(Self::VerifyFull),
            _ => Err(OpenError::SslMode),
        }
    }

    /// The same for the driver, which knows whether to encrypt.
    pub(crate) fn of_driver(self) -> SslMode {
        match self {
            Self::Disable => SslMode::Disable,
            Self::Require | Self::VerifyCa | Self::VerifyFull => SslMode::Require,
        }
    }
}

/// At least one.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, OpenError> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let read = read.map_err(|error| unusable(path, &error))?;
    if read.is_empty() { Err(unusable(path, &"there is no certificate in it")) } else { Ok(read) }
}

fn unusable(path: &Path, why: &dyn fmt::Display) -> OpenError {
    OpenError::TlsFile { path: path.to_owned(), why: why.to_string() }
}

/// Whether an error says that a server's certificate is not good enough.
pub(crate) fn is_untrusted(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if matches!(inner.and_then(|inner| inner.downcast_ref()), Some(Error::InvalidCertificate(_))) {
            return true;
        }
        next = error.source();
    }
    false
}

/// Asks for less than the name that was called: for a chain to the right root, or, without one, for nothing but that the
/// server has the key of the certificate that it shows.
#[derive(Debug)]
struct Lenient {
    chain: Option<Arc<WebPkiServerVerifier>>,
    signatures: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(chain) = &self.chain else { return Ok(ServerCertVerified::assertion()) };
        // The name is asked for last: whoever only has another one has all the rest.
        match chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.signatures)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.signatures)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.signatures.supported_schemes()
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("mode", &self.mode).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_about_tls_is_ours_and_the_rest_the_drivers() {
        let url = "postgres://u:p@h/d?connect_timeout=1&sslmode=verify-full&sslrootcert=/a%20b+c.pem&options=-c%20x";
        let (asked, rest) = Asked::take(url).expect("it is well said");
        assert_eq!(rest, "postgres://u:p@h/d?connect_timeout=1&options=-c%20x");
        assert_eq!((asked.mode, asked.root), (Mode::VerifyFull, Some(PathBuf::from("/a b+c.pem"))));
    }

    #[test]
    fn nothing_said_is_nothing_encrypted() {
        let (asked, rest) = Asked::take("postgres://u@h/d").expect("it is well said");
        assert_eq!((asked.mode, rest.as_str()), (Mode::Disable, "postgres://u@h/d"));
    }

    #[test]
    fn whoever_names_a_root_has_it_asked() {
        let (asked, _) =
            Asked::take("postgres://u@h/d?sslmode=require&sslrootcert=ca.pem").expect("it is well said");
        assert_eq!(asked.mode, Mode::VerifyCa);
    }

    #[test]
    fn what_would_give_way_is_refused() {
        for mode in ["prefer", "allow", "", "VERIFY-FULL"] {
            let error =
                Asked::take(&format!("postgres://u@h/d?sslmode={mode}")).expect_err("it is no mode of ours");
            assert!(matches!(error, OpenError::SslMode), "{mode}");
        }
    }
}
