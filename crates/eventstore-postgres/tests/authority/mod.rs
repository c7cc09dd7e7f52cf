//! Certificates that live as long as a test, as files: by whom, for whom, until when.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SanType, date_time_ymd,
};
use tempfile::TempDir;

/// Somebody who signs for others.
pub(crate) struct Authority {
    folder: TempDir,
    issuer: CertifiedIssuer<'static, KeyPair>,
    issued: AtomicU32,
}

/// A certificate with its key.
pub(crate) struct Pair {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("there is room for a folder");
        let mut params = params(&[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let name = folder.path().display().to_string(); // no other authority has it
        params.distinguished_name.push(DnType::CommonName, name);
        let issuer = CertifiedIssuer::self_signed(params, key()).expect("it signs for itself");
        let authority = Self { folder, issuer, issued: AtomicU32::new(0) };
        fs::write(authority.root(), authority.issuer.pem()).expect("there is room for a file");
        authority
    }

    /// Its own certificate, by which others know it.
    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Signs for somebody of these names: hosts, addresses or URIs.
    pub(crate) fn issue(&self, names: &[&str]) -> Pair {
        self.sign(&params(names))
    }

    /// The same for somebody whose time is over.
    pub(crate) fn issue_expired(&self, names: &[&str]) -> Pair {
        let mut params = params(names);
        params.not_after = date_time_ymd(2020, 2, 1);
        self.sign(&params)
    }

    fn sign(&self, params: &CertificateParams) -> Pair {
        let number = self.issued.fetch_add(1, Ordering::Relaxed);
        let place = |kind| self.folder.path().join(format!("{number}.{kind}.pem"));
        let pair = Pair { certificate: place("certificate"), key: place("key") };
        let key = key();
        let certificate = params.signed_by(&key, &self.issuer).expect("it signs");
        fs::write(&pair.certificate, certificate.pem()).expect("there is room for a file");
        fs::write(&pair.key, key.serialize_pem()).expect("there is room for a file");
        pair
    }
}

fn key() -> KeyPair {
    KeyPair::generate().expect("there is randomness")
}

fn params(names: &[&str]) -> CertificateParams {
    let (uris, hosts): (Vec<&str>, Vec<&str>) = names.iter().partition(|name| name.contains("://"));
    let hosts: Vec<String> = hosts.into_iter().map(str::to_owned).collect();
    let mut params = CertificateParams::new(hosts).expect("these are names");
    for uri in uris {
        params.subject_alt_names.push(SanType::URI(uri.try_into().expect("it is ASCII")));
    }
    params.not_before = date_time_ymd(2020, 1, 1);
    params
}
