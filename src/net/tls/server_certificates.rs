//! Servers that are known without an authority: any that holds the key of its certificate, or one with a certain digest.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};

use crate::names::fingerprint::Fingerprint;
use crate::net::tls::certificate::Certificate;

/// Takes a server that holds the key of its certificate, whoever has made that and for whatever name and time.
#[derive(Debug)]
pub(super) struct UnvouchedServer {
    pub(super) provider: Arc<CryptoProvider>,
    /// The digests of certificates or keys of which one must be its own; none: any server is good, for nobody listens
    /// on the way who doesn't also change what is said.
    pub(super) known: Option<Vec<Fingerprint>>,
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

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
