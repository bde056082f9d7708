//! The name of a host: an argument of EHLO, or the right side of an address.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

/// A domain or an address literal, the text as it was sent. It holds no space and no control.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    text: Arc<str>,
    address: Option<IpAddr>,
}

/// Why a text is no host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// Nothing there.
    #[error("empty")]
    Empty,
    /// Two dots in a row, or a dot at an end.
    #[error("empty label")]
    EmptyLabel,
    /// A label with a character that it may not have.
    #[error("bad label")]
    BadLabel,
    /// Brackets without an address in them.
    #[error("bad address literal")]
    BadLiteral,
    /// More than 255 octets, or a label of more than 63.
    #[error("too long")]
    TooLong,
}

/// Octets of a domain. Source: RFC 5321 §4.5.3.1.2.
const MAX_DOMAIN: usize = 255;
/// Octets of a label. Source: RFC 1035 §2.3.4.
const MAX_LABEL: usize = 63;

impl Host {
    /// The right side of an address, taken leniently: see `parse_domain`.
    pub fn parse(text: &str) -> Result<Host, HostError> {
        Host::parse_domain(text, false)
    }

    /// The right side of an address: labels of letters, digits and hyphens, U-labels, or an address literal.
    ///
    /// Underscores are taken too unless `strict`. An empty label is always an error, one at the end too.
    /// Source: RFC 5321 §4.1.2, §4.1.3, RFC 6531 §3.3.
    pub fn parse_domain(text: &str, strict: bool) -> Result<Host, HostError> {
        let address = check_domain(text, strict)?;
        Ok(Host { text: text.into(), address })
    }

    /// The argument of HELO or EHLO.
    ///
    /// Unless `strict`, any printable ASCII without a space is taken: many clients don't know their name, and RFC
    /// 5321 §4.1.4 forbids to refuse mail for it. Beyond ASCII nothing is (RFC 6531 §3.7.1): the name is told to the
    /// backend.
    pub fn parse_ehlo(text: &str, strict: bool) -> Result<Host, HostError> {
        if text.is_empty() {
            return Err(HostError::Empty);
        }
        if text.len() > MAX_DOMAIN {
            return Err(HostError::TooLong);
        }
        if !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(HostError::BadLabel);
        }
        if strict {
            return Host::parse_domain(text, true);
        }
        let address = literal(text).and_then(|inner| literal_address(inner).ok().flatten());
        Ok(Host { text: text.into(), address })
    }

    /// The text as it was sent.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// True if it stands in brackets.
    pub fn is_literal(&self) -> bool {
        literal(&self.text).is_some()
    }

    /// The IP address of an address literal.
    pub fn address(&self) -> Option<IpAddr> {
        self.address
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What is between the brackets.
fn literal(text: &str) -> Option<&str> {
    text.strip_prefix('[')?.strip_suffix(']')
}

/// The address of a literal; none for a literal of another kind. Source: RFC 5321 §4.1.3.
fn literal_address(inner: &str) -> Result<Option<IpAddr>, HostError> {
    // Numbers with leading zeros are no address here: some read them as octal.
    if let Ok(address) = inner.parse::<Ipv4Addr>() {
        return Ok(Some(address.into()));
    }
    let (tag, content) = inner.split_once(':').ok_or(HostError::BadLiteral)?;
    if tag.eq_ignore_ascii_case("IPv6") {
        let address: Ipv6Addr = content.parse().map_err(|_| HostError::BadLiteral)?;
        return Ok(Some(address.into()));
    }
    let is_content = |b: u8| matches!(b, 33..=90 | 94..=126);
    if !tag.is_ascii() || !is_label(tag, true) || content.is_empty() || !content.bytes().all(is_content) {
        return Err(HostError::BadLiteral);
    }
    Ok(None)
}

/// Judges a domain or a literal, and gives the literal's address.
pub(crate) fn check_domain(text: &str, strict: bool) -> Result<Option<IpAddr>, HostError> {
    if text.is_empty() {
        return Err(HostError::Empty);
    }
    if text.len() > MAX_DOMAIN {
        return Err(HostError::TooLong);
    }
    if let Some(inner) = literal(text) {
        return literal_address(inner);
    }
    for label in text.split('.') {
        if label.is_empty() {
            return Err(HostError::EmptyLabel);
        }
        if label.len() > MAX_LABEL && label.is_ascii() {
            return Err(HostError::TooLong);
        }
        if !is_label(label, strict) {
            return Err(HostError::BadLabel);
        }
    }
    Ok(None)
}

/// True of let-dig-hyp that begins and ends with let-dig, and of U-labels. Which U-labels are good is judged where
/// names are compared.
fn is_label(label: &str, strict: bool) -> bool {
    let is_fit = |c: char| match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '-' => true,
        '_' => !strict,
        _ => is_beyond_ascii(c),
    };
    !label.is_empty() && !label.starts_with('-') && !label.ends_with('-') && label.chars().all(is_fit)
}

