//! The caller's side of TLS: the command line's, when it asks a service that speaks it. It knows no roots but those that it
//! is given: who signs for a service is its operator's affair.

use std::io;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::files::{ClientFiles, TlsError, chain, key, roots};
use super::provider;

/// What a caller shows and believes.
pub(crate) fn client(files: &ClientFiles) -> Result<Arc<ClientConfig>, TlsError> {
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("ring knows the algorithms of TLS 1.2 and 1.3")
        .with_root_certificates(roots(&files.ca)?.0);
    let config = match &files.own {
        None => config.with_no_client_auth(),
        Some((certificate, own_key)) => config
            .with_client_auth_cert(chain(certificate)?.0, key(own_key)?)
            .map_err(|error| TlsError::at(own_key, &error))?,
    };
    Ok(Arc::new(config))
}

/// Speaks TLS on a connection to a host, which has to prove that it is that.
pub(crate) async fn connect(
    config: Arc<ClientConfig>,
    host: &str,
    stream: TcpStream,
) -> io::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    TlsConnector::from(config).connect(name, stream).await
}
