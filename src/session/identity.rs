//! Who is at the other end: the client, the socket's peer, and our own side of the connection.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::smtp::particulars::Value;

/// A session's name in every log line, in the Received field and behind our refusals: 16 characters.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionId([u8; LENGTH]);

const LENGTH: usize = 16;
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

impl SessionId {
    /// The id that stands for `number`; different numbers of up to 80 bits give different ids.
    pub fn new(number: u128) -> Self {
        let mut characters = [b'0'; LENGTH];
        let mut rest = number;
        for character in characters.iter_mut().rev() {
            let [low, ..] = rest.to_le_bytes();
            *character = ALPHABET.get(usize::from(low & 31)).copied().unwrap_or(b'0');
            rest >>= 5;
        }
        SessionId(characters)
    }

    /// The 16 characters: digits and upper-case letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Whether `text` has the form of one of our ids; the loop check looks for it in Received fields.
    pub fn is_well_formed(text: &str) -> bool {
        text.len() == LENGTH && text.bytes().all(|octet| ALPHABET.contains(&octet))
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The addresses of one connection.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The session's name.
    pub id: SessionId,
    /// The real client; a v4-mapped address is its IPv4.
    pub client: SocketAddr,
    /// The other end of our socket.
    pub peer: SocketAddr,
    /// Where the client connected to: our end, or the balancer's.
    pub server: SocketAddr,
    /// Whether a balancer only asks whether we are well.
    pub is_probe: bool,
    /// Whether XCLIENT has named the client.
    pub is_introduced: bool,
    /// The client's name in DNS, as far as XCLIENT has told it.
    pub name: Value<String>,
    /// What the balancer told beside the addresses.
    pub told: Option<Arc<Told>>,
}

/// What a balancer has told of a connection beside its addresses. No value in it holds a control.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// The host name that the client asked for (SNI).
    pub authority: Option<String>,
    /// The protocol agreed upon (ALPN).
    pub alpn: Option<String>,
    /// The balancer's name for the connection.
    pub unique_id: Option<String>,
    /// The TLS that ends at the balancer.
    pub tls: Option<ToldTls>,
}

/// The TLS between a client and a balancer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToldTls {
    /// Its version.
    pub version: Option<String>,
    /// Its cipher.
    pub cipher: Option<String>,
    /// The common name in the client's certificate.
    pub subject: Option<String>,
    /// Whether the balancer has verified that certificate.
    pub is_verified: bool,
}

impl Identity {
    /// The identity of a connection from `peer` to `server` without any intermediary.
    pub fn direct(id: SessionId, peer: SocketAddr, server: SocketAddr) -> Self {
        let (peer, server) = (canonical(peer), canonical(server));
        Identity {
            id,
            client: peer,
            peer,
            server,
            is_probe: false,
            is_introduced: false,
            name: Value::Untold,
            told: None,
        }
    }

    /// The same connection as it carries that of `client`, who connected to `server`.
    #[must_use]
    pub fn carrying(self, client: SocketAddr, server: SocketAddr) -> Self {
        Identity { client: canonical(client), server: canonical(server), ..self }
    }

    /// The other end of our socket, if that is not the client.
    pub fn intermediary(&self) -> Option<SocketAddr> {
        (self.peer != self.client).then_some(self.peer)
    }
}

/// `address` with a v4-mapped IPv6 address turned into the IPv4 address that it stands for.
fn canonical(address: SocketAddr) -> SocketAddr {
    let ip: IpAddr = address.ip().to_canonical();
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_sixteen_characters_and_differ() {
        let ids = [SessionId::new(0), SessionId::new(31), SessionId::new(32), SessionId::new(u128::MAX)];
        for id in ids {
            assert_eq!(id.as_str().len(), 16);
            assert!(SessionId::is_well_formed(id.as_str()));
        }
        assert_eq!(ids[0].as_str(), "0000000000000000");
        assert_eq!(ids[2].as_str(), "0000000000000010");
        assert_ne!(ids[1], ids[2]);
        assert!(!SessionId::is_well_formed("short"));
        assert!(!SessionId::is_well_formed("000000000000000u"));
    }

    #[test]
    fn a_mapped_address_is_its_ipv4() {
        let peer = "[::ffff:192.0.2.1]:25".parse().unwrap();
        let server = "[::1]:25".parse().unwrap();
        let identity = Identity::direct(SessionId::new(1), peer, server);
        assert_eq!(identity.client.to_string(), "192.0.2.1:25");
        assert_eq!(identity.server.to_string(), "[::1]:25");
    }
}
