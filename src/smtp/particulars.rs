//! What XCLIENT and XFORWARD tell of a client, read: attributes and values, as strictly as Postfix reads them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::smtp::xclient::{Attribute, TEMP_UNAVAILABLE, UNAVAILABLE, is_hostname};
use crate::smtp::xtext;

/// What was told of a client. No value in it holds a control.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Particulars {
    /// Its name in DNS.
    pub name: Value<String>,
    /// Its address; a v4-mapped one is its IPv4.
    pub address: Value<IpAddr>,
    /// Its port.
    pub port: Value<u16>,
    /// What it speaks, in capitals.
    pub protocol: Value<String>,
    /// What it called itself.
    pub helo: Value<String>,
    /// What it has logged in as.
    pub login: Value<String>,
    /// Where it connected to.
    pub destination_address: Value<IpAddr>,
    /// The port that it connected to.
    pub destination_port: Value<u16>,
    /// The name of its message there.
    pub ident: Value<String>,
    /// Whether it is of that house ("LOCAL") or not ("REMOTE").
    pub source: Value<String>,
}

/// What was told of one attribute.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Value<T> {
    /// Nothing.
    #[default]
    Untold,
    /// That there is no such thing.
    Unavailable,
    /// That it is not known just now.
    TemporarilyUnavailable,
    /// This.
    Known(T),
}

/// Why attributes can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParticularsError {
    /// A word that is not `attribute=value`.
    #[error("attribute=value expected")]
    Form,
    /// An attribute that is not offered.
    #[error("bad attribute name")]
    Name,
    /// A value that can't be one of its attribute.
    #[error("bad value of {}", .0.as_str())]
    Value(Attribute),
}

/// Octets of a value, decoded.
const MAX_VALUE: usize = 255;
/// Octets of the name of a protocol.
const MAX_PROTOCOL: usize = 64;

impl Particulars {
    /// What `text`, the attributes of one command, tells. Of an attribute that stands twice the last holds.
    ///
    /// *Errors*: see `ParticularsError`; an attribute that is not among `offered` is one. Source: Postfix XCLIENT_README,
    /// XFORWARD_README.
    pub fn parse(text: &str, offered: &[Attribute]) -> Result<Particulars, ParticularsError> {
        let mut told = Particulars::default();
        let words = text.split(' ').filter(|word| !word.is_empty());
        for word in words {
            let (name, value) =
                word.split_once('=').filter(|(_, value)| !value.is_empty()).ok_or(ParticularsError::Form)?;
            let attribute = Attribute::parse(name).filter(|attribute| offered.contains(attribute));
            let attribute = attribute.ok_or(ParticularsError::Name)?;
            told.take(attribute, value).ok_or(ParticularsError::Value(attribute))?;
        }
        Ok(told)
    }

    /// Takes the value of one attribute; nothing if it can't be one.
    fn take(&mut self, attribute: Attribute, raw: &str) -> Option<()> {
        match attribute {
            Attribute::Name => self.name = value(raw, |text| is_hostname(&text).then_some(text))?,
            Attribute::Addr => self.address = value(raw, |text| address(&text))?,
            Attribute::Port => self.port = value(raw, |text| port(&text))?,
            Attribute::Proto => self.protocol = value(raw, protocol)?,
            Attribute::Helo => self.helo = value(raw, Some)?,
            Attribute::Login => self.login = value(raw, Some)?,
            Attribute::DestAddr => self.destination_address = value(raw, |text| address(&text))?,
            Attribute::DestPort => self.destination_port = value(raw, |text| port(&text))?,
            Attribute::Ident => self.ident = value(raw, Some)?,
            Attribute::Source => self.source = value(raw, source)?,
        }
        Some(())
    }

    /// What is told when `later` is told after this: each of its attributes takes the place of the one before.
    #[must_use]
    pub fn overlaid(self, later: Particulars) -> Particulars {
        Particulars {
            name: self.name.overlaid(later.name),
            address: self.address.overlaid(later.address),
            port: self.port.overlaid(later.port),
            protocol: self.protocol.overlaid(later.protocol),
            helo: self.helo.overlaid(later.helo),
            login: self.login.overlaid(later.login),
            destination_address: self.destination_address.overlaid(later.destination_address),
            destination_port: self.destination_port.overlaid(later.destination_port),
            ident: self.ident.overlaid(later.ident),
            source: self.source.overlaid(later.source),
        }
    }
}

impl<T> Value<T> {
    /// The value, if it is known.
    pub fn known(&self) -> Option<&T> {
        if let Value::Known(value) = self { Some(value) } else { None }
    }

    fn overlaid(self, later: Value<T>) -> Value<T> {
        if matches!(later, Value::Untold) { self } else { later }
    }
}

/// What `raw` tells, by what `read` makes of the decoded text; nothing if that is no value.
fn value<T>(raw: &str, read: impl FnOnce(String) -> Option<T>) -> Option<Value<T>> {
    if raw.eq_ignore_ascii_case(UNAVAILABLE) {
        return Some(Value::Unavailable);
    }
    if raw.eq_ignore_ascii_case(TEMP_UNAVAILABLE) {
        return Some(Value::TemporarilyUnavailable);
    }
    let text = String::from_utf8(xtext::decode(raw)?).ok()?;
    let is_clean = (1..=MAX_VALUE).contains(&text.len()) && !text.chars().any(char::is_control);
    read(Some(text).filter(|_| is_clean)?).map(Value::Known)
}

/// IPv6 only with its prefix, as Postfix has it.
fn address(text: &str) -> Option<IpAddr> {
    let prefix = text.get(..IPV6.len()).filter(|prefix| prefix.eq_ignore_ascii_case(IPV6));
    match prefix.and_then(|prefix| text.get(prefix.len()..)) {
        Some(address) => address.parse::<Ipv6Addr>().ok().map(|address| IpAddr::V6(address).to_canonical()),
        None => text.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
    }
}

const IPV6: &str = "IPV6:";

fn port(text: &str) -> Option<u16> {
    let is_number = matches!(text.len(), 1..=5) && text.bytes().all(|octet| octet.is_ascii_digit());
    if is_number { text.parse().ok() } else { None }
}

fn protocol(text: String) -> Option<String> {
    let is_name = text.len() <= MAX_PROTOCOL && text.bytes().all(|octet| octet.is_ascii_alphanumeric());
    is_name.then(|| text.to_ascii_uppercase())
}

fn source(text: String) -> Option<String> {
    let text = text.to_ascii_uppercase();
    matches!(text.as_str(), "LOCAL" | "REMOTE").then_some(text)
}

#[cfg(test)]
mod tests;
