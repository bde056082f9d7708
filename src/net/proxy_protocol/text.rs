//! Version 1: one line of words.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::net::proxy_protocol::{Ends, Header, HeaderError};

/// Octets of a line with its CRLF, at most. Source: proxy-protocol.txt §2.1.
const LONGEST: usize = 107;

/// Octets that may be read without one behind the line, of which `octets` have come and not its end.
pub(super) fn wants(octets: &[u8]) -> usize {
    // Where CR is the last, LF alone is due.
    if octets.last() == Some(&b'\r') { 1 } else { 2 }
}

/// The header whose octets so far are `octets`; nothing if more are due.
pub(super) fn judge(octets: &[u8]) -> Option<Result<Header, HeaderError>> {
    // Looked for where it may be alone, so that the answer is the same whatever the cut.
    let mut within = octets.iter().take(LONGEST - 1);
    let Some(cr) = within.position(|octet| matches!(octet, b'\r' | b'\n' | b'\0')) else {
        return (octets.len() >= LONGEST - 1).then_some(Err(HeaderError::TooLong));
    };
    match octets.get(cr..) {
        Some(b"\r") => None,
        Some(b"\r\n") => {
            let line = octets.get(..cr).and_then(|line| std::str::from_utf8(line).ok());
            Some(line.and_then(header).ok_or(HeaderError::Malformed))
        }
        _ => Some(Err(HeaderError::Malformed)),
    }
}

/// The header in a line without its CRLF: words with one blank between them, numbers without leading zeros.
fn header(line: &str) -> Option<Header> {
    let carried = |ends| Header::Carried { ends, fields: Box::default() };
    let mut words = line.split(' ').skip(1);
    let protocol = words.next()?;
    if protocol == "UNKNOWN" {
        return Some(carried(None)); // whatever follows means nothing
    }
    let (source, destination) = (words.next()?, words.next()?);
    let (source_port, destination_port) = (port(words.next()?)?, port(words.next()?)?);
    if words.next().is_some() {
        return None;
    }
    let ip = |word: &str| -> Option<IpAddr> {
        match protocol {
            "TCP4" => word.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
            "TCP6" => word.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
            _ => None,
        }
    };
    Some(carried(Some(Ends {
        source: SocketAddr::new(ip(source)?, source_port),
        destination: SocketAddr::new(ip(destination)?, destination_port),
    })))
}

fn port(word: &str) -> Option<u16> {
    let is_number = matches!(word.len(), 1..=5) && word.bytes().all(|octet| octet.is_ascii_digit());
    if is_number && (word == "0" || !word.starts_with('0')) { word.parse().ok() } else { None }
}
