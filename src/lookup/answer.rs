//! What the DNS answers, as plain values: bounded, and with names as printable text.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;
use std::sync::Arc;

use hickory_resolver::proto::rr::{Name, RData, Record, RecordType as WireType};

use crate::lookup::error::LookupError;

/// The answers to one question: at least one, all of the type that was asked for.
pub type Answers = Arc<[Answer]>;

/// The types of records that can be asked for.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[expect(missing_docs, reason = "each is the record type of its name")]
pub enum RecordKind {
    A,
    Aaaa,
    Cname,
    Mx,
    Ns,
    Ptr,
    Soa,
    Srv,
    Tlsa,
    Txt,
}

impl RecordKind {
    /// All kinds, by name.
    pub const ALL: [Self; 10] = [
        Self::A,
        Self::Aaaa,
        Self::Cname,
        Self::Mx,
        Self::Ns,
        Self::Ptr,
        Self::Soa,
        Self::Srv,
        Self::Tlsa,
        Self::Txt,
    ];

    /// The name as it is written in zone files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::Aaaa => "AAAA",
            Self::Cname => "CNAME",
            Self::Mx => "MX",
            Self::Ns => "NS",
            Self::Ptr => "PTR",
            Self::Soa => "SOA",
            Self::Srv => "SRV",
            Self::Tlsa => "TLSA",
            Self::Txt => "TXT",
        }
    }

    pub(in crate::lookup) const fn wire(self) -> WireType {
        match self {
            Self::A => WireType::A,
            Self::Aaaa => WireType::AAAA,
            Self::Cname => WireType::CNAME,
            Self::Mx => WireType::MX,
            Self::Ns => WireType::NS,
            Self::Ptr => WireType::PTR,
            Self::Soa => WireType::SOA,
            Self::Srv => WireType::SRV,
            Self::Tlsa => WireType::TLSA,
            Self::Txt => WireType::TXT,
        }
    }
}

/// A record type that can't be asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("no record type that can be looked up")]
pub struct UnknownKind;

impl FromStr for RecordKind {
    type Err = UnknownKind;

    fn from_str(name: &str) -> Result<Self, UnknownKind> {
        Self::ALL.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(name)).ok_or(UnknownKind)
    }
}

/// One record's data. Names are lower case, without the dot at the end (the root is `.`), and what is neither letter,
/// digit, hyphen nor underscore in a label is escaped with a backslash: they hold no space, no line end, no NUL.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Answer {
    /// The address of a host.
    A(Ipv4Addr),
    /// The IPv6 address of a host.
    Aaaa(Ipv6Addr),
    /// The name that a CNAME, NS or PTR points to.
    Name(String),
    /// A mail exchanger.
    Mx(Mx),
    /// The strings of a TXT record put together: any octets (RFC 7208 §3.3).
    Txt(Vec<u8>),
    /// A service.
    Srv {
        /// Lower is tried first.
        priority: u16,
        /// The share among equal priorities.
        weight: u16,
        /// The port.
        port: u16,
        /// The host.
        target: String,
    },
    /// The start of a zone: its primary server, its mailbox as a name, its serial.
    Soa {
        /// The primary server.
        primary: String,
        /// The mailbox, its `@` written as a dot.
        mailbox: String,
        /// The serial number.
        serial: u32,
    },
    /// A certificate association (RFC 6698).
    Tlsa {
        /// Certificate usage.
        usage: u8,
        /// Selector.
        selector: u8,
        /// Matching type.
        matching: u8,
        /// The association data.
        data: Vec<u8>,
    },
}

/// A mail exchanger. A null MX (RFC 7505) has the exchange `.`.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Mx {
    /// Lower is tried first.
    pub preference: u16,
    /// The host.
    pub exchange: String,
}

impl Answer {
    /// The address, of an A or AAAA.
    pub fn address(&self) -> Option<IpAddr> {
        match self {
            Self::A(address) => Some(IpAddr::V4(*address)),
            Self::Aaaa(address) => Some(IpAddr::V6(*address)),
            _ => None,
        }
    }

