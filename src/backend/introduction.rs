//! Who the client is, as the backend is told by XCLIENT or XFORWARD.

use std::net::SocketAddr;

use crate::net::names::ClientName;
use crate::smtp::extension::Capabilities;
use crate::smtp::xclient::{ClientFacts, Name, xclient_line, xforward_lines};

/// What the backend is told of a client. A connection that was introduced by XCLIENT serves this client alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Introduction {
    /// Its forward-confirmed name.
    pub name: ClientName,
    /// Its address and port.
    pub client: SocketAddr,
    /// Where it connected to.
    pub server: SocketAddr,
    /// "SMTP" after HELO, "ESMTP" after EHLO.
    pub protocol: &'static str,
    /// What it called itself.
    pub helo: Option<String>,
    /// The login that counts at the backend: `relay_login` for a client that has a grant and no login.
    pub login: Option<String>,
    /// The session's id.
    pub ident: String,
}

impl Introduction {
    /// The XCLIENT command for a backend that offers `capabilities`.
    pub fn xclient(&self, capabilities: &Capabilities) -> Option<String> {
        xclient_line(&self.facts(), &capabilities.xclient)
    }

    /// The XFORWARD commands for a backend that offers `capabilities`.
    pub fn xforward(&self, capabilities: &Capabilities) -> Vec<String> {
        xforward_lines(&self.facts(), &capabilities.xforward)
    }

    fn facts(&self) -> ClientFacts<'_> {
        ClientFacts {
            name: match &self.name {
                ClientName::Known(name) => Name::Known(name),
                ClientName::None => Name::Unavailable,
                ClientName::Unknown => Name::TempUnavailable,
            },
            address: self.client.ip(),
            port: self.client.port(),
            protocol: self.protocol,
            helo: self.helo.as_deref(),
            login: self.login.as_deref(),
            destination: Some((self.server.ip(), self.server.port())),
            ident: Some(&self.ident),
            source: if self.client.ip().is_loopback() { "LOCAL" } else { "REMOTE" },
        }
    }
}
