//! Our certificates and whose we trust, as the configuration describes them: the table `[tls]`.

use std::path::PathBuf;

use crate::names::fingerprint::Fingerprint;

/// Our certificates and whose we trust.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// What we show unless the client asks for a name that another one is for; without it there is no TLS in front.
    pub own: Option<Pair>,
    /// What we show to clients that ask for certain names.
    pub hosts: Vec<Host>,
    /// The authorities that stand for clients' certificates.
    pub client_ca: Option<PathBuf>,
    /// The oldest version that is spoken.
    pub min_version: Version,
}

/// A certificate and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// PEM: the certificate, then those of the authorities between it and the root.
    pub certificate: PathBuf,
    /// PEM.
    pub key: PathBuf,
}

/// A certificate for certain names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// The names, in lower case, "*." standing for one label; empty for those in the certificate.
    pub names: Vec<String>,
    /// Certificate and key.
    pub pair: Pair,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// RFC 5246.
    #[default]
    Tls12,
    /// RFC 8446.
    Tls13,
}

/// What a listener wants to see of its clients' certificates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ClientCertificates {
    /// They are not asked for.
    #[default]
    Off,
    /// They are asked for; none, or any, is good.
    Request,
    /// There must be one; any is good.
    Require,
    /// There must be one that `client_ca` stands for.
    Verify,
}

/// TLS towards a backend.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BackTls {
    /// Whether it is spoken, and with whom.
    pub level: Level,
    /// From the first octet, instead of after STARTTLS.
    pub is_implicit: bool,
    /// The authorities that vouch for it; none are the system's own.
    pub ca: Option<PathBuf>,
    /// The name that its certificate must have, and that it is asked for; none is that of its address.
    pub server_name: Option<String>,
    /// Its certificate or key is one of these; then no authority and no name is looked at.
    pub fingerprints: Vec<Fingerprint>,
    /// What it is shown.
    pub client_certificate: Option<Pair>,
    /// The oldest version that is spoken.
    pub min_version: Version,
}

/// Whether TLS is spoken to a backend, and with whom.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Level {
    /// It is not.
    #[default]
    None,
    /// If it can be had.
    Opportunistic,
    /// Always, with whoever answers.
    Required,
    /// Always, with a server that proves to be the one that is meant.
    Verified,
}
