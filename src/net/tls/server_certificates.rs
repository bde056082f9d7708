//! Servers that are known without an authority: any that holds the key of its certificate, or one with a certain digest.

use std::sync::Arc;

use rustls::client::danger::{ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, Error};

use crate::names::fingerprint::Fingerprint;
use crate::net::tls::certificate::Certificate;
use crate::net::tls::signatures::looks_at_signatures;

/// Takes a server that holds the key of its certificate, whoever has made that and for whatever name and time.
#[derive(Debug)]
pub struct UnvouchedServer {
    /// Checks signatures.
    pub provider: Arc<CryptoProvider>,
    /// The digests of certificates or keys of which one must be its own; none: any server is good, for nobody listens
    /// on the way who doesn't also change what is said.
    pub known: Option<Vec<Fingerprint>>,
}

impl ServerCertVerifier for UnvouchedServer {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(known) = &self.known else { return Ok(ServerCertVerified::assertion()) };
        let shown = Certificate::read(certificate).ok_or(CertificateError::BadEncoding)?;
        match known.iter().any(|known| [shown.sha256, shown.key_sha256].contains(&known.0)) {
            true => Ok(ServerCertVerified::assertion()),
            false => Err(CertificateError::ApplicationVerificationFailure.into()),
        }
    }

    looks_at_signatures!();
}
