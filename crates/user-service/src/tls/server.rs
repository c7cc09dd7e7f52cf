//! What a listener shows, and what it asks of callers, as the files have it now. They are looked at every other second, and
//! read again when they have changed, or when SIGHUP says so. What cannot be used is told once, and what was there before
//! stays: a half-written pair ends no service.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use jiff::{SignedDuration, Timestamp};
use rustls::ServerConfig;
use rustls::pki_types::UnixTime;
use rustls::server::WebPkiClientVerifier;
use tokio::signal::unix::Signal;
use tokio::sync::watch;
use tokio::time::interval;
use tokio_util::sync::CancellationToken;

use super::files::{ServerFiles, TlsError, Validity, chain, key, roots};
use super::{Certificates, provider};

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Others than the owner and her group.
const EVERYBODY_READS: u32 = 0o004;

/// The service's side of TLS. Cheap to clone: all clones are the same.
#[derive(Clone, Debug)]
pub struct ServerTls {
    files: ServerFiles,
    current: watch::Sender<Doors>,
    certificates: Certificates,
    /// As the files were before they were first read.
    at_start: Stamps,
}

/// What each door asks for.
#[derive(Clone, Debug)]
struct Doors {
    /// Of callers: a certificate, if there is somebody who signs for them.
    callers: Arc<ServerConfig>,
    /// Of who looks whether the service is well: nothing.
    operators: Arc<ServerConfig>,
}

/// What changes when somebody writes a file, or puts another in its place: when, how long, which.
type Stamps = Vec<Option<(SystemTime, u64, u64)>>;

impl ServerTls {
    /// Reads the files; `certificates` is where it is told until when they are valid.
    pub fn open(files: ServerFiles, certificates: Certificates) -> Result<Self, TlsError> {
        let at_start = stamps(&files);
        let current = watch::Sender::new(load(&files, &certificates)?);
        Ok(Self { files, current, certificates, at_start })
    }

    /// Whether callers have to show a certificate.
    #[must_use]
    pub fn knows_callers(&self) -> bool {
        self.files.client_ca.is_some()
    }

    /// For the next caller.
    pub(crate) fn callers(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.current.borrow().callers)
    }

    /// For the next who looks whether the service is well.
    pub(crate) fn operators(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.current.borrow().operators)
    }

    /// Takes what is in the files until `stop`. Connections that are there keep what they began with.
    pub async fn follow(self, mut hangup: Signal, stop: CancellationToken) {
        let mut looks = interval(LOOK_EVERY);
        let (mut taken, mut seen) = (self.at_start.clone(), self.at_start.clone());
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = hangup.recv() => {
                    taken = stamps(&self.files);
                    self.take();
                }
                _ = looks.tick() => {
                    let now = stamps(&self.files);
                    // They are written one after the other: read when they have been the same twice.
                    if now == seen && now != taken {
                        taken.clone_from(&now);
                        self.take();
                    }
                    seen = now;
                }
            }
        }
    }

    fn take(&self) {
        match load(&self.files, &self.certificates) {
            Ok(doors) => {
                self.current.send_replace(doors);
            }
            Err(error) => {
                self.certificates.refuse();
                tracing::error!(%error, "the new certificate is not taken; the one from before is served");
            }
        }
    }
}

fn load(files: &ServerFiles, certificates: &Certificates) -> Result<Doors, TlsError> {
    let (shown, validity) = chain(&files.certificate)?;
    let own_key = key(&files.key)?;
    warn_of_readers(&files.key);
    let config = |builder: rustls::ConfigBuilder<ServerConfig, rustls::server::WantsServerCert>| {
        let config = builder.with_single_cert(shown.clone(), own_key.clone_key());
        let mut config = config.map_err(|error| TlsError::at(&files.key, &error))?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    };
    let builder = || {
        ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("ring knows the algorithms of TLS 1.2 and 1.3")
    };
    let operators = config(builder().with_no_client_auth())?;
    let (callers, of_callers) = match &files.client_ca {
        None => (Arc::clone(&operators), None),
        Some(path) => {
            let (roots, validity) = roots(path)?;
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider()).build();
            let verifier = verifier.map_err(|error| TlsError::at(path, &error))?;
            (config(builder().with_client_cert_verifier(verifier))?, Some(validity))
        }
    };
    tell(validity);
    certificates.take(validity.until, of_callers.map(|validity| validity.until));
    Ok(Doors { callers, operators })
}

/// Expired is not refused: who starts anew in the middle of the night has enough to do, and callers refuse it anyway.
fn tell(Validity { from, until }: Validity) {
    // By the clock that rustls verifies others' certificates with.
    let now = Duration::from_secs(UnixTime::now().as_secs());
    let time = SignedDuration::try_from(until).ok().and_then(|since| Timestamp::from_duration(since).ok());
    let shown = time.map(|time| time.to_string()).unwrap_or_default();
    if (from..=until).contains(&now) {
        tracing::info!(until = shown, "a certificate is served");
    } else {
        tracing::warn!(until = shown, "the certificate is not valid now: callers will not believe it");
    }
}

fn warn_of_readers(key: &Path) {
    if fs::metadata(key).is_ok_and(|metadata| metadata.permissions().mode() & EVERYBODY_READS != 0) {
        tracing::warn!(file = %key.display(), "everybody on this machine can read the key of the certificate");
    }
}

fn stamps(files: &ServerFiles) -> Stamps {
    let all = [Some(&files.certificate), Some(&files.key), files.client_ca.as_ref()];
    let stamp = |path: &PathBuf| {
        let metadata = fs::metadata(path).ok()?;
        Some((metadata.modified().ok()?, metadata.len(), metadata.ino()))
    };
    all.into_iter().flatten().map(stamp).collect()
}
