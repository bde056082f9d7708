//! The certificates that we show, by the name that the client asks for; changed as a whole while in service.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::crypto::CryptoProvider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::net::tls::certificate::{Certificate, sha256};
use crate::net::tls::config::{Pair, Tls};
use crate::net::tls::end_point::end_point;
use crate::net::tls::files::{FileError, certified_key};

/// The certificates of `[tls]` as they were last read.
#[derive(Debug)]
pub struct Certificates {
    own: Arc<Own>,
    by_name: HashMap<String, Arc<Own>>,
    /// The same for the same certificates under the same names.
    pub(super) identity: [u8; 32],
    /// What there is to know of each, our own first.
    pub shown: Vec<Shown>,
}

/// A certificate with its key.
#[derive(Debug)]
struct Own {
    key: Arc<CertifiedKey>,
    /// What a login can be bound to by it.
    end_point: Option<Vec<u8>>,
}

/// A certificate that we show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The file that it stands in.
    pub file: PathBuf,
    /// In words.
    pub certificate: Certificate,
}

impl Certificates {
    /// Reads those of `config`; nothing if it has none of our own.
    ///
    /// *Errors*: a file that can't be read, or doesn't fit its pair.
    pub fn read(config: &Tls, provider: &CryptoProvider) -> Result<Option<Certificates>, FileError> {
        let Some(own) = &config.own else { return Ok(None) };
        let mut shown = Vec::new();
        let own = read_pair(own, provider, &mut shown)?;
        let mut by_name = HashMap::new();
        let mut names_in_order = String::new();
        for host in &config.hosts {
            let key = read_pair(&host.pair, provider, &mut shown)?;
            let names = match host.names.as_slice() {
                [] => shown.last().map(|shown| shown.certificate.names.clone()).unwrap_or_default(),
                names => names.to_vec(),
            };
            for name in names {
                names_in_order.push_str(&format!("{name} {}\n", shown.len()));
                by_name.entry(name).or_insert_with(|| Arc::clone(&key));
            }
        }
        let sums = shown.iter().flat_map(|shown| shown.certificate.sha256);
        let identity = sha256(&sums.chain(names_in_order.bytes()).collect::<Vec<u8>>());
        Ok(Some(Certificates { own, by_name, identity, shown }))
    }

    /// Whether these are the same as `other`, from the same files for the same names.
    pub fn is_same_as(&self, other: &Certificates) -> bool {
        self.identity == other.identity && self.shown == other.shown
    }

    /// The one for clients that ask for `name`: that of the name itself, of a wildcard for it, or our own.
    fn named(&self, name: Option<&str>) -> &Own {
        let found = name.and_then(|name| {
            let name = name.to_ascii_lowercase();
            let wildcard = || name.split_once('.').map(|(_, rest)| format!("*.{rest}"));
            self.by_name.get(&name).or_else(|| self.by_name.get(&wildcard()?))
        });
        found.unwrap_or(&self.own)
    }

    /// What a login can be bound to by the one for clients that ask for `name`. Source: RFC 5929 §4.
    pub(super) fn end_point(&self, name: Option<&str>) -> Option<&[u8]> {
        self.named(name).end_point.as_deref()
    }
}

fn read_pair(pair: &Pair, provider: &CryptoProvider, shown: &mut Vec<Shown>) -> Result<Arc<Own>, FileError> {
    let key = certified_key(pair, provider)?;
    let first = key.cert.first();
    let end_point = first.and_then(|first| end_point(first));
    let certificate = first.and_then(|first| Certificate::read(first));
    let certificate = certificate.ok_or_else(|| FileError {
        path: pair.certificate.clone(),
        why: "the first certificate in it can't be read".to_owned(),
    })?;
    shown.push(Shown { file: pair.certificate.clone(), certificate });
    Ok(Arc::new(Own { key: Arc::new(key), end_point }))
}

/// The certificates in service. All listeners share them.
#[derive(Debug)]
pub struct Keyring(ArcSwap<Certificates>);

impl Keyring {
    /// With these in service.
    pub fn new(certificates: Certificates) -> Self {
        Keyring(ArcSwap::from_pointee(certificates))
    }

    /// Takes others into service, for handshakes from now on.
    pub fn change(&self, certificates: Certificates) {
        self.0.store(Arc::new(certificates));
    }

    /// The file of each, and when it ends, in seconds since 1970.
    pub fn expiries(&self) -> Vec<(String, i64)> {
        let shown = &self.certificates().shown;
        shown.iter().map(|one| (one.file.display().to_string(), one.certificate.not_after)).collect()
    }

    /// Those in service.
    pub fn certificates(&self) -> Arc<Certificates> {
        self.0.load_full()
    }
}

impl ResolvesServerCert for Keyring {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.load().named(hello.server_name()).key))
    }
}
