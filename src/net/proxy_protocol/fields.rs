//! What a header of version 2 tells beside the addresses: the names asked for, an id, the client's TLS.

use crate::net::proxy_protocol::HeaderError;
use crate::net::proxy_protocol::checksum::crc32c;

/// What a balancer told beside the addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields {
    /// The host name that the client asked for, by TLS (SNI).
    pub authority: Option<String>,
    /// The protocol that the client and the balancer agreed upon (ALPN).
    pub alpn: Option<String>,
    /// The balancer's name for the connection; in hexadecimal digits if it is no printable text.
    pub unique_id: Option<String>,
    /// The TLS between the client and the balancer; `None` if there was none.
    pub tls: Option<Tls>,
}

/// The TLS between a client and a balancer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// Its version, as `TLSv1.3`.
    pub version: Option<String>,
    /// Its cipher.
    pub cipher: Option<String>,
    /// The common name in the client's certificate.
    pub subject: Option<String>,
    /// Whether there was a client certificate, now or when the TLS session began, and the balancer has verified it.
    pub is_verified: bool,
}

/// Types of fields. Source: proxy-protocol.txt §2.2.1 to §2.2.7.
const ALPN: u8 = 0x01;
const AUTHORITY: u8 = 0x02;
const CHECKSUM: u8 = 0x03;
const UNIQUE_ID: u8 = 0x05;
const TLS: u8 = 0x20;
const TLS_VERSION: u8 = 0x21;
const TLS_SUBJECT: u8 = 0x22;
const TLS_CIPHER: u8 = 0x23;
/// Bits in the first octet of the field for TLS: the client spoke it, and has shown a certificate.
const SPOKE_TLS: u8 = 0x01;
const HAD_CERTIFICATE: u8 = 0x02 | 0x04;
/// Octets of an id, at most.
const LONGEST_ID: usize = 128;
/// Octets of any other text, at most.
const LONGEST: usize = 255;

impl Fields {
    /// The fields in `rest`, the end of a header whose octets are `header`. Unknown ones are passed over.
    ///
    /// *Errors*: `Malformed`: one is cut. `Checksum`: there is one, and it is wrong.
    pub(super) fn parse(rest: &[u8], header: &[u8]) -> Result<Fields, HeaderError> {
        let mut fields = Fields::default();
        let mut left = rest;
        while !left.is_empty() {
            let (kind, value, behind) = field(left).ok_or(HeaderError::Malformed)?;
            match kind {
                ALPN => fields.alpn = text(value),
                AUTHORITY => fields.authority = text(value),
                UNIQUE_ID if value.len() <= LONGEST_ID => fields.unique_id = id(value),
                TLS => fields.tls = tls(value)?,
                CHECKSUM => {
                    let at = header.len() - behind.len() - value.len();
                    check(header, at, value)?;
                }
                _ => {}
            }
            left = behind;
        }
        Ok(fields)
    }
}

/// The first field of `octets`: type, value, and what is behind it.
fn field(octets: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (kind, rest) = octets.split_first()?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let (value, behind) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    Some((*kind, value, behind))
}

/// Holds the octets of `header` to the checksum `value`, which stands in it from `at` and counts as zero there.
fn check(header: &[u8], at: usize, value: &[u8]) -> Result<(), HeaderError> {
    let told: [u8; 4] = value.try_into().map_err(|_| HeaderError::Malformed)?;
    let is_told = at..at + told.len();
    let octets =
        header.iter().enumerate().map(|(place, octet)| if is_told.contains(&place) { 0 } else { *octet });
    if crc32c(octets) == u32::from_be_bytes(told) { Ok(()) } else { Err(HeaderError::Checksum) }
}

/// The TLS that a field tells of, if the client spoke it.
fn tls(value: &[u8]) -> Result<Option<Tls>, HeaderError> {
    let (flags, rest) = value.split_first().ok_or(HeaderError::Malformed)?;
    let (verified, mut left) = rest.split_first_chunk::<4>().ok_or(HeaderError::Malformed)?;
    let is_verified = *verified == [0; 4] && flags & HAD_CERTIFICATE != 0;
    let mut tls = Tls { is_verified, ..Tls::default() };
    while !left.is_empty() {
        let (kind, value, behind) = field(left).ok_or(HeaderError::Malformed)?;
        match kind {
            TLS_VERSION => tls.version = text(value),
            TLS_SUBJECT => tls.subject = text(value),
            TLS_CIPHER => tls.cipher = text(value),
            _ => {}
        }
        left = behind;
    }
    Ok((flags & SPOKE_TLS != 0).then_some(tls))
}

/// A value as text, if it is printable text of a sane length.
fn text(value: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(value).ok()?;
    let is_sane = (1..=LONGEST).contains(&text.len()) && !text.chars().any(char::is_control);
    is_sane.then(|| text.to_owned())
}

fn id(value: &[u8]) -> Option<String> {
    if !value.is_empty() && value.iter().all(u8::is_ascii_graphic) {
        return text(value);
    }
    let digits: String = value.iter().map(|octet| format!("{octet:02x}")).collect();
    (!digits.is_empty()).then_some(digits)
}
