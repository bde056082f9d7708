//! A client's handshake: from a stream in clear text to one that nobody else can read, and what is known then.

use std::io;
use std::sync::Arc;

use rustls::{AlertDescription, CertificateError, HandshakeKind, ProtocolVersion, ServerConnection};
use tokio_rustls::{TlsAcceptor, TlsStream};

use crate::net::stream::Stream;
use crate::net::tls::certificate::Certificate;
use crate::net::tls::certificates::Certificates;
use crate::net::tls::front::{Front, Made};
use crate::net::tls::turnstile::Turnstile;

/// What is known of the other side after a handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// "TLSv1.2" or "TLSv1.3".
    pub version: &'static str,
    /// The cipher suite, by its name at IANA.
    pub cipher: &'static str,
    /// The name that it asked for.
    pub sni: Option<String>,
    /// The protocol that was agreed on.
    pub alpn: Option<String>,
    /// Whether an earlier session was resumed.
    pub is_resumed: bool,
    /// Its certificate.
    pub certificate: Option<Certificate>,
    /// Whether our authorities stand for that.
    pub is_verified: bool,
    /// What only the two ends of this connection can know (RFC 9266 §2); under TLS 1.3 only.
    pub exporter: Option<[u8; 32]>,
    /// The digest of the certificate that it was shown (RFC 5929 §4).
    pub server_end_point: Option<Vec<u8>>,
}

/// Why there is no TLS.
#[derive(Debug)]
pub struct Failure {
    /// In a word, for counts.
    pub reason: Reason,
    /// For the log.
    pub error: String,
    /// The connection, where something can still be said in clear text.
    pub stream: Option<Stream>,
}

/// Why there is no TLS, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The client speaks something else.
    NotTls,
    /// It took too long.
    Timeout,
    /// The connection is gone.
    Lost,
    /// No version or cipher suite in common.
    Incompatible,
    /// The client doesn't trust us, or gives up for another reason that it tells by an alert.
    Alert,
    /// The client's certificate is missing or not good.
    Certificate,
    /// What the client said makes no sense.
    Protocol,
}

impl Reason {
    /// All of them.
    pub const ALL: [Reason; 7] = [
        Reason::NotTls,
        Reason::Timeout,
        Reason::Lost,
        Reason::Incompatible,
        Reason::Alert,
        Reason::Certificate,
        Reason::Protocol,
    ];

    /// The word that logs and metrics use.
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::NotTls => "not_tls",
            Reason::Timeout => "timeout",
            Reason::Lost => "lost",
            Reason::Incompatible => "incompatible",
            Reason::Alert => "alert",
            Reason::Certificate => "certificate",
            Reason::Protocol => "protocol",
        }
    }
}

/// The first octet of a client's handshake. Source: RFC 8446 §5.1.
pub const HANDSHAKE: u8 = 0x16;

impl Failure {
    /// A failure without more words than its reason.
    pub fn of(reason: Reason) -> Failure {
        Failure { reason, error: reason.as_str().to_owned(), stream: None }
    }
}

/// Takes the handshake of the client behind `stream`; the stream afterwards.
///
/// It waits for the client's first octet without holding anything, then for a place in the `turnstile`.
/// *Errors*: why it fails; the client was told by an alert.
pub async fn accept(
    stream: Stream,
    front: &Front,
    turnstile: &Turnstile,
) -> Result<(Stream, Facts), Failure> {
    match stream.first_octet().await {
        Ok(Some(HANDSHAKE)) => {}
        Ok(Some(_)) => return Err(Failure { stream: Some(stream), ..Failure::of(Reason::NotTls) }),
        Ok(None) | Err(_) => return Err(Failure::of(Reason::Lost)),
    }
    let Some(_place) = turnstile.enter().await else { return Err(Failure::of(Reason::Timeout)) };
    let certificates = front.keyring.certificates();
    let made = front.made();
    let acceptor = TlsAcceptor::from(made.config.clone());
    // Goes into the tickets: with what certificates the session has begun that they resume.
    let accept = acceptor.accept_with(stream, |made| made.set_resumption_data(&certificates.identity));
    let secured = turnstile.pass(accept).await.map_err(|error| failure(&error))?;
    let end_point = end_point(secured.get_ref().1, front, &certificates);
    let facts = facts(secured.get_ref().1, &made, end_point);
    if front.needs_certificate() && facts.certificate.is_none() {
        return Err(Failure::of(Reason::Certificate)); // one that nobody can read is none
    }
    Ok((Stream::Tls(Box::new(TlsStream::Server(secured))), facts))
}

