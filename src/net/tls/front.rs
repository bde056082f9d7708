//! TLS towards the clients of one listener: what its handshakes need.

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoClientAuth, ServerSessionMemoryCache};
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};

use crate::net::tls::certificates::Keyring;
use crate::net::tls::client_certificates::{AnyCertificate, by_authority};
use crate::net::tls::config::{ClientCertificates, Version};

/// TLS towards the clients of one listener; shared by all workers.
#[derive(Debug)]
pub struct Front {
    pub(super) config: Arc<ServerConfig>,
    pub(super) keyring: Arc<Keyring>,
    authority: Option<Arc<dyn ClientCertVerifier>>,
    /// Whether a client must show a certificate.
    pub(super) needs_certificate: bool,
}

/// Sessions without a ticket of their own that can be resumed; a few KiB each.
const RESUMABLE: usize = 2048;

/// Protocols that a client may ask for; one that asks for others alone has come to the wrong port (RFC 7301 §3.2).
const PROTOCOLS: [&[u8]; 2] = [b"smtp", b"esmtp"];

impl Front {
    /// TLS of at least `oldest` with the certificates of `keyring`, and with those of clients as `asked`; `roots` are the
    /// authorities for them.
    ///
    /// *Errors*: in words.
    pub fn new(
        keyring: &Arc<Keyring>,
        oldest: Version,
        asked: ClientCertificates,
        roots: Option<RootCertStore>,
    ) -> Result<Front, String> {
        let provider = provider();
        let authority = roots.map(|roots| by_authority(roots, &provider)).transpose()?;
        let any = |is_needed| -> Arc<dyn ClientCertVerifier> {
            Arc::new(AnyCertificate { provider: Arc::clone(&provider), is_needed })
        };
        let verifier = match (asked, &authority) {
            (ClientCertificates::Off, _) => Arc::new(NoClientAuth),
            (ClientCertificates::Request, _) => any(false),
            (ClientCertificates::Require, _) => any(true),
            (ClientCertificates::Verify, Some(authority)) => Arc::clone(authority),
            (ClientCertificates::Verify, None) => return Err("there is no `tls.client_ca`".to_owned()),
        };
        let words = |error: rustls::Error| error.to_string();
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions(oldest))
            .map_err(words)?
            .with_client_cert_verifier(verifier)
            .with_cert_resolver(Arc::clone(keyring) as _);
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
        // The keys are this listener's own: a session of another one, which may have asked for less, is not resumed.
        config.ticketer = aws_lc_rs::Ticketer::new().map_err(words)?;
        config.session_storage = ServerSessionMemoryCache::new(RESUMABLE);
        let needs_certificate = matches!(asked, ClientCertificates::Require | ClientCertificates::Verify);
        Ok(Front { config: Arc::new(config), keyring: Arc::clone(keyring), authority, needs_certificate })
    }

    /// Whether our authorities stand for the first of `chain`, now.
    pub(super) fn stands_for(&self, chain: &[CertificateDer<'_>]) -> bool {
        let (Some(authority), Some((first, rest))) = (&self.authority, chain.split_first()) else {
            return false;
        };
        authority.verify_client_cert(first, rest, UnixTime::now()).is_ok()
    }
}

/// The cryptography that all TLS is made with.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// The versions from `oldest` on.
pub(super) fn versions(oldest: Version) -> &'static [&'static SupportedProtocolVersion] {
    match oldest {
        Version::Tls12 => BOTH,
        Version::Tls13 => ONE,
    }
}

const BOTH: &[&SupportedProtocolVersion] = &[&TLS13, &TLS12];
const ONE: &[&SupportedProtocolVersion] = &[&TLS13];
