//! The load generator's TLS, and the certificate that the proxies show it.
//!
//! Version, key exchange and cipher suite are the same for all proxies, whatever each would choose.

use std::fs;
use std::io::Read;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use gatepost::net::stream::Stream;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs::{self, cipher_suite, kx_group};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::TLS13;
use rustls::{ClientConfig, ClientConnection, HandshakeKind, RootCertStore, StreamOwned};
use tokio_rustls::{TlsConnector, TlsStream};

/// How each connection under TLS begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Handshake {
    /// By the whole of it.
    Full,
    /// By a ticket of an earlier one.
    Resumed,
}

impl Handshake {
    /// Both, as the table has them.
    pub(crate) const ALL: [Handshake; 2] = [Handshake::Full, Handshake::Resumed];
}

/// A certificate with an ECDSA key on P-256, made for this run.
pub(crate) struct Identity {
    /// PEM: the certificate and its key.
    pub(crate) pem: PathBuf,
    certificate: CertificateDer<'static>,
}

impl Identity {
    /// Makes one, in `folder`.
    pub(crate) fn new(folder: &Path) -> Result<Self> {
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(vec![NAME.to_owned()])?;
        let pem = folder.join("proxy.pem");
        fs::write(&pem, format!("{}{}", cert.pem(), signing_key.serialize_pem()))
            .with_context(|| pem.display().to_string())?;
        Ok(Self { pem, certificate: cert.der().clone() })
    }

    /// Takes a handshake over `stream`, and fills `place` with the first octets that come then.
    pub(crate) fn read(&self, stream: TcpStream, place: &mut [u8]) -> Result<()> {
        let Tls { config, .. } = self.client(Handshake::Full)?;
        let connection = ClientConnection::new(config, ServerName::try_from(NAME)?)?;
        Ok(StreamOwned::new(connection, stream).read_exact(place)?)
    }

    /// TLS of one client of a proxy that shows this one. What it may resume is its own.
    pub(crate) fn client(&self, handshake: Handshake) -> Result<Tls> {
        let mut provider = aws_lc_rs::default_provider();
        provider.cipher_suites = vec![cipher_suite::TLS13_AES_256_GCM_SHA384];
        provider.kx_groups = vec![kx_group::X25519];
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone())?;
        let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&[&TLS13])?
            .with_root_certificates(roots)
            .with_no_client_auth();
        if handshake == Handshake::Full {
            config.resumption = Resumption::disabled();
        }
        Ok(Tls { config: Arc::new(config), handshake, has_begun: AtomicBool::new(false) })
    }
}

/// TLS of one client of the load generator.
pub(crate) struct Tls {
    config: Arc<ClientConfig>,
    handshake: Handshake,
    /// Whether there was a handshake before.
    has_begun: AtomicBool,
}

impl Tls {
    /// `stream` under TLS.
    ///
    /// Errors: also if it began otherwise than it is meant to; a client's first handshake is full in any case.
    pub(crate) async fn secure(&self, stream: Stream) -> Result<Stream> {
        let connector = TlsConnector::from(Arc::clone(&self.config));
        let secured = connector.connect(ServerName::try_from(NAME)?, stream).await.context("TLS")?;
        let is_first = !self.has_begun.swap(true, Ordering::Relaxed);
        let due = match self.handshake {
            Handshake::Resumed if !is_first => HandshakeKind::Resumed,
            _ => HandshakeKind::Full,
        };
        let begun = secured.get_ref().1.handshake_kind();
        anyhow::ensure!(begun == Some(due), "a handshake was {begun:?}, due was {due:?}");
        Ok(Stream::Tls(Box::new(TlsStream::Client(secured))))
    }
}

/// Whom the certificate is for.
const NAME: &str = "proxy.bench.example";
