//! TLS towards the clients of one listener: what its handshakes need.

use std::sync::Arc;

use arc_swap::ArcSwap;
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
    pub(super) keyring: Arc<Keyring>,
    wants: Wants,
    made: ArcSwap<Made>,
}

/// What a listener's TLS is like, whatever the certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Wants {
    oldest: Version,
    asked: ClientCertificates,
}

/// What is made anew with other authorities.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) config: Arc<ServerConfig>,
    authority: Option<Arc<dyn ClientCertVerifier>>,
    roots: Option<RootCertStore>,
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
        let wants = Wants { oldest, asked };
        let made = Made::new(keyring, wants, roots)?;
        Ok(Front { keyring: Arc::clone(keyring), wants, made: ArcSwap::from_pointee(made) })
    }

    /// Whether `new` of the same would make nothing else than this.
    pub fn is_of(
        &self,
        keyring: &Arc<Keyring>,
        oldest: Version,
        asked: ClientCertificates,
        roots: Option<&RootCertStore>,
    ) -> bool {
        let is_same = self.wants == Wants { oldest, asked } && Arc::ptr_eq(&self.keyring, keyring);
        is_same && has(self.made.load().roots.as_ref(), roots)
    }

    /// Takes other authorities into service, for handshakes from now on; whether they are others. Nobody resumes a session
    /// that the old ones have let in.
    ///
    /// *Errors*: in words; the old ones stay.
    pub fn renew(&self, roots: Option<RootCertStore>) -> Result<bool, String> {
        if has(self.made.load().roots.as_ref(), roots.as_ref()) {
            return Ok(false);
        }
        self.made.store(Arc::new(Made::new(&self.keyring, self.wants, roots)?));
        Ok(true)
    }

    /// What handshakes are made with now.
    pub(super) fn made(&self) -> Arc<Made> {
        self.made.load_full()
    }

    /// Whether a client must show a certificate.
    pub(super) fn needs_certificate(&self) -> bool {
        matches!(self.wants.asked, ClientCertificates::Require | ClientCertificates::Verify)
    }
}

impl Made {
    fn new(keyring: &Arc<Keyring>, wants: Wants, roots: Option<RootCertStore>) -> Result<Made, String> {
        let provider = provider();
        let authority = roots.clone().map(|roots| by_authority(roots, &provider)).transpose()?;
        let any = |is_needed| -> Arc<dyn ClientCertVerifier> {
            Arc::new(AnyCertificate { provider: Arc::clone(&provider), is_needed })
        };
        let verifier = match (wants.asked, &authority) {
            (ClientCertificates::Off, _) => Arc::new(NoClientAuth),
            (ClientCertificates::Request, _) => any(false),
            (ClientCertificates::Require, _) => any(true),
            (ClientCertificates::Verify, Some(authority)) => Arc::clone(authority),
            (ClientCertificates::Verify, None) => return Err("there is no `tls.client_ca`".to_owned()),
        };
        let words = |error: rustls::Error| error.to_string();
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions(wants.oldest))
            .map_err(words)?
            .with_client_cert_verifier(verifier)
            .with_cert_resolver(Arc::clone(keyring) as _);
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
        // The keys are this listener's own: a session of another one, which may have asked for less, is not resumed.
        config.ticketer = aws_lc_rs::Ticketer::new().map_err(words)?;
        config.session_storage = ServerSessionMemoryCache::new(RESUMABLE);
        Ok(Made { config: Arc::new(config), authority, roots })
    }

    /// Whether our authorities stand for the first of `chain`, now.
    pub(super) fn stands_for(&self, chain: &[CertificateDer<'_>]) -> bool {
        let (Some(authority), Some((first, rest))) = (&self.authority, chain.split_first()) else {
            return false;
        };
        authority.verify_client_cert(first, rest, UnixTime::now()).is_ok()
    }
}

/// Whether `known` are the authorities in `roots`.
fn has(known: Option<&RootCertStore>, roots: Option<&RootCertStore>) -> bool {
    known.map(|known| &known.roots) == roots.map(|roots| &roots.roots)
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