fn facts(connection: &ServerConnection, made: &Made, server_end_point: Option<Vec<u8>>) -> Facts {
    let chain = connection.peer_certificates().unwrap_or_default();
    let certificate = chain.first().and_then(|first| Certificate::read(first));
    let is_13 = connection.protocol_version() == Some(ProtocolVersion::TLSv1_3);
    // RFC 9266 §4.2 takes it from a TLS 1.2 with extended master secrets alone, and rustls doesn't tell which have them.
    let exported = || connection.export_keying_material([0; 32], b"EXPORTER-Channel-Binding", Some(b"")).ok();
    let suite = connection.negotiated_cipher_suite().and_then(|suite| suite.suite().as_str());
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    Facts {
        version: if is_13 { "TLSv1.3" } else { "TLSv1.2" },
        cipher: suite.map_or("unknown", at_iana),
        sni: connection.server_name().map(str::to_ascii_lowercase),
        alpn: connection.alpn_protocol().map(text),
        is_resumed: connection.handshake_kind() == Some(HandshakeKind::Resumed),
        is_verified: certificate.is_some() && made.stands_for(chain),
        certificate,
        exporter: is_13.then(exported).flatten(),
        server_end_point,
    }
}

/// The digest of the certificate that the client believes to have seen; nothing if that can't be told: `certificates`
/// were changed during the handshake, or since the session began that is resumed.
fn end_point(
    connection: &ServerConnection,
    front: &Front,
    certificates: &Arc<Certificates>,
) -> Option<Vec<u8>> {
    let is_same = Arc::ptr_eq(certificates, &front.keyring.certificates());
    let is_seen = match connection.handshake_kind() {
        // Under TLS 1.2 rustls doesn't tell what the ticket had.
        Some(HandshakeKind::Resumed) => connection.received_resumption_data() == Some(&certificates.identity),
        _ => true,
    };
    certificates.end_point(connection.server_name()).filter(|_| is_same && is_seen).map(<[u8]>::to_vec)
}

/// rustls has names of its own for the suites of TLS 1.3.
fn at_iana(suite: &'static str) -> &'static str {
    match suite {
        "TLS13_AES_128_GCM_SHA256" => "TLS_AES_128_GCM_SHA256",
        "TLS13_AES_256_GCM_SHA384" => "TLS_AES_256_GCM_SHA384",
        "TLS13_CHACHA20_POLY1305_SHA256" => "TLS_CHACHA20_POLY1305_SHA256",
        other => other,
    }
}

/// What `error` of a handshake means.
pub(super) fn failure(error: &io::Error) -> Failure {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let reason = match inner {
        None => Reason::Lost,
        Some(rustls::Error::AlertReceived(AlertDescription::CloseNotify)) => Reason::Lost,
        Some(rustls::Error::AlertReceived(_)) => Reason::Alert,
        Some(rustls::Error::PeerIncompatible(_) | rustls::Error::NoApplicationProtocol) => {
            Reason::Incompatible
        }
        Some(rustls::Error::NoCertificatesPresented | rustls::Error::InvalidCertificate(_)) => {
            Reason::Certificate
        }
        Some(_) => Reason::Protocol,
    };
    let error = match inner {
        Some(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {
            "the certificate's issuer is not known".to_owned()
        }
        Some(inner) => inner.to_string(),
        None => error.to_string(),
    };
    Failure { reason, error, stream: None }
}

#[cfg(test)]
mod tests;