/// True of a character beyond ASCII that no program takes for a space or a line's end. Source: RFC 6531 §3.3.
pub(crate) fn is_beyond_ascii(c: char) -> bool {
    !c.is_ascii() && !c.is_control() && !c.is_whitespace()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn domains_follow_rfc5321_4_1_2() {
        let long_label = "a".repeat(64);
        let long = "a.".repeat(128) + "a";
        for (text, lenient, strict) in [
            ("a.example", Ok(()), Ok(())),
            ("localhost", Ok(()), Ok(())),
            ("1.2.3.4", Ok(()), Ok(())), // by its syntax a domain
            ("xn--4ca.example", Ok(()), Ok(())),
            ("\u{e4}.example", Ok(()), Ok(())),   // U-label
            ("a\u{3002}example", Ok(()), Ok(())), // the guard's business
            ("a_b.example", Ok(()), Err(HostError::BadLabel)),
            ("-a.example", Err(HostError::BadLabel), Err(HostError::BadLabel)),
            ("a-.example", Err(HostError::BadLabel), Err(HostError::BadLabel)),
            ("a b.example", Err(HostError::BadLabel), Err(HostError::BadLabel)),
            ("a\0.example", Err(HostError::BadLabel), Err(HostError::BadLabel)),
            ("a\u{85}.example", Err(HostError::BadLabel), Err(HostError::BadLabel)), // control
            ("a\u{2028}.example", Err(HostError::BadLabel), Err(HostError::BadLabel)), // line's end
            ("a,b.example", Err(HostError::BadLabel), Err(HostError::BadLabel)),
            ("", Err(HostError::Empty), Err(HostError::Empty)),
            (".", Err(HostError::EmptyLabel), Err(HostError::EmptyLabel)),
            ("a.example.", Err(HostError::EmptyLabel), Err(HostError::EmptyLabel)),
            (".a.example", Err(HostError::EmptyLabel), Err(HostError::EmptyLabel)),
            ("a..example", Err(HostError::EmptyLabel), Err(HostError::EmptyLabel)),
            (&long_label, Err(HostError::TooLong), Err(HostError::TooLong)),
            (&long, Err(HostError::TooLong), Err(HostError::TooLong)),
        ] {
            assert_eq!(Host::parse_domain(text, false).map(|_| ()), lenient, "lenient {text:?}");
            assert_eq!(Host::parse_domain(text, true).map(|_| ()), strict, "strict {text:?}");
        }
    }

    #[test]
    fn literals_follow_rfc5321_4_1_3() {
        let bad = Err(HostError::BadLiteral);
        for (text, want) in [
            ("[127.0.0.1]", Ok(Some("127.0.0.1"))),
            ("[IPv6:::1]", Ok(Some("::1"))),
            ("[ipv6:2001:DB8::1]", Ok(Some("2001:db8::1"))), // any case
            ("[IPv6:::ffff:1.2.3.4]", Ok(Some("::ffff:1.2.3.4"))),
            ("[x400:c=de]", Ok(None)), // General-address-literal
            ("[::1]", bad),            // no tag
            ("[010.0.0.1]", bad),      // octal to some
            ("[1.2.3]", bad),
            ("[1.2.3.4.5]", bad),
            ("[256.0.0.1]", bad),
            ("[IPv6:]", bad),
            ("[IPv6:1.2.3.4]", bad),
            ("[IPv6:fe80::1%eth0]", bad), // a scope means nothing to others
            ("[\u{e4}:a]", bad),
            ("[tag:a b]", bad),
            ("[tag:a]b]", bad),
            ("[]", bad),
            ("[", Err(HostError::BadLabel)),
            ("[1.2.3.4", Err(HostError::BadLabel)),
            ("1.2.3.4]", Err(HostError::BadLabel)),
        ] {
            let want = want.map(|address| address.map(|a| a.parse::<IpAddr>().unwrap()));
            assert_eq!(Host::parse(text).map(|host| host.address()), want, "{text:?}");
            assert_eq!(Host::parse_domain(text, true).map(|host| host.address()), want, "{text:?}");
        }
    }

    #[test]
    fn ehlo_names_are_taken_leniently() {
        let long = "a".repeat(256);
        for (text, lenient, strict) in [
            ("mx.a.example", true, true),
            ("[127.0.0.1]", true, true),
            ("localhost", true, true),
            ("my_pc", true, false),
            ("a.example.", true, false),
            ("[::1]", true, false),
            ("*", true, false),
            ("", false, false),
            ("a b", false, false),
            ("a\tb", false, false),
            ("a\r\nMAIL", false, false),
            ("\u{e4}.example", false, false), // RFC 6531 §3.7.1: A-labels only
            (&long, false, false),
        ] {
            assert_eq!(Host::parse_ehlo(text, false).is_ok(), lenient, "lenient {text:?}");
            assert_eq!(Host::parse_ehlo(text, true).is_ok(), strict, "strict {text:?}");
        }
        assert_eq!(Host::parse_ehlo("[1.2.3.4]", false).unwrap().address(), "1.2.3.4".parse().ok());
        assert!(Host::parse_ehlo("[junk]", false).unwrap().is_literal());
    }

    proptest! {
        #[test]
        fn what_parses_prints_the_same_and_holds_no_space(text in "\\PC{0,20}|[a-z_.\\[\\]:-]{0,12}") {
            let hosts = [Host::parse(&text), Host::parse_domain(&text, true), Host::parse_ehlo(&text, false)];
            for host in hosts.into_iter().flatten() {
                prop_assert_eq!(host.as_str(), &text);
                prop_assert!(!text.chars().any(|c| c.is_control() || c.is_whitespace()));
            }
        }

        #[test]
        fn what_is_strict_is_lenient_too(text in "[a-z0-9_.:\\[\\]-]{0,12}") {
            if let Ok(host) = Host::parse_domain(&text, true) {
                prop_assert_eq!(Host::parse_domain(&text, false), Ok(host));
            }
        }
    }
}
