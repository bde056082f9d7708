//! How a block list is written in a configuration: `zen.example=127.0.0.[2..11]*3`.
//!
//! The form is that of Postfix's `postscreen_dnsbl_sites`, so that lists can be taken over from there.

use std::net::Ipv4Addr;
use std::str::FromStr;

use crate::names::a_label::to_ascii;

/// Why a text is no block list.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum DnsblZoneError {
    /// The part before `=` and `*` is no domain.
    #[error("{0:?} is no domain")]
    Domain(String),
    /// The part after `=` matches no address.
    #[error("{0:?} is no pattern of four numbers or ranges, such as 127.0.0.[2..11]")]
    Pattern(String),
    /// The part after `*` is no whole number.
    #[error("{0:?} is no weight from -1000 to 1000")]
    Weight(String),
}

/// One block list, the answers that count, and what they weigh.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DnsblZone {
    /// Lower case, A-labels.
    pub name: String,
    /// What a listing adds to the score; below 0 for a list of good ones.
    pub weight: i32,
    /// None: every answer counts.
    pattern: Option<Pattern>,
}

/// For each octet the ranges that it may lie in.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Pattern([Vec<(u8, u8)>; 4]);

impl DnsblZone {
    /// Whether the answer `code` counts.
    pub fn counts(&self, code: Ipv4Addr) -> bool {
        self.pattern.as_ref().is_none_or(|pattern| pattern.matches(code))
    }
}

impl FromStr for DnsblZone {
    type Err = DnsblZoneError;

    fn from_str(text: &str) -> Result<Self, DnsblZoneError> {
        let (rest, weight) = match text.rsplit_once('*') {
            Some((rest, weight)) => (rest, read_weight(weight)?),
            None => (text, 1),
        };
        let (name, pattern) = match rest.split_once('=') {
            Some((name, pattern)) => (name, Some(Pattern::read(pattern)?)),
            None => (rest, None),
        };
        let name = to_ascii(name).map_err(|_| DnsblZoneError::Domain(name.to_owned()))?.into_owned();
        Ok(Self { name, weight, pattern })
    }
}

impl Pattern {
    fn read(text: &str) -> Result<Self, DnsblZoneError> {
        Self::read_octets(text).ok_or_else(|| DnsblZoneError::Pattern(text.to_owned()))
    }

    fn read_octets(text: &str) -> Option<Self> {
        let mut octets: [Vec<(u8, u8)>; 4] = Default::default();
        let mut rest = text;
        for (place, octet) in octets.iter_mut().enumerate() {
            if place > 0 {
                rest = rest.strip_prefix('.')?;
            }
            let list;
            (list, rest) = match rest.strip_prefix('[') {
                Some(inner) => inner.split_once(']')?,
                None => rest.split_at_checked(rest.find('.').unwrap_or(rest.len()))?,
            };
            *octet = list.split([';', ',']).map(read_range).collect::<Option<_>>()?;
        }
        rest.is_empty().then_some(Self(octets))
    }

    fn matches(&self, code: Ipv4Addr) -> bool {
        let in_one =
            |ranges: &Vec<(u8, u8)>, octet| ranges.iter().any(|&(low, high)| low <= octet && octet <= high);
        self.0.iter().zip(code.octets()).all(|(ranges, octet)| in_one(ranges, octet))
    }
}

fn read_range(text: &str) -> Option<(u8, u8)> {
    let (low, high) = text.split_once("..").unwrap_or((text, text));
    let (low, high) = (read_octet(low)?, read_octet(high)?);
    (low <= high).then_some((low, high))
}

fn read_octet(text: &str) -> Option<u8> {
    let text = text.trim();
    if text.bytes().all(|octet| octet.is_ascii_digit()) { text.parse().ok() } else { None }
}

fn read_weight(text: &str) -> Result<i32, DnsblZoneError> {
    let weight = text.trim().parse().ok().filter(|weight| (-MAX_WEIGHT..=MAX_WEIGHT).contains(weight));
    weight.ok_or_else(|| DnsblZoneError::Weight(text.to_owned()))
}

/// The largest weight, either way: sums of them can't overflow.
const MAX_WEIGHT: i32 = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_read_as_postscreen_writes_them() {
        for (text, name, weight, counting, not_counting) in [
            ("zen.example", "zen.example", 1, "127.0.0.2", None),
            ("Zen.Example*2", "zen.example", 2, "127.0.0.2", None),
            ("good.example*-3", "good.example", -3, "127.0.0.2", None),
            ("zen.example=127.0.0.2", "zen.example", 1, "127.0.0.2", Some("127.0.0.3")),
            ("zen.example=127.0.0.[2..11]*3", "zen.example", 3, "127.0.0.11", Some("127.0.0.12")),
            ("zen.example=127.0.0.[2;4;6..8]", "zen.example", 1, "127.0.0.7", Some("127.0.0.5")),
            ("wl.example=127.0.[0..255].[1..3]*-2", "wl.example", -2, "127.0.9.3", Some("127.0.9.0")),
            ("zen.example=127.[0..1].0.2", "zen.example", 1, "127.1.0.2", Some("127.2.0.2")),
        ] {
            let zone: DnsblZone = text.parse().expect(text);
            assert_eq!((zone.name.as_str(), zone.weight), (name, weight), "{text}");
            let counts = |code: &str| zone.counts(code.parse().expect("address"));
            assert!(counts(counting), "{text}");
            assert!(!not_counting.is_some_and(counts), "{text}");
        }
    }

    #[test]
    fn what_is_no_zone_is_named() {
        for text in ["", "=127.0.0.2", "*3", "a b", "zen..example", "zen.example."] {
            assert!(matches!(text.parse::<DnsblZone>(), Err(DnsblZoneError::Domain(_))), "{text:?}");
        }
        for pattern in [
            "",
            "127",
            "127.0.0",
            "127.0.0.2.3",
            "127.0.0.256",
            "127.0.0.[2..",
            "127.0.0.[]",
            "127.0.0.[5..2]",
            "127.0.0.[2..3]x",
            "127.0.0.+2",
            "127.0..2",
            "127.0.0.2.",
        ] {
            let text = format!("zen.example={pattern}");
            assert_eq!(text.parse::<DnsblZone>(), Err(DnsblZoneError::Pattern(pattern.into())), "{text:?}");
        }
        for weight in ["", "x", "1001", "-1001", "1.5"] {
            let text = format!("zen.example=127.0.0.2*{weight}");
            assert_eq!(text.parse::<DnsblZone>(), Err(DnsblZoneError::Weight(weight.into())), "{text:?}");
        }
    }
}
