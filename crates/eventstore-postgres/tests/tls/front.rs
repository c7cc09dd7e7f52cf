//! TLS as a server speaks it, in front of the server of the tests, which need not be built with it. What comes in without
//! it goes nowhere.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_postgres::config::Host;
use tokio_rustls::TlsAcceptor;

use crate::authority::{Authority, Pair};
use crate::database::Database;

/// What a client says that wants TLS (PostgreSQL, "Message Formats", `SSLRequest`).
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// A way to the server of the tests that leads through TLS.
pub(crate) struct Front {
    address: SocketAddr,
    encrypted: Arc<AtomicU32>,
}

impl Front {
    /// Shows a certificate; wants one of this authority's in return, if any.
    pub(crate) async fn with(shown: &Pair, wanted: Option<&Authority>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let (acceptor, encrypted) = (TlsAcceptor::from(config(shown, wanted)), Arc::new(AtomicU32::new(0)));
        let counted = Arc::clone(&encrypted);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(pass(stream, acceptor.clone(), Arc::clone(&counted)));
            }
        });
        Self { address, encrypted }
    }

    /// A database by this way, under a name of this machine.
    pub(crate) fn url(&self, database: &Database, host: &str, parameters: &str) -> String {
        let (login, _) = database.url.split_once('@').expect("the URL names a login");
        format!("{login}@{host}:{}/{}?{parameters}", self.address.port(), database.name)
    }

    /// How many connections have come through.
    pub(crate) fn encrypted(&self) -> u32 {
        self.encrypted.load(Ordering::Relaxed)
    }
}

async fn pass(mut stream: TcpStream, acceptor: TlsAcceptor, encrypted: Arc<AtomicU32>) {
    let mut asked = [0; SSL_REQUEST.len()];
    if stream.read_exact(&mut asked).await.is_err() || asked != SSL_REQUEST {
        return;
    }
    stream.write_all(b"S").await.expect("whoever asks waits for an answer");
    // Whoever does not trust us, or is not trusted, goes.
    let Ok(mut stream) = acceptor.accept(stream).await else { return };
    encrypted.fetch_add(1, Ordering::Relaxed);
    let mut server = TcpStream::connect(server()).await.expect("the server of the tests runs");
    let _ = copy_bidirectional(&mut stream, &mut server).await;
}

fn server() -> (String, u16) {
    let url = std::env::var("TEST_DATABASE_URL").expect("the database was made on it");
    let config: tokio_postgres::Config = url.parse().expect("it is a URL");
    match &config.get_hosts()[0] {
        Host::Tcp(name) => (name.clone(), config.get_ports().first().copied().unwrap_or(5432)),
        Host::Unix(_) => panic!("TEST_DATABASE_URL names a socket, and TLS is spoken over TCP alone"),
    }
}

fn config(shown: &Pair, wanted: Option<&Authority>) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("ring knows them");
    let builder = match wanted {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            let root = CertificateDer::from_pem_file(authority.root()).expect("it was written");
            roots.add(root).expect("it is a certificate");
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.expect("there is a root"))
        }
    };
    let certificate = CertificateDer::from_pem_file(&shown.certificate).expect("it was written");
    let key = PrivateKeyDer::from_pem_file(&shown.key).expect("it was written");
    Arc::new(builder.with_single_cert(vec![certificate], key).expect("they belong together"))
}
