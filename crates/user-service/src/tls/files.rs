//! Certificates and keys as files (PEM), and what is wrong with them.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use thiserror::Error;
use x509_cert::Certificate;
use x509_cert::der::Decode;

/// What a service shows its callers, and what it asks of them.
#[derive(Clone, Debug)]
pub struct ServerFiles {
    /// The service's certificate, then those between it and a root that callers know.
    pub certificate: PathBuf,
    /// The key of the first of them.
    pub key: PathBuf,
    /// Who signs for callers. With it nobody is served who shows no certificate of theirs.
    pub client_ca: Option<PathBuf>,
}

/// What a caller knows of a service, and what it shows.
#[derive(Clone, Debug)]
pub struct ClientFiles {
    /// Who signs for the service.
    pub ca: PathBuf,
    /// The caller's certificate and its key.
    pub own: Option<(PathBuf, PathBuf)>,
}

/// A file is not what it should be. Whoever runs the service mends it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{} cannot be used for TLS: {why}", path.display())]
pub struct TlsError {
    path: PathBuf,
    why: String,
}

impl TlsError {
    pub(super) fn at(path: &Path, why: &dyn fmt::Display) -> Self {
        Self { path: path.to_owned(), why: why.to_string() }
    }
}

/// From when until when something is valid, each since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Validity {
    pub(super) from: Duration,
    pub(super) until: Duration,
}

/// At least one certificate, and how long the first is valid.
pub(super) fn chain(path: &Path) -> Result<(Vec<CertificateDer<'static>>, Validity), TlsError> {
    let chain = certificates(path)?;
    let validity = validity(path, &chain[0])?;
    Ok((chain, validity))
}

/// Those who sign for others, and until when all of them are valid.
pub(super) fn roots(path: &Path) -> Result<(RootCertStore, Validity), TlsError> {
    let (mut roots, mut all) = (RootCertStore::empty(), None::<Validity>);
    for certificate in certificates(path)? {
        let one = validity(path, &certificate)?;
        all =
            Some(all.map_or(one, |all| Validity {
                from: all.from.max(one.from),
                until: all.until.min(one.until),
            }));
        roots.add(certificate).map_err(|error| TlsError::at(path, &error))?;
    }
    Ok((roots, all.ok_or_else(|| nothing(path))?))
}

pub(super) fn key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| TlsError::at(path, &error))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let read = read.map_err(|error| TlsError::at(path, &error))?;
    if read.is_empty() { Err(nothing(path)) } else { Ok(read) }
}

fn nothing(path: &Path) -> TlsError {
    TlsError::at(path, &"there is no certificate in it")
}

fn validity(path: &Path, certificate: &CertificateDer<'_>) -> Result<Validity, TlsError> {
    let read = Certificate::from_der(certificate).map_err(|error| TlsError::at(path, &error))?;
    let validity = read.tbs_certificate.validity;
    Ok(Validity {
        from: validity.not_before.to_unix_duration(),
        until: validity.not_after.to_unix_duration(),
    })
}
