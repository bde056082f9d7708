//! XCLIENT and XFORWARD: tells the backend who the client is. Every value is checked here, wherever it came from.

use std::net::IpAddr;

use crate::smtp::xtext;

/// What is known of the client of a session.
#[derive(Clone, Copy, Debug)]
pub struct ClientFacts<'a> {
    /// Its forward-confirmed name.
    pub name: Name<'a>,
    /// Where it connected from.
    pub address: Option<IpAddr>,
    /// Its port.
    pub port: Option<u16>,
    /// "SMTP" or "ESMTP"; XFORWARD may be told others.
    pub protocol: Option<&'a str>,
    /// What it said in EHLO or HELO.
    pub helo: Option<&'a str>,
    /// The name it has logged in with.
    pub login: Option<&'a str>,
    /// Where it connected to.
    pub destination: Option<(IpAddr, u16)>,
    /// Our name for the transaction.
    pub ident: Option<&'a str>,
    /// "REMOTE" or "LOCAL".
    pub source: &'a str,
}

/// What is known of the client's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name<'a> {
    /// The look-up gave this.
    Known(&'a str),
    /// It has none.
    Unavailable,
    /// The look-up failed; it may have one.
    TempUnavailable,
}

/// An attribute that a backend offers for XCLIENT or XFORWARD.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the keywords speak for themselves")]
pub enum Attribute {
    Name,
    Addr,
    Port,
    Proto,
    Helo,
    Login,
    DestAddr,
    DestPort,
    Ident,
    Source,
}

impl Attribute {
    /// The attribute of that keyword, in any case; `None` for one that we do not know.
    pub fn parse(keyword: &str) -> Option<Attribute> {
        ALL.into_iter().find(|attribute| attribute.as_str().eq_ignore_ascii_case(keyword))
    }

    /// Its keyword.
    pub const fn as_str(self) -> &'static str {
        match self {
            Attribute::Name => "NAME",
            Attribute::Addr => "ADDR",
            Attribute::Port => "PORT",
            Attribute::Proto => "PROTO",
            Attribute::Helo => "HELO",
            Attribute::Login => "LOGIN",
            Attribute::DestAddr => "DESTADDR",
            Attribute::DestPort => "DESTPORT",
            Attribute::Ident => "IDENT",
            Attribute::Source => "SOURCE",
        }
    }
}

/// The one XCLIENT command with all attributes in `offered`, without CRLF; with it at most 512 octets.
///
/// `None` if nothing that we could tell is offered. A value that is not clean, or longer than 255 octets, is
/// `[UNAVAILABLE]`; so is what makes the line too long: the longer of NAME and HELO, then the other, then LOGIN.
/// There is never a second line, for a second XCLIENT would be refused.
/// Source: Postfix XCLIENT_README.
pub fn xclient_line(facts: &ClientFacts<'_>, offered: &[Attribute]) -> Option<String> {
    let mut pairs = pairs(facts, offered, &XCLIENT);
    for pair in &mut pairs {
        if pair.0 == Attribute::Proto && pair.1 != "SMTP" {
            pair.1 = "ESMTP".to_owned();
        }
    }
    let length = |pairs: &[Pair]| VERB + pairs.iter().map(width).sum::<usize>();
    while length(&pairs) > MAX_LINE {
        let shortened = |pair: &&mut Pair| pair.1 != UNAVAILABLE;
        let longest = pairs
            .iter_mut()
            .filter(|pair| matches!(pair.0, Attribute::Name | Attribute::Helo))
            .filter(shortened)
            .max_by_key(|pair| pair.1.len());
        match longest {
            Some(pair) => pair.1 = UNAVAILABLE.to_owned(),
            None => {
                pairs.iter_mut().find(|pair| pair.0 == Attribute::Login).filter(shortened)?.1 =
                    UNAVAILABLE.to_owned()
            }
        }
    }
    if pairs.is_empty() { None } else { Some(line("XCLIENT", &pairs)) }
}

/// The XFORWARD commands with all attributes in `offered`, without CRLF; with it each at most 512 octets.
///
/// Empty if nothing that we could tell is offered. Values are treated as in `xclient_line`, but that there is room.
/// Source: Postfix XFORWARD_README.
pub fn xforward_lines(facts: &ClientFacts<'_>, offered: &[Attribute]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut pending: Vec<Pair> = Vec::new();
    let mut length = XFORWARD_VERB;
    for mut pair in pairs(facts, offered, &XFORWARD) {
        if XFORWARD_VERB + width(&pair) > MAX_LINE {
            pair.1 = UNAVAILABLE.to_owned();
        }
        if length + width(&pair) > MAX_LINE {
            lines.push(line("XFORWARD", &pending));
            pending.clear();
            length = XFORWARD_VERB;
        }
        length += width(&pair);
        pending.push(pair);
    }
    if !pending.is_empty() {
        lines.push(line("XFORWARD", &pending));
    }
    lines
}

/// An attribute and its value as it is written.
type Pair = (Attribute, String);

