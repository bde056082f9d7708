//! What is known of the client's TLS, and when a listener speaks it.

use std::fmt;

/// The TLS that a session speaks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// "TLSv1.2" or "TLSv1.3".
    pub version: &'static str,
    /// The cipher suite, by its name at IANA.
    pub cipher: &'static str,
    /// The server name that the client asked for (RFC 6066 §3), in lower case.
    pub sni: Option<String>,
    /// The protocol that was agreed on (RFC 7301).
    pub alpn: Option<String>,
    /// Whether an earlier session was resumed.
    pub is_resumed: bool,
    /// The certificate that the client has shown, and the key of which it holds.
    pub client_certificate: Option<ClientCertificate>,
    /// What a login can be bound to.
    pub channel_bindings: Vec<ChannelBinding>,
}

/// A client's certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientCertificate {
    /// Its subject, as RFC 4514 writes it.
    pub subject: String,
    /// Its issuer, as RFC 4514 writes it.
    pub issuer: String,
    /// Its subject alternative names: host names, addresses, URIs.
    pub names: Vec<String>,
    /// SHA-256 of the certificate (DER).
    pub sha256: [u8; 32],
    /// SHA-256 of its public key (DER of SubjectPublicKeyInfo).
    pub key_sha256: [u8; 32],
    /// Whether `tls.client_ca` stands for it.
    pub is_verified: bool,
}

/// A channel binding; no log shows its data.
#[derive(Clone, PartialEq, Eq)]
pub struct ChannelBinding {
    /// Its kind, by its name at IANA.
    pub kind: &'static str,
    /// What both ends of this connection know.
    pub data: Vec<u8>,
}

impl ChannelBinding {
    /// RFC 9266.
    pub const EXPORTER: &'static str = "tls-exporter";
    /// RFC 5929 §4.
    pub const SERVER_END_POINT: &'static str = "tls-server-end-point";
}

impl fmt::Debug for ChannelBinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChannelBinding({}, …)", self.kind)
    }
}

impl fmt::Display for Tls {
    /// Version and cipher, as a log shows them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.version, self.cipher)
    }
}

/// When a listener speaks TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsUse {
    /// Never.
    #[default]
    None,
    /// After STARTTLS, which the client may say (RFC 3207).
    Starttls,
    /// After STARTTLS, which the client must say before all else.
    Required,
    /// From the first octet (RFC 8314 §3.3).
    Implicit,
}

impl TlsUse {
    /// The word that the configuration uses.
    pub fn as_str(self) -> &'static str {
        match self {
            TlsUse::None => "none",
            TlsUse::Starttls => "starttls",
            TlsUse::Required => "starttls-required",
            TlsUse::Implicit => "implicit",
        }
    }

    /// Whether STARTTLS is there for sessions in clear text.
    pub fn has_starttls(self) -> bool {
        matches!(self, TlsUse::Starttls | TlsUse::Required)
    }
}
