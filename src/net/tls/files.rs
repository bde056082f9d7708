//! Certificates and keys as they stand in files, in PEM.

use std::io;
use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use zeroize::Zeroizing;

use crate::net::tls::config::Pair;

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
#[error("{}: {why}", path.display())]
pub struct FileError {
    /// The file.
    pub path: PathBuf,
    /// In words.
    pub why: String,
}

/// Octets of a file that are read: a bundle of all the world's authorities has less.
const MOST: u64 = 4 << 20;

/// The certificates in the file at `path`; at least one.
///
/// *Errors*: it can't be read, or holds none.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, FileError> {
    let text = read(path)?;
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match read {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) => Err(wrong(path, "there is no certificate in it")),
        Err(error) => Err(wrong(path, &error)),
    }
}

/// The certificate and key of `pair`, which belong together.
///
/// *Errors*: one can't be read, or they don't.
pub fn certified_key(pair: &Pair, provider: &CryptoProvider) -> Result<CertifiedKey, FileError> {
    let chain = certificates(&pair.certificate)?;
    together(pair, chain, private_key(&pair.key)?, provider)
}

/// What of a pair is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The certificate.
    Certificate,
    /// The key.
    Key,
    /// The key, since it is not the certificate's.
    Both,
}

/// Everything that is wrong with `pair`.
pub fn mistakes(pair: &Pair, provider: &CryptoProvider) -> Vec<(Part, FileError)> {
    match (certificates(&pair.certificate), private_key(&pair.key)) {
        (Ok(chain), Ok(key)) => {
            let wrong = together(pair, chain, key, provider).err();
            wrong.map(|error| (Part::Both, error)).into_iter().collect()
        }
        // A file that can't be read is one mistake, also where it is named for both.
        (Err(error), Err(_)) if pair.certificate == pair.key => vec![(Part::Certificate, error)],
        (chain, key) => {
            let chain = chain.err().map(|error| (Part::Certificate, error));
            chain.into_iter().chain(key.err().map(|error| (Part::Key, error))).collect()
        }
    }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, FileError> {
    let text = read(path)?;
    PrivateKeyDer::from_pem_slice(&text).map_err(|error| match error {
        rustls::pki_types::pem::Error::NoItemsFound => wrong(path, "there is no private key in it"),
        error => wrong(path, &error),
    })
}

fn together(
    pair: &Pair,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, FileError> {
    CertifiedKey::from_der(chain, key, provider).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => {
            let other = pair.certificate.display();
            wrong(&pair.key, &format_args!("it is not the key of the certificate in {other}"))
        }
        error => wrong(&pair.key, &error),
    })
}

/// The authorities in the file at `path`.
///
/// *Errors*: it can't be read, or one in it is none.
pub fn authorities(path: &Path) -> Result<RootCertStore, FileError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| wrong(path, &error))?;
    }
    Ok(roots)
}

/// What is in a file; it may be a key, and is wiped.
fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, FileError> {
    let read = || -> io::Result<Vec<u8>> {
        if std::fs::metadata(path)?.len() > MOST {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        std::fs::read(path)
    };
    read().map(Zeroizing::new).map_err(|error| wrong(path, &error))
}

fn wrong(path: &Path, why: &(impl std::fmt::Display + ?Sized)) -> FileError {
    FileError { path: path.to_owned(), why: why.to_string() }
}
