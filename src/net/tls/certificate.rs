//! A certificate in words: for logs, policies, and to find it again by its digest.

use std::net::{Ipv4Addr, Ipv6Addr};

use aws_lc_rs::digest::{SHA256, digest};
use x509_parser::extensions::GeneralName;
use x509_parser::objects::{oid_registry, oid2abbrev};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::x509::X509Name;

/// A certificate in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Certificate {
    /// Its subject, as RFC 4514 writes it.
    pub subject: String,
    /// Its issuer, as RFC 4514 writes it.
    pub issuer: String,
    /// Its subject alternative names, host names in lower case.
    pub names: Vec<String>,
    /// SHA-256 of it.
    pub sha256: [u8; 32],
    /// SHA-256 of its public key (SubjectPublicKeyInfo).
    pub key_sha256: [u8; 32],
    /// When it ends, in seconds since 1970.
    pub not_after: i64,
}

/// Names of one certificate that are kept.
const NAMES: usize = 200;
/// Octets of a subject or an issuer that are kept.
const WORDS: usize = 1024;

impl Certificate {
    /// The certificate in `der`; nothing if it can't be read.
    pub fn read(der: &[u8]) -> Option<Certificate> {
        let (_, parsed) = X509Certificate::from_der(der).ok()?;
        let names = match parsed.subject_alternative_name() {
            Ok(Some(names)) => names.value.general_names.iter().filter_map(name).take(NAMES).collect(),
            _ => Vec::new(),
        };
        Some(Certificate {
            subject: words(&parsed.tbs_certificate.subject),
            issuer: words(&parsed.tbs_certificate.issuer),
            names,
            sha256: sha256(der),
            key_sha256: sha256(parsed.tbs_certificate.subject_pki.raw),
            not_after: parsed.validity().not_after.timestamp(),
        })
    }
}

/// SHA-256 of `octets`.
pub fn sha256(octets: &[u8]) -> [u8; 32] {
    let mut sum = [0; 32];
    for (to, from) in sum.iter_mut().zip(digest(&SHA256, octets).as_ref()) {
        *to = *from;
    }
    sum
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        GeneralName::RFC822Name(text) | GeneralName::URI(text) => Some((*text).to_owned()),
        GeneralName::IPAddress(octets) => match <[u8; 4]>::try_from(*octets) {
            Ok(octets) => Some(Ipv4Addr::from(octets).to_string()),
            Err(_) => <[u8; 16]>::try_from(*octets).ok().map(|octets| Ipv6Addr::from(octets).to_string()),
        },
        _ => None,
    }
}

/// `name` as RFC 4514 §2 writes it: the last part first, what would be taken for its own marks escaped.
fn words(name: &X509Name<'_>) -> String {
    let mut parts: Vec<String> = name.iter_rdn().map(part).collect();
    parts.reverse();
    let mut text = parts.join(",");
    text.truncate(text.floor_char_boundary(WORDS));
    text
}

fn part(part: &x509_parser::x509::RelativeDistinguishedName<'_>) -> String {
    let attributes = part.iter().map(|attribute| {
        let oid = attribute.attr_type();
        let key = oid2abbrev(oid, oid_registry()).map_or_else(|_| oid.to_id_string(), str::to_owned);
        format!("{key}={}", escaped(attribute.as_str().unwrap_or("?")))
    });
    attributes.collect::<Vec<_>>().join("+")
}

/// Source: RFC 4514 §2.4.
fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for (at, c) in value.char_indices() {
        let is_edge = c == ' ' && (at == 0 || at + 1 == value.len()) || c == '#' && at == 0;
        if is_edge || matches!(c, '"' | '+' | ',' | ';' | '<' | '>' | '\\' | '=') {
            text.push('\\');
        }
        text.push(if c.is_control() { '?' } else { c });
    }
    text
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    use super::*;

    #[test]
    fn a_certificate_is_told_in_words_that_cannot_be_mistaken() {
        let mut params =
            CertificateParams::new(vec!["MX.b.example".to_owned(), "192.0.2.1".to_owned()]).unwrap();
        params.subject_alt_names.push(SanType::Rfc822Name("ann@b.example".try_into().unwrap()));
        params.distinguished_name.push(DnType::OrganizationName, "Evil,CN=root\r\n");
        params.distinguished_name.push(DnType::CommonName, " mx ");
        let key = KeyPair::generate().unwrap();
        let made = params.self_signed(&key).unwrap();
        let read = Certificate::read(made.der()).unwrap();
        assert_eq!(read.subject, "O=Evil\\,CN\\=root??,CN=\\ mx\\ ");
        assert_eq!(read.issuer, read.subject);
        assert_eq!(read.names, ["mx.b.example", "192.0.2.1", "ann@b.example"]);
        assert_eq!(read.sha256, sha256(made.der()));
        assert_eq!(read.key_sha256, sha256(&rcgen::PublicKeyData::subject_public_key_info(&key)));
        assert!(read.not_after > 0);
    }

    #[test]
    fn what_is_no_certificate_is_none() {
        for der in [&b""[..], b"\x30", b"nonsense", &[0x30, 0x82, 0xff, 0xff]] {
            assert_eq!(Certificate::read(der), None, "{der:?}");
        }
    }
}
