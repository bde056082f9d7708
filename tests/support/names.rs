//! A name server on loopback that knows no name at all, so that no test waits for a resolver of the outside.
//!
//! The one name that a loopback client can have, `localhost`, resolvers know by themselves (RFC 6761 §6.3).

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::thread;

/// Answers over UDP until the test's process ends.
pub struct NameServer {
    address: SocketAddr,
}

/// The client that has a name, both ways.
pub const NAMED_CLIENT: Ipv4Addr = Ipv4Addr::LOCALHOST;
/// Its name.
pub const CLIENT_NAME: &str = "localhost";
/// A client that has none.
pub const UNNAMED_CLIENT: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

impl NameServer {
    /// A server on a free port.
    pub fn start() -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = socket.local_addr().unwrap();
        thread::spawn(move || {
            let mut query = [0; 4096];
            while let Ok((length, asker)) = socket.recv_from(&mut query) {
                if let Some(answer) = answer(&query[..length]) {
                    let _ = socket.send_to(&answer, asker);
                }
            }
        });
        Self { address }
    }

    /// Where it answers.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// "No such name" to a query of one question; none for what is no query. Source: RFC 1035 §4.1.1.
fn answer(query: &[u8]) -> Option<Vec<u8>> {
    let (header, question) = query.split_at_checked(12)?;
    let mut answer = header[..2].to_vec();
    answer.extend([0x85, 0x83, 0, 1, 0, 0, 0, 0, 0, 0]); // authoritative, recursion available, NXDOMAIN
    let end = question.iter().position(|octet| *octet == 0)? + 5;
    answer.extend_from_slice(question.get(..end)?);
    Some(answer)
}
