//! The header by which a balancer says whose connection it carries: the PROXY protocol, versions 1 and 2.
//!
//! Octets in any cut become one header, or the reason why there is none. Whom to believe is not judged here.
//! Source: <https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt>.

mod binary;
mod checksum;
mod fields;
mod text;

use std::net::SocketAddr;

pub use fields::{Fields, Tls};

/// What a header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Header {
    /// The balancer speaks for itself, to see whether we are well (LOCAL).
    Local,
    /// It carries somebody's connection.
    Carried {
        /// Where the client and its destination are; `None` if the balancer doesn't know, or they have no IP address.
        ends: Option<Ends>,
        /// What else it told.
        fields: Box<Fields>,
    },
}

/// Both ends of the client's connection to the balancer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// The client.
    pub source: SocketAddr,
    /// Where it connected to.
    pub destination: SocketAddr,
}

/// Why there is no header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// The first octets are something else.
    #[error("no PROXY header")]
    Absent,
    /// It can't be read.
    #[error("malformed PROXY header")]
    Malformed,
    /// It has more octets than any header needs.
    #[error("PROXY header too long")]
    TooLong,
    /// Its checksum is another one than that of its octets.
    #[error("wrong checksum in the PROXY header")]
    Checksum,
}

/// Decodes one header.
#[derive(Debug, Default)]
pub struct HeaderDecoder {
    octets: Vec<u8>,
}

/// What a header of version 1 begins with.
const TEXT: &[u8] = b"PROXY ";
/// What a header of version 2 begins with.
const BINARY: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// The least that a header has: `PROXY UNKNOWN` and CRLF. No header of either version ends before.
const SHORTEST: usize = 15;

impl HeaderDecoder {
    /// A decoder that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether a header may begin with `octet`.
    pub fn may_begin_with(octet: u8) -> bool {
        [TEXT, BINARY].iter().any(|start| start.first() == Some(&octet))
    }

    /// Octets that may be read now without one that is behind the header; at least one.
    pub fn wants(&self) -> usize {
        let have = self.octets.len();
        if have < SHORTEST {
            SHORTEST - have
        } else if self.octets.starts_with(BINARY) {
            binary::wants(&self.octets)
        } else {
            text::wants(&self.octets)
        }
    }

    /// Takes octets from the front of `input`, none that is behind the header; the header, or why there is none, as
    /// soon as that is known.
    ///
    /// *Changes* `input`: what is left is behind the header. After an answer there is no second one.
    pub fn decode(&mut self, input: &mut &[u8]) -> Option<Result<Header, HeaderError>> {
        loop {
            let room = self.wants().min(input.len());
            let (taken, rest) = input.split_at_checked(room)?;
            *input = rest;
            self.octets.extend_from_slice(taken);
            if let Some(answer) = self.judge() {
                return Some(answer);
            }
            if input.is_empty() {
                return None;
            }
        }
    }

    fn judge(&self) -> Option<Result<Header, HeaderError>> {
        let octets = self.octets.as_slice();
        let begins = |start: &[u8]| octets.iter().zip(start).all(|(octet, due)| octet == due);
        if !begins(TEXT) && !begins(BINARY) {
            return Some(Err(HeaderError::Absent));
        }
        if octets.len() < BINARY.len() && !octets.starts_with(TEXT) {
            return None;
        }
        if octets.starts_with(TEXT) { text::judge(octets) } else { binary::judge(octets) }
    }
}

#[cfg(test)]
mod tests;
