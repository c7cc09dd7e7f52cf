//! TLS as it is asked for on the command line: of `serve`, and of commands that ask a service.

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;

use crate::tls::{Certificates, ClientFiles, ServerFiles, ServerTls};

/// What callers of a service see, and have to show.
#[derive(Clone, Debug, Args)]
pub(super) struct TlsArgs {
    /// The service's certificate, then those between it and a root that callers know (PEM). With it callers are served over
    /// TLS alone, and so are operators who are not on this machine. It is read again when a file changes, and at SIGHUP
    #[arg(long = "tls-certificate", env = "USER_SERVICE_TLS_CERTIFICATE", value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// Its key (PEM)
    #[arg(long = "tls-key", env = "USER_SERVICE_TLS_KEY", value_name = "FILE")]
    key: Option<PathBuf>,
    /// Who signs for callers (PEM): nobody is served who shows no certificate of theirs
    #[arg(long = "tls-client-ca", env = "USER_SERVICE_TLS_CLIENT_CA", value_name = "FILE")]
    client_ca: Option<PathBuf>,
}

impl TlsArgs {
    /// Reads the files, if any are named.
    pub(super) fn open(&self, certificates: &Certificates) -> anyhow::Result<Option<ServerTls>> {
        let files = self.files()?.map(|files| ServerTls::open(files, certificates.clone()));
        Ok(files.transpose()?)
    }

    /// Whether callers are served over TLS.
    pub(super) fn is_on(&self) -> bool {
        self.certificate.is_some()
    }

    /// Whether nobody is served without a certificate of her own.
    pub(super) fn asks_for_certificates(&self) -> bool {
        self.client_ca.is_some()
    }

    /// Which files those are, if TLS is wanted.
    pub(super) fn files(&self) -> anyhow::Result<Option<ServerFiles>> {
        match (&self.certificate, &self.key, &self.client_ca) {
            (None, None, None) => Ok(None),
            (Some(certificate), Some(key), client_ca) => {
                let (certificate, key) = (certificate.clone(), key.clone());
                Ok(Some(ServerFiles { certificate, key, client_ca: client_ca.clone() }))
            }
            (None, None, Some(_)) => bail!("--tls-client-ca needs --tls-certificate and --tls-key"),
            (Some(_), None, _) | (None, Some(_), _) => bail!("--tls-certificate and --tls-key go together"),
        }
    }
}

/// What a command shows a service that speaks TLS, and how it knows it.
#[derive(Clone, Debug, Args)]
pub(super) struct ClientTlsArgs {
    /// Who signs for the service (PEM), if it is called by https
    #[arg(long, global = true, env = "USER_SERVICE_TLS_CA", value_name = "FILE")]
    tls_ca: Option<PathBuf>,
    /// Our own certificate (PEM), where the service asks for one
    #[arg(long, global = true, env = "USER_SERVICE_CLIENT_CERTIFICATE", value_name = "FILE")]
    client_certificate: Option<PathBuf>,
    /// Its key (PEM)
    #[arg(long, global = true, env = "USER_SERVICE_CLIENT_KEY", value_name = "FILE")]
    client_key: Option<PathBuf>,
}

impl ClientTlsArgs {
    /// What is known and shown.
    pub(super) fn files(&self) -> anyhow::Result<ClientFiles> {
        let ca = self.tls_ca.clone().context(
            "a service that is called by https is known by who signs for it: say --tls-ca, the file with \
             their certificate",
        )?;
        let own = match (&self.client_certificate, &self.client_key) {
            (None, None) => None,
            (Some(certificate), Some(key)) => Some((certificate.clone(), key.clone())),
            (Some(_), None) | (None, Some(_)) => bail!("--client-certificate and --client-key go together"),
        };
        Ok(ClientFiles { ca, own })
    }
}
