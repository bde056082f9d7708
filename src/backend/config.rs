//! One mail server behind us, as the configuration describes it: the tables `[[backend]]`.

use std::path::PathBuf;
use std::time::Duration;

use crate::net::tls::config::BackTls;

/// One mail server behind us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backend {
    /// Its name in the configuration, the logs and `mail:route`.
    pub name: String,
    /// Where it is, in the order in which they are tried; never empty.
    pub addresses: Vec<Address>,
    /// Whether it is told who the client is by XCLIENT.
    pub xclient: Xclient,
    /// Whether, without XCLIENT, it is told by XFORWARD.
    pub xforward: Xforward,
    /// The LOGIN told to it by XCLIENT for clients with a grant but no login.
    pub relay_login: Option<String>,
    /// Our name in EHLO to it; `None` is the proxy's `hostname`.
    pub ehlo: Option<String>,
    /// When a session's connection to it is made.
    pub connect: ConnectAt,
    /// Connections at once over all workers.
    pub connections: usize,
    /// How long it may take to answer.
    pub timeouts: Timeouts,
    /// What becomes of 8-bit data when it doesn't offer 8BITMIME.
    pub downgrade: Downgrade,
    /// How TLS is spoken to it.
    pub tls: BackTls,
}

impl Backend {
    /// A backend of that name at those addresses, all else as documented.
    pub fn new(name: impl Into<String>, addresses: Vec<Address>) -> Self {
        Self {
            name: name.into(),
            addresses,
            xclient: Xclient::Auto,
            xforward: Xforward::Auto,
            relay_login: None,
            ehlo: None,
            connect: ConnectAt::Rcpt,
            connections: 80,
            timeouts: Timeouts::default(),
            downgrade: Downgrade::Refuse,
            tls: BackTls::default(),
        }
    }
}

/// Where a backend listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// A host name or an address, without brackets, and a port.
    Tcp {
        /// A name to be resolved, or an IP address as text.
        host: String,
        /// 1 or more.
        port: u16,
    },
    /// A stream socket in the file system.
    Unix(PathBuf),
    /// A Maildir that messages are stored in; for demo and tests.
    Maildir(PathBuf),
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Maildir(path) => write!(f, "maildir:{}", path.display()),
        }
    }
}

/// Whether XCLIENT is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Xclient {
    /// Where the backend offers it.
    Auto,
    /// Always; a connection without it is closed, 451 4.3.5.
    Required,
    /// Never.
    Off,
}

/// Whether XFORWARD is spoken where XCLIENT isn't.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Xforward {
    /// Where the backend offers it.
    Auto,
    /// Never.
    Off,
}

/// When the connection to the backend is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectAt {
    /// At the first RCPT that policies and the relay guard let through.
    Rcpt,
    /// At MAIL, whose answer is then the backend's.
    Mail,
    /// At the client's connection.
    Session,
}

/// What becomes of 8-bit data for a backend without 8BITMIME.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Downgrade {
    /// 554 5.6.3.
    Refuse,
    /// It is sent as it is.
    Pass,
}

/// How long the backend may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// To accept a connection.
    pub connect: Duration,
    /// From the connection to its 220.
    pub greeting: Duration,
    /// To answer EHLO, XCLIENT, MAIL or RCPT.
    pub command: Duration,
    /// To answer DATA with 354.
    pub data: Duration,
    /// From the client's dot to the backend's answer, hooks included.
    pub r#final: Duration,
}

impl Default for Timeouts {
    /// The documented defaults; `final` is less than the 10 minutes that RFC 5321 §4.5.3.2.6 gives the client.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            greeting: Duration::from_secs(20),
            command: Duration::from_secs(60),
            data: Duration::from_secs(60),
            r#final: Duration::from_secs(570),
        }
    }
}