    fn read(data: &RData) -> Option<Self> {
        Some(match data {
            RData::A(address) => Self::A(address.0),
            RData::AAAA(address) => Self::Aaaa(address.0),
            RData::CNAME(name) => Self::Name(name_text(name)),
            RData::NS(name) => Self::Name(name_text(name)),
            RData::PTR(name) => Self::Name(name_text(name)),
            RData::MX(mx) => Self::Mx(Mx { preference: mx.preference, exchange: name_text(&mx.exchange) }),
            RData::TXT(txt) => Self::Txt(txt.txt_data.concat()),
            RData::SRV(srv) => Self::Srv {
                priority: srv.priority,
                weight: srv.weight,
                port: srv.port,
                target: name_text(&srv.target),
            },
            RData::SOA(soa) => Self::Soa {
                primary: name_text(&soa.mname),
                mailbox: name_text(&soa.rname),
                serial: soa.serial,
            },
            RData::TLSA(tlsa) => Self::Tlsa {
                usage: tlsa.cert_usage.into(),
                selector: tlsa.selector.into(),
                matching: tlsa.matching.into(),
                data: tlsa.cert_data.clone(),
            },
            _ => return None,
        })
    }
}

/// The answers of `kind` among `records`, whose others are the CNAMEs on the way.
///
/// Errors: `Absent` if there are none, `TooLarge` if there are more than any honest name has.
pub(in crate::lookup) fn collect(records: &[Record], kind: RecordKind) -> Result<Answers, LookupError> {
    let of_kind = || records.iter().filter(|record| record.record_type() == kind.wire());
    if of_kind().count() > MAX_ANSWERS {
        return Err(LookupError::TooLarge);
    }
    let answers: Vec<Answer> = of_kind().filter_map(|record| Answer::read(&record.data)).collect();
    if answers.is_empty() { Err(LookupError::Absent) } else { Ok(answers.into()) }
}

fn name_text(name: &Name) -> String {
    let mut text = name.to_lowercase().to_ascii();
    if name.is_fqdn() && !name.is_root() {
        text.pop();
    }
    text
}

/// Records of one answer. The largest of honest ones have a few dozen.
const MAX_ANSWERS: usize = 256;

#[cfg(test)]
mod tests {
    use hickory_resolver::proto::rr::rdata::{MX, PTR, TXT};

    use super::*;

    fn record(data: RData) -> Record {
        Record::from_rdata(Name::root(), 60, data)
    }

    #[test]
    fn names_from_the_dns_hold_nothing_unprintable() {
        for (labels, want) in [
            (vec![&b"Mail"[..], b"Example", b"ORG"], "mail.example.org"),
            (vec![b"a\r\nMAIL FROM:<x>", b"org"], r"a\015\012mail\040from\:\<x\>.org"),
            (vec![b"a b", b"org"], r"a\040b.org"),
            (vec![b"a.b", b"org"], r"a\.b.org"), // a dot inside a label
            (vec![b"\0\xff", b"org"], r"\000\377.org"),
            (vec![], "."),
        ] {
            let mut name = Name::from_labels(labels).expect("labels");
            name.set_fqdn(true);
            let text = name_text(&name);
            assert!(text.bytes().all(|octet| octet.is_ascii_graphic()), "{text:?}");
            assert_eq!(text, want);
        }
    }

    #[test]
    fn only_answers_of_the_kind_are_kept() {
        let name = Name::from_ascii("mail.example.org.").expect("name");
        let records = [
            record(RData::PTR(PTR(name.clone()))),
            record(RData::MX(MX::new(10, name))),
            record(RData::TXT(TXT::new(vec!["v=spf1 ".into(), "-all".into()]))),
        ];
        let mx = Answer::Mx(Mx { preference: 10, exchange: "mail.example.org".into() });
        assert_eq!(collect(&records, RecordKind::Mx).as_deref(), Ok(&[mx][..]));
        assert_eq!(
            collect(&records, RecordKind::Txt).as_deref(),
            Ok(&[Answer::Txt(b"v=spf1 -all".to_vec())][..])
        );
        assert_eq!(collect(&records, RecordKind::A), Err(LookupError::Absent));
    }

    #[test]
    fn kinds_are_named_in_any_case() {
        assert_eq!("aaaa".parse(), Ok(RecordKind::Aaaa));
        assert_eq!("ANY".parse::<RecordKind>(), Err(UnknownKind));
        for kind in RecordKind::ALL {
            assert_eq!(kind.name().parse(), Ok(kind));
        }
    }
}
