//! Version 2: a fixed start, addresses, and fields with a type and a length.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::net::proxy_protocol::fields::Fields;
use crate::net::proxy_protocol::{BINARY, Ends, Header, HeaderError};

/// Octets before the addresses. Source: proxy-protocol.txt §2.2.
const START: usize = 16;
/// Octets of a header, at most: a client certificate fits, and no more.
const LONGEST: usize = 4096;
/// Octets of the addresses of two unix sockets.
const UNIX: usize = 216;

/// Octets that may be read without one behind the header, of which `octets` have come and not its end.
pub(super) fn wants(octets: &[u8]) -> usize {
    let due = length(octets).map_or(START, |length| START + length);
    due.saturating_sub(octets.len()).max(1)
}

/// The header whose octets so far are `octets`; nothing if more are due.
pub(super) fn judge(octets: &[u8]) -> Option<Result<Header, HeaderError>> {
    let length = length(octets)?;
    if START + length > LONGEST {
        return Some(Err(HeaderError::TooLong));
    }
    let block = octets.get(START..START + length)?;
    Some(header(octets, block))
}

/// Octets behind the start, as soon as they are known.
fn length(octets: &[u8]) -> Option<usize> {
    let length = octets.get(START - 2..START)?.try_into().ok()?;
    Some(usize::from(u16::from_be_bytes(length)))
}

fn header(octets: &[u8], block: &[u8]) -> Result<Header, HeaderError> {
    let malformed = HeaderError::Malformed;
    let (command, family) = match octets.get(BINARY.len()..) {
        Some([command, family, ..]) => (*command, *family),
        _ => return Err(malformed),
    };
    let (ends, rest) = match (command, family) {
        // What it says of addresses is to be passed over.
        (0x20, _) => return Ok(Header::Local),
        (0x21, 0x00) => return Ok(Header::Carried { ends: None, fields: Box::default() }),
        (0x21, 0x11) => v4(block).map(|(ends, rest)| (Some(ends), rest)).ok_or(malformed)?,
        (0x21, 0x21) => v6(block).map(|(ends, rest)| (Some(ends), rest)).ok_or(malformed)?,
        (0x21, 0x31) => (None, block.get(UNIX..).ok_or(malformed)?),
        _ => return Err(malformed), // another version, another command, datagrams
    };
    let fields = Fields::parse(rest, octets)?;
    Ok(Header::Carried { ends, fields: Box::new(fields) })
}

fn v4(block: &[u8]) -> Option<(Ends, &[u8])> {
    let (source, rest) = block.split_first_chunk::<4>()?;
    let (destination, rest) = rest.split_first_chunk::<4>()?;
    ends(Ipv4Addr::from(*source).into(), Ipv4Addr::from(*destination).into(), rest)
}

fn v6(block: &[u8]) -> Option<(Ends, &[u8])> {
    let (source, rest) = block.split_first_chunk::<16>()?;
    let (destination, rest) = rest.split_first_chunk::<16>()?;
    ends(Ipv6Addr::from(*source).into(), Ipv6Addr::from(*destination).into(), rest)
}

/// The ends at two addresses whose ports `rest` begins with.
fn ends(source: IpAddr, destination: IpAddr, rest: &[u8]) -> Option<(Ends, &[u8])> {
    let (source_port, rest) = rest.split_first_chunk::<2>()?;
    let (destination_port, rest) = rest.split_first_chunk::<2>()?;
    let ends = Ends {
        source: SocketAddr::new(source, u16::from_be_bytes(*source_port)),
        destination: SocketAddr::new(destination, u16::from_be_bytes(*destination_port)),
    };
    Some((ends, rest))
}
