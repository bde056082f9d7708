//! `socketmap:`: a server that speaks the protocol of Sendmail and Postfix: "NAME KEY" in a netstring, a reply in one.
//!
//! Source: Postfix's socketmap_table(5).

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::lookup::error::LookupError;
use crate::lookup::map::kept::{Service, Trouble};
use crate::lookup::map::netstring::{self, NetstringError};
use crate::lookup::map::oracle::LONGEST_VALUE;
use crate::net::dial::dial;
use crate::net::names::Names;
use crate::net::stream::Stream;

/// Where such a server is, and which of its maps is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Where the server is.
    pub server: Server,
    /// The map's name there.
    pub name: String,
}

/// Where a server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Server {
    /// `inet:HOST:PORT`.
    Inet {
        /// A name, or an address; of IPv6 in brackets.
        host: String,
        /// The port.
        port: u16,
    },
    /// `unix:PATH`.
    Unix(PathBuf),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.server {
            Server::Inet { host, port } => write!(f, "socketmap:inet:{host}:{port}:{}", self.name),
            Server::Unix(path) => write!(f, "socketmap:unix:{}:{}", path.display(), self.name),
        }
    }
}

/// What a server says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply<'a> {
    /// This is the value.
    Ok(Cow<'a, str>),
    /// There is none.
    NotFound,
    /// It can't say, for the reason that stands there.
    Trouble(LookupError, Cow<'a, str>),
}

impl<'a> Reply<'a> {
    /// What is in a reply's netstring; nothing if it is no reply.
    pub fn parse(octets: &'a [u8]) -> Option<Self> {
        let end = octets.iter().position(|octet| *octet == b' ').unwrap_or(octets.len());
        let (word, rest) = octets.split_at_checked(end)?;
        let text = String::from_utf8_lossy(rest.get(1..).unwrap_or_default());
        match word {
            b"OK" if !rest.is_empty() => Some(Self::Ok(text)),
            b"NOTFOUND" => Some(Self::NotFound),
            b"TEMP" => Some(Self::Trouble(LookupError::ServFail, text)),
            b"TIMEOUT" => Some(Self::Trouble(LookupError::Timeout, text)),
            b"PERM" => Some(Self::Trouble(LookupError::Refused, text)),
            _ => None,
        }
    }
}

/// A server, and how it is found.
pub(super) struct Socketmap {
    pub(super) place: Place,
    pub(super) names: Arc<dyn Names>,
    /// How long connecting may take.
    pub(super) patience: Duration,
}

impl Service for Socketmap {
    type Line = Stream;

    async fn open(&self) -> Result<Stream, Trouble> {
        let stream = match &self.place.server {
            Server::Unix(path) => Stream::connect_unix(path).await.map_err(|error| error.to_string()),
            Server::Inet { host, port } => dial(host, *port, &*self.names, self.patience).await,
        };
        stream.map_err(|why| Trouble::unreachable(format!("{}: {why}", self.place)))
    }

    async fn ask(&self, stream: &mut Stream, key: &str) -> Result<Option<Box<str>>, Trouble> {
        let lost = |error: std::io::Error| Trouble::Lost(error.to_string());
        let request = netstring::encode(&[&self.place.name, " ", key]);
        stream.write(&request).await.map_err(lost)?;
        stream.flush().await.map_err(lost)?;
        let mut input = Vec::new();
        loop {
            match netstring::decode(&input, LONGEST) {
                Ok(Some((inside, length))) if length == input.len() => return self.value(inside),
                Ok(Some(_)) => return Err(Trouble::invalid("the server says more than it was asked")),
                Ok(None) => {}
                Err(error @ NetstringError::TooLong(_)) => {
                    return Err(Trouble::Broken(LookupError::TooLarge, format!("the reply: {error}")));
                }
                Err(error) => return Err(Trouble::invalid(format!("the reply: {error}"))),
            }
            let read = stream.read(|octets| {
                input.extend_from_slice(octets);
                octets.len()
            });
            match read.await {
                Ok(0) if input.is_empty() => {
                    return Err(Trouble::Lost("the server has closed it".to_owned()));
                }
                Ok(0) => {
                    return Err(Trouble::unreachable("the server has closed the connection amid a reply"));
                }
                Ok(_) => {}
                Err(error) => return Err(lost(error)),
            }
        }
    }

    fn is_stale(&self, stream: &mut Stream) -> bool {
        !matches!(stream.unasked(&mut [0]), Ok(None))
    }
}

impl Socketmap {
    fn value(&self, inside: &[u8]) -> Result<Option<Box<str>>, Trouble> {
        match Reply::parse(inside) {
            Some(Reply::Ok(value)) if value.len() > LONGEST_VALUE => {
                Err(Trouble::Said(LookupError::TooLarge, "the value is too long".to_owned()))
            }
            Some(Reply::Ok(value)) => Ok(Some(value.into())),
            Some(Reply::NotFound) => Ok(None),
            Some(Reply::Trouble(kind, why)) => {
                let why: String = why.chars().take(LONGEST_REASON).collect();
                Err(Trouble::Said(kind, format!("{}: the server says: {why}", self.place)))
            }
            None => Err(Trouble::invalid(format!("{}: the reply is none of the protocol's", self.place))),
        }
    }
}

/// Octets of a reply: a value and the word before it.
const LONGEST: usize = LONGEST_VALUE + 16;

/// Characters of a reason that are logged.
const LONGEST_REASON: usize = 200;

#[cfg(test)]
#[path = "socketmap_tests.rs"]
mod tests;
