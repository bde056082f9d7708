//! Where a directory server is, and how what is said to it is kept from others.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

/// Where a directory server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Server {
    /// `ldap://` or `ldaps://`.
    Tcp {
        /// A name, or an address without brackets.
        host: String,
        /// The port.
        port: u16,
        /// Whether TLS comes with the first octet.
        is_ldaps: bool,
    },
    /// `ldapi:`, a socket in the file system.
    Unix(PathBuf),
}

impl Server {
    /// Whether nobody but this machine sees what is said to it.
    pub fn is_here(&self) -> bool {
        match self {
            Server::Unix(_) => true,
            Server::Tcp { host, .. } => {
                host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
            }
        }
    }

    /// Whether TLS comes with the first octet.
    pub fn is_ldaps(&self) -> bool {
        matches!(self, Server::Tcp { is_ldaps: true, .. })
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Server::Tcp { host, port, is_ldaps } => {
                let scheme = if *is_ldaps { "ldaps" } else { "ldap" };
                let (open, close) = if host.contains(':') { ("[", "]") } else { ("", "") };
                write!(f, "{scheme}://{open}{host}{close}:{port}")
            }
            Server::Unix(path) => write!(f, "ldapi:{}", path.display()),
        }
    }
}

/// How what is said to a server is kept from others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Security {
    /// The authorities that vouch for the server; none are the system's own.
    pub ca: Option<PathBuf>,
    /// Whether TLS begins after STARTTLS; none if that depends on where the server is.
    pub starttls: Option<bool>,
    /// Whether it may go elsewhere in clear text.
    pub without_tls: bool,
}

impl Security {
    /// Whether `server` is told STARTTLS: every server elsewhere, unless something else is said.
    pub fn uses_starttls(&self, server: &Server) -> bool {
        match server {
            Server::Unix(_) | Server::Tcp { is_ldaps: true, .. } => false,
            Server::Tcp { .. } => self.starttls.unwrap_or(!server.is_here() && !self.without_tls),
        }
    }

    /// Whether what is said to `server` would be seen on its way by others than are meant to.
    pub fn is_overheard(&self, server: &Server) -> bool {
        !(server.is_here() || server.is_ldaps() || self.uses_starttls(server) || self.without_tls)
    }
}
