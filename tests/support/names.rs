//! A name server on loopback for the tests' few names: `client.front.example` is 127.0.0.2, both ways.
//!
//! Everything else does not exist, so that no test waits for a resolver of the outside.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::thread;

/// Answers over UDP until the test's process ends.
pub struct NameServer {
    address: SocketAddr,
}

/// The client that has a name, both ways.
pub const NAMED_CLIENT: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
/// Its name.
pub const CLIENT_NAME: &str = "client.front.example";

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

/// The answer to a query of one question; none for what is no query. Source: RFC 1035 §4.1.
fn answer(query: &[u8]) -> Option<Vec<u8>> {
    let (header, questions) = query.split_at_checked(12)?;
    let (name, after) = read_name(questions)?;
    let question = &questions[..questions.len() - after.len() + 4];
    let kind = u16::from_be_bytes([*after.first()?, *after.get(1)?]);
    let data = match (name.as_str(), kind) {
        (CLIENT_NAME, A) => Some(NAMED_CLIENT.octets().to_vec()),
        ("2.0.0.127.in-addr.arpa", PTR) => Some(written_name(CLIENT_NAME)),
        _ => None,
    };
    let known = data.is_some() || name == CLIENT_NAME;
    let mut answer = header[..2].to_vec();
    // An authoritative answer, recursion available; "no such name" for what is not known.
    answer.extend([0x85, if known { 0x80 } else { 0x83 }]);
    answer.extend([0, 1, 0, u8::from(data.is_some()), 0, 0, 0, 0]);
    answer.extend_from_slice(question);
    if let Some(data) = data {
        answer.extend([0xc0, 12]); // the name of the question
        answer.extend(kind.to_be_bytes());
        answer.extend([0, 1, 0, 0, 0, 60]); // IN, a minute
        answer.extend(u16::try_from(data.len()).ok()?.to_be_bytes());
        answer.extend(data);
    }
    Some(answer)
}

/// The name at the start of `octets`, in lower case, and what follows it.
fn read_name(mut octets: &[u8]) -> Option<(String, &[u8])> {
    let mut labels = Vec::new();
    loop {
        let (length, rest) = octets.split_first()?;
        let (label, rest) = rest.split_at_checked(usize::from(*length))?;
        octets = rest;
        if label.is_empty() {
            return Some((labels.join("."), octets));
        }
        labels.push(String::from_utf8_lossy(label).to_lowercase());
    }
}

fn written_name(name: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    for label in name.split('.') {
        octets.push(u8::try_from(label.len()).unwrap());
        octets.extend(label.as_bytes());
    }
    octets.push(0);
    octets
}

const A: u16 = 1;
const PTR: u16 = 12;
