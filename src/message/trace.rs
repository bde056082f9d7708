//! Our trace field: what the Received line says, and how loops are found by it.

use std::fmt::{self, Write};
use std::net::IpAddr;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use jiff::tz::TimeZone;

use crate::message::header::{Header, unfold};

/// What one Received field tells. Source: RFC 5321 §4.4.
#[derive(Clone, Debug)]
pub struct Received<'a> {
    /// What the client called itself, and who it is; none hides it.
    pub from: Option<From<'a>>,
    /// Our name.
    pub by: &'a str,
    /// SMTP, ESMTP, UTF8SMTP and their kin (RFC 3848, RFC 6531 §3.7.3).
    pub with: &'a str,
    /// The session's id.
    pub id: &'a str,
    /// The only recipient; none if there are several, which must not learn of each other (RFC 5321 §7.2).
    pub recipient: Option<&'a str>,
    /// The cipher suite of the client's TLS (RFC 8314 §4.3).
    pub cipher: Option<&'a str>,
    /// The time of the end of data.
    pub at: Timestamp,
}

/// The `from` clause.
#[derive(Clone, Debug)]
pub struct From<'a> {
    /// The argument of HELO or EHLO.
    pub helo: &'a str,
    /// The forward-confirmed name.
    pub name: Option<&'a str>,
    /// The client's address.
    pub address: IpAddr,
}

impl Received<'_> {
    /// The field in wire form, three lines.
    pub fn encode(&self) -> Vec<u8> {
        let mut text = String::with_capacity(USUAL_LENGTH);
        // Writing to a String doesn't fail.
        let _ = self.write(&mut text);
        text.into_bytes()
    }

    /// UTF-8 stands in a field of ours only where the whole message may hold it. Source: RFC 6531 §3.7.3.
    fn clean<'a>(&self, text: &'a str) -> Clean<'a> {
        Clean { text, is_utf8: self.with.starts_with("UTF8") }
    }

    fn write(&self, text: &mut String) -> fmt::Result {
        text.push_str("Received: ");
        if let Some(from) = &self.from {
            let name = self.clean(from.name.unwrap_or("unknown")); // from DNS, which may say anything
            write!(text, "from {} ({name} ", self.clean(from.helo))?;
            match from.address {
                IpAddr::V4(address) => write!(text, "[{address}])\r\n\t")?,
                IpAddr::V6(address) => write!(text, "[IPv6:{address}])\r\n\t")?,
            }
        }
        write!(text, "by {} (gatepost) with {} id {}", self.by, self.with, self.id)?;
        if let Some(recipient) = self.recipient {
            write!(text, "\r\n\tfor <{}>", self.clean(recipient))?;
        }
        if let Some(cipher) = self.cipher {
            write!(text, "\r\n\ttls {cipher}")?;
        }
        text.push_str(";\r\n\t");
        // +0000: -0000 would say that the local zone is unknown (RFC 5322 §3.3).
        let at = self.at.to_zoned(TimeZone::UTC);
        let printed = DateTimePrinter::new().print_zoned(&at, &mut *text);
        text.push_str("\r\n");
        printed.map_err(|_| fmt::Error)
    }
}

/// A time as fields have it. Source: RFC 5322 §3.3.
pub fn date(at: Timestamp) -> String {
    // +0000: -0000 would say that the local zone is unknown.
    DateTimePrinter::new().zoned_to_string(&at.to_zoned(TimeZone::UTC)).unwrap_or_default()
}
/// Octets of a usual field.
const USUAL_LENGTH: usize = 320;

/// The word of the `with` clause. Source: RFC 3848, RFC 6531 §3.7.3.
pub fn protocol(is_extended: bool, is_utf8: bool, is_tls: bool, is_authenticated: bool) -> &'static str {
    match (is_extended, is_utf8, is_tls, is_authenticated) {
        (false, ..) => "SMTP",
        (true, false, false, false) => "ESMTP",
        (true, false, false, true) => "ESMTPA",
        (true, false, true, false) => "ESMTPS",
        (true, false, true, true) => "ESMTPSA",
        (true, true, false, false) => "UTF8SMTP",
        (true, true, false, true) => "UTF8SMTPA",
        (true, true, true, false) => "UTF8SMTPS",
        (true, true, true, true) => "UTF8SMTPSA",
    }
}

