//! Values that are one thing: text, numbers, durations, sizes, words, paths.

use std::path::Path;

use toml::de::DeValue;

use crate::config::directory;
use crate::config::keys::key::{Key, Kind, Word};
use crate::config::map_source;
use crate::config::reader::{Given, Reader};
use crate::config::section::Value;
use crate::config::value::{self, ValueError};
use crate::config::verifier;
use crate::ldap::filter::is_attribute;
use crate::lua::config::Script;
use crate::names::a_label;
use crate::names::host_name::is_host_name;
use crate::names::suggest;
use crate::store::config::Place;

/// The value of a key that takes one thing, or `None` if it is wrong.
///
/// *Changes*: the reader's problems.
pub(super) fn read(reader: &mut Reader, key: &Key, given: &Given) -> Option<Value> {
    let toml = given.toml.get_ref();
    let text = toml.as_str();
    let value = match key.kind {
        Kind::Text => text.filter(|text| is_text(text)).map(|text| Value::Text(text.to_owned())),
        Kind::Line => text.filter(|text| is_line(text)).map(|text| Value::Text(text.to_owned())),
        Kind::Name => text.filter(|text| is_name(text)).map(|text| Value::Text(text.to_owned())),
        Kind::Host => text.and_then(host).map(Value::Text),
        Kind::Boolean => toml.as_bool().map(Value::Boolean),
        Kind::Path => text.filter(|text| is_text(text)).map(|text| Value::Path(reader.path(text))),
        Kind::UserDn => return directory::user_dn(reader, key, given),
        Kind::Dn { or_name } => return directory::dn(reader, key, given, or_name),
        Kind::KeySearch => return directory::key_search(reader, key, given),
        Kind::Filter => return directory::filter(reader, key, given),
        Kind::Field => return map_source::field(reader, key, given),
        Kind::Attribute => text.filter(|text| is_attribute(text)).map(|text| Value::Text(text.to_owned())),
        Kind::Script => text.and_then(|text| script(reader, text)).map(Value::Script),
        Kind::StorePlace => return store_place(reader, key, given),
        Kind::Verifier => return verifier::read(reader, key, given),
        Kind::SocketOrOff if text == Some("off") => Some(Value::Socket(None)),
        Kind::SocketOrOff => text.and_then(|text| text.parse().ok()).map(|at| Value::Socket(Some(at))),
        Kind::MapSource => return map_source::read(reader, given),
        Kind::Choice(words) => return choice(reader, key, words, given),
        Kind::Count { from, to, none } => return count(reader, key, (from, to, none), given),
        Kind::Size { from } => return size(reader, key, from, given),
        Kind::Duration { none } => return duration(reader, key, none, given),
        Kind::List(_) | Kind::Domains | Kind::Section(_) | Kind::Sections(_) | Kind::Named(_) => None,
    };
    if value.is_none() {
        reader.wrong(given, &must_be(&key.kind), key.kind.possible());
    }
    value
}

/// What a value must be, in a few words.
fn must_be(kind: &Kind) -> String {
    let what = match kind {
        Kind::Text | Kind::Line => "text",
        Kind::Name => "a name",
        Kind::Host => "a full host name",
        Kind::Boolean => "true or false",
        Kind::Path => "a path",
        Kind::Attribute => "the name of an attribute",
        Kind::Script => "a script",
        Kind::SocketOrOff => "an address with a port",
        _ => "another value",
    };
    format!("must be {what}")
}