const ALL: [Attribute; 10] = [
    Attribute::Name,
    Attribute::Addr,
    Attribute::Port,
    Attribute::Proto,
    Attribute::Helo,
    Attribute::Login,
    Attribute::DestAddr,
    Attribute::DestPort,
    Attribute::Ident,
    Attribute::Source,
];
/// The attributes of XCLIENT. Source: Postfix XCLIENT_README.
pub const XCLIENT: [Attribute; 8] = [
    Attribute::Name,
    Attribute::Addr,
    Attribute::Port,
    Attribute::Proto,
    Attribute::Helo,
    Attribute::Login,
    Attribute::DestAddr,
    Attribute::DestPort,
];
/// The attributes of XFORWARD. Source: Postfix XFORWARD_README.
pub const XFORWARD: [Attribute; 7] = [
    Attribute::Name,
    Attribute::Addr,
    Attribute::Port,
    Attribute::Proto,
    Attribute::Helo,
    Attribute::Ident,
    Attribute::Source,
];

/// There is no such thing.
pub(super) const UNAVAILABLE: &str = "[UNAVAILABLE]";
/// It is not known just now.
pub(super) const TEMP_UNAVAILABLE: &str = "[TEMPUNAVAIL]";
/// Octets of a line, CRLF included: RFC 5321 §4.5.3.1.4.
const MAX_LINE: usize = 512;
/// Octets of a value before it is encoded.
const MAX_VALUE: usize = 255;
/// Octets of the verb and the CRLF.
const VERB: usize = "XCLIENT\r\n".len();
const XFORWARD_VERB: usize = "XFORWARD\r\n".len();

/// What is to be told: the attributes of `known` that are offered, in our order, each once.
fn pairs(facts: &ClientFacts<'_>, offered: &[Attribute], known: &[Attribute]) -> Vec<Pair> {
    let told = known.iter().filter(|attribute| offered.contains(attribute));
    told.map(|attribute| (*attribute, value(facts, *attribute))).collect()
}

fn value(facts: &ClientFacts<'_>, attribute: Attribute) -> String {
    match attribute {
        Attribute::Name => match facts.name {
            Name::Known(name) => hostname(name),
            Name::Unavailable => UNAVAILABLE.to_owned(),
            Name::TempUnavailable => TEMP_UNAVAILABLE.to_owned(),
        },
        Attribute::Addr => facts.address.map_or(UNAVAILABLE.to_owned(), address),
        Attribute::Port => facts.port.map_or(UNAVAILABLE.to_owned(), |port| port.to_string()),
        Attribute::Proto => text(facts.protocol),
        Attribute::Helo => text(facts.helo),
        Attribute::Login => text(facts.login),
        Attribute::DestAddr => facts.destination.map_or(UNAVAILABLE.to_owned(), |(ip, _)| address(ip)),
        Attribute::DestPort => facts.destination.map_or(UNAVAILABLE.to_owned(), |(_, port)| port.to_string()),
        Attribute::Ident => text(facts.ident),
        Attribute::Source => text(Some(facts.source)),
    }
}

/// An IPv4 address that came over an IPv6 socket is told as what it is.
fn address(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("IPV6:{address}"),
    }
}

/// A value in xtext. Controls never go out, also not encoded: the backend would decode them.
///
/// A value in brackets would be taken for one of the words that we have for "nothing known".
fn text(value: Option<&str>) -> String {
    let is_clean = |value: &&str| {
        let is_short = (1..=MAX_VALUE).contains(&value.len());
        is_short && !value.chars().any(char::is_control) && !is_keyword(value)
    };
    value.filter(is_clean).map_or(UNAVAILABLE.to_owned(), |value| xtext::encode(value.as_bytes()))
}

/// A name that came out of DNS, if it is a host's: Postfix refuses the whole command for one that is not.
fn hostname(name: &str) -> String {
    let name = name.strip_suffix('.').unwrap_or(name);
    if is_hostname(name) { text(Some(name)) } else { UNAVAILABLE.to_owned() }
}

/// Whether `name` is one that a host may have: labels of letters, digits, `-` and `_`, and no address.
pub(super) fn is_hostname(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-' || octet == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let is_number = name.bytes().all(|octet| octet.is_ascii_digit() || octet == b'.');
    name.split('.').all(is_label) && !is_number
}

fn is_keyword(value: &str) -> bool {
    [UNAVAILABLE, TEMP_UNAVAILABLE].iter().any(|keyword| keyword.eq_ignore_ascii_case(value))
}

/// Octets of " NAME=value".
fn width((attribute, value): &Pair) -> usize {
    " ".len() + attribute.as_str().len() + "=".len() + value.len()
}

fn line(verb: &str, pairs: &[Pair]) -> String {
    let mut line = verb.to_owned();
    for (attribute, value) in pairs {
        line.push(' ');
        line.push_str(attribute.as_str());
        line.push('=');
        line.push_str(value);
    }
    line
}

#[cfg(test)]
mod tests;