/// `text` without what could end the field or open a comment: it comes from the client.
struct Clean<'a> {
    text: &'a str,
    is_utf8: bool,
}

impl fmt::Display for Clean<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_plain =
            |c: char| !c.is_control() && !matches!(c, '(' | ')' | ';') && (self.is_utf8 || c.is_ascii());
        self.text.chars().take(255).try_for_each(|c| f.write_char(if is_plain(c) { c } else { '?' }))
    }
}

/// How often a message has been through here and elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hops {
    /// Received fields (RFC 5321 §6.3).
    pub all: usize,
    /// Those that we wrote ourselves.
    pub ours: usize,
}

/// Counts the Received fields of `header`; those are ours whose `by` is `hostname` and whose id `is_our_id`.
pub fn hops(header: &Header, hostname: &str, is_our_id: impl Fn(&str) -> bool) -> Hops {
    let mut hops = Hops { all: 0, ours: 0 };
    for field in header.named("received") {
        hops.all += 1;
        let value = unfold(header.raw_value(field));
        let text = String::from_utf8_lossy(&value);
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        let is_said = |key: &str, is_it: &dyn Fn(&str) -> bool| {
            words.windows(2).any(|pair| match pair {
                [word, next] => word.eq_ignore_ascii_case(key) && is_it(next.trim_end_matches(';')),
                _ => false,
            })
        };
        // Any "by" and any "id", for a client may call itself so.
        let by_us = is_said("by", &|by| by.eq_ignore_ascii_case(hostname));
        hops.ours += usize::from(by_us && is_said("id", &is_our_id));
    }
    hops
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn field<'a>(recipient: Option<&'a str>, helo: &'a str) -> Received<'a> {
        Received {
            from: Some(From { helo, name: None, address: "2001:db8::1".parse().unwrap() }),
            by: "mx.example.org",
            with: "ESMTP",
            id: "0000000000000001",
            recipient,
            cipher: None,
            at: Timestamp::from_second(1_700_000_000).unwrap(),
        }
    }

    #[test]
    fn the_field_tells_what_rfc5321_4_4_asks() {
        let text = String::from_utf8(field(Some("ann@b.example"), "a.example").encode()).unwrap();
        assert_eq!(
            text,
            "Received: from a.example (unknown [IPv6:2001:db8::1])\r\n\
             \tby mx.example.org (gatepost) with ESMTP id 0000000000000001\r\n\
             \tfor <ann@b.example>;\r\n\tTue, 14 Nov 2023 22:13:20 +0000\r\n"
        );
    }

    #[test]
    fn a_client_writes_no_clause_of_its_own() {
        let text = String::from_utf8(field(None, "a) by evil (;\r\nX: y").encode()).unwrap();
        assert!(text.starts_with("Received: from a? by evil ????X: y (unknown"), "{text}");
        let mut named = field(None, "a.example");
        named.from.as_mut().unwrap().name = Some("x)\r\nX: y");
        let text = String::from_utf8(named.encode()).unwrap();
        assert!(text.starts_with("Received: from a.example (x???X: y [IPv6"), "neither does the DNS: {text}");
        named.from.as_mut().unwrap().name = Some("x\u{fc}");
        let text = String::from_utf8(named.encode()).unwrap();
        assert!(text.starts_with("Received: from a.example (x? [IPv6"), "8-bit only under SMTPUTF8: {text}");
    }

    #[test]
    fn loops_are_counted_by_our_own_fields() {
        for helo in ["by", "id", "x by y"] {
            let header = Header::parse(Bytes::from(field(None, helo).encode()));
            assert_eq!(hops(&header, "mx.example.org", |id| id.len() == 16).ours, 1, "HELO {helo}");
        }
        let mut wire = field(None, "x").encode();
        wire.extend_from_slice(b"received: by other.example id 0000000000000001; now\r\n");
        wire.extend_from_slice(b"Received: by MX.example.org id short; now\r\nX: y\r\n");
        let header = Header::parse(Bytes::from(wire));
        let hops = hops(&header, "mx.example.org", |id| id.len() == 16);
        assert_eq!(hops, Hops { all: 3, ours: 1 });
    }
}