/// A whole number, if it is one and has at most 63 bits.
pub(super) fn integer(toml: &DeValue) -> Option<i64> {
    let number = toml.as_integer()?;
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

/// Whether a text can be a name in logs and for scripts.
pub(super) fn is_name(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (1..=64).contains(&text.len()) && text.chars().all(fits)
}

/// A host's name as A-labels in lower case, if it is one with a dot in it.
pub(super) fn host(text: &str) -> Option<String> {
    host_or_label(text).filter(|name| name.contains('.'))
}

/// A host's name as A-labels in lower case, if it is one; a single label will do.
pub(super) fn host_or_label(text: &str) -> Option<String> {
    let ascii = a_label::to_ascii(text).ok()?;
    is_host_name(&ascii).then(|| ascii.into_owned())
}

fn is_text(text: &str) -> bool {
    (1..=255).contains(&text.len()) && !text.chars().any(char::is_control)
}

fn is_line(text: &str) -> bool {
    (1..=400).contains(&text.len()) && text.bytes().all(|octet| (b' '..=b'~').contains(&octet))
}

fn script(reader: &Reader, text: &str) -> Option<Script> {
    if text.contains('/') || Path::new(text).extension().is_some_and(|extension| extension == "lua") {
        is_text(text).then(|| Script::File(reader.path(text)))
    } else {
        is_name(text).then(|| Script::Name(text.to_owned()))
    }
}

/// Where a store keeps its entries; one on the network is for a later version.
fn store_place(reader: &mut Reader, key: &Key, given: &Given) -> Option<Value> {
    let text = given.toml.get_ref().as_str().filter(|text| is_text(text)).unwrap_or_default();
    match (text, text.strip_prefix("file:")) {
        ("memory", _) => Some(Value::StorePlace(Place::Memory)),
        (_, Some(path)) if !path.is_empty() => Some(Value::StorePlace(Place::File(reader.path(path)))),
        _ if text.starts_with("redis:") || text.starts_with("rediss:") => {
            let span = reader.span(given.toml.span());
            reader.later(given.path, &format!("`{} = \"{text}\"`", given.path), span);
            None
        }
        _ => {
            reader.wrong(given, &format!("must be {}", key.kind.possible()), key.kind.possible());
            None
        }
    }
}

fn choice(reader: &mut Reader, key: &Key, words: &'static [Word], given: &Given) -> Option<Value> {
    let found = given.toml.get_ref().as_str().unwrap_or_default();
    match words.iter().find(|word| word.text == found) {
        Some(word) if word.later => {
            let span = reader.span(given.toml.span());
            reader.later(given.path, &format!("`{} = \"{found}\"`", given.path), span);
            None
        }
        Some(word) => Some(Value::Choice(word.text)),
        None => {
            reader.wrong(given, &format!("must be {}", key.kind.possible()), key.kind.possible());
            let names = words.iter().filter(|word| !word.later).map(|word| word.text);
            reader.amend(|problem| problem.nearest(suggest::nearest(found, names)));
            None
        }
    }
}

fn is_none(given: &Given) -> bool {
    given.toml.get_ref().as_str() == Some("none")
}

fn count(reader: &mut Reader, key: &Key, (from, to, none): (u64, u64, bool), given: &Given) -> Option<Value> {
    if none && is_none(given) {
        return Some(Value::Number(None));
    }
    let number = integer(given.toml.get_ref());
    if let Some(number) = number.and_then(|number| u64::try_from(number).ok())
        && (from..=to).contains(&number)
    {
        return Some(Value::Number(Some(number)));
    }
    let must_be = match number {
        Some(0) => "can't be 0".to_owned(),
        Some(number) if number < i64::try_from(from).unwrap_or(i64::MAX) => {
            format!("must be at least {from}{}", by_rfc(key))
        }
        Some(_) => format!("must be at most {to}"),
        None => "must be a whole number".to_owned(),
    };
    reader.wrong(given, &must_be, key.kind.possible());
    zero(reader, number == Some(0), none);
    None
}

/// " (RFC 5321 §4.5.3.1.8)", where the RFC sets the least.
fn by_rfc(key: &Key) -> String {
    if key.rfc.is_empty() { String::new() } else { format!(" ({})", key.rfc) }
}

fn size(reader: &mut Reader, key: &Key, from: u64, given: &Given) -> Option<Value> {
    let size = match given.toml.get_ref() {
        DeValue::String(text) => value::size(text),
        number => match integer(number) {
            Some(0) => Err(ValueError::Zero),
            Some(octets) => u64::try_from(octets).map_err(|_| ValueError::NoNumber),
            None => Err(ValueError::NoNumber),
        },
    };
    let must_be = match size {
        Ok(octets) if octets >= from => return Some(Value::Number(Some(octets))),
        Ok(_) => format!("must be at least {from} octets"),
        Err(ValueError::Zero) => "can't be 0".to_owned(),
        Err(ValueError::TooLarge) => "is too large".to_owned(),
        Err(ValueError::UnknownUnit) => "must be a size: its unit is not known".to_owned(),
        Err(_) => "must be a size".to_owned(),
    };
    reader.wrong(given, &must_be, key.kind.possible());
    None
}

fn duration(reader: &mut Reader, key: &Key, none: bool, given: &Given) -> Option<Value> {
    if none && is_none(given) {
        return Some(Value::Duration(None));
    }
    let duration = match given.toml.get_ref() {
        DeValue::String(text) => value::duration(text),
        DeValue::Float(float) => {
            float.as_str().parse().map_err(|_| ValueError::NoNumber).and_then(value::seconds)
        }
        number => match integer(number).map(u32::try_from) {
            Some(Ok(seconds)) => value::seconds(f64::from(seconds)),
            Some(Err(_)) => Err(ValueError::TooLarge),
            None => Err(ValueError::NoNumber),
        },
    };
    let must_be = match duration {
        Ok(duration) => return Some(Value::Duration(Some(duration))),
        Err(ValueError::Zero) => "can't be 0",
        Err(ValueError::TooLarge) => "can't be that long",
        Err(ValueError::NoUnit) => "must be a duration: a unit is missing",
        Err(ValueError::UnknownUnit) => "must be a duration: its unit is not known",
        Err(ValueError::NoNumber) => "must be a duration",
    };
    reader.wrong(given, must_be, key.kind.possible());
    zero(reader, duration == Err(ValueError::Zero), none);
    None
}

/// 0 is never "no limit": says what is.
fn zero(reader: &mut Reader, is_zero: bool, none: bool) {
    if is_zero && none {
        reader.amend(|problem| problem.help("0 never means \"no limit\": write \"none\" if that is meant"));
    }
}
