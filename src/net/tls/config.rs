//! Our certificates and whose we trust, as the configuration describes them: the table `[tls]`.

use std::path::PathBuf;

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
