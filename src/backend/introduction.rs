//! Who the client is, as the backend is told by XCLIENT or XFORWARD.

use std::net::SocketAddr;

use crate::net::names::ClientName;
use crate::smtp::extension::Capabilities;
use crate::smtp::particulars::{Particulars, Value};
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
    /// Whose message this client carries, if it has told.
    pub forwarded: Option<Box<Particulars>>,
}

impl Introduction {
    /// The XCLIENT command for a backend that offers `capabilities`.
    pub fn xclient(&self, capabilities: &Capabilities) -> Option<String> {
        xclient_line(&self.facts(), &capabilities.xclient)
    }

    /// The XFORWARD commands for a backend that offers `capabilities`.
    pub fn xforward(&self, capabilities: &Capabilities) -> Vec<String> {
        let facts = self.forwarded.as_deref().map_or_else(|| self.facts(), |told| self.facts_of(told));
        xforward_lines(&facts, &capabilities.xforward)
    }

    /// Whether `other` is of the same client, whosever message it carries.
    pub(super) fn is_of_client(&self, other: &Introduction) -> bool {
        *self == Introduction { forwarded: self.forwarded.clone(), ..other.clone() }
    }

    fn facts(&self) -> ClientFacts<'_> {
        ClientFacts {
            name: match &self.name {
                ClientName::Known(name) => Name::Known(name),
                ClientName::None => Name::Unavailable,
                ClientName::Unknown => Name::TempUnavailable,
            },
            address: Some(self.client.ip()),
            port: Some(self.client.port()),
            protocol: Some(self.protocol),
            helo: self.helo.as_deref(),
            login: self.login.as_deref(),
            destination: Some((self.server.ip(), self.server.port())),
            ident: Some(&self.ident),
            source: if self.client.ip().is_loopback() { "LOCAL" } else { "REMOTE" },
        }
    }

    /// What the client told of whose message it carries, and nothing of itself.
    fn facts_of<'a>(&'a self, told: &'a Particulars) -> ClientFacts<'a> {
        ClientFacts {
            name: match &told.name {
                Value::Known(name) => Name::Known(name),
                Value::TemporarilyUnavailable => Name::TempUnavailable,
                Value::Untold | Value::Unavailable => Name::Unavailable,
            },
            address: told.address.known().copied(),
            port: told.port.known().copied(),
            protocol: told.protocol.known().map(String::as_str),
            helo: told.helo.known().map(String::as_str),
            login: None,
            destination: None,
            ident: Some(told.ident.known().unwrap_or(&self.ident)),
            source: told.source.known().map_or("REMOTE", String::as_str),
        }
    }
}
