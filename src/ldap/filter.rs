//! Search filters as a postmaster writes them, with places for the user's name: read once, then asked with each name.
//!
//! The name is put in where the text has been taken apart already, so that nothing in it can be more than a value.

use std::str::FromStr;

use crate::ldap::ber::{OCTETS, SEQUENCE, element};
use crate::ldap::template::{self, Name, Piece, TemplateError};
use crate::smtp::secret::Secret;

/// A filter with places for the name. Source: RFC 4515 §3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    node: Node,
    /// What of the name is shown by every entry that is found; nothing if one shows this and another that.
    shown: Option<Shown>,
    /// Whether the local part can be enough to be found.
    is_by_local: bool,
}

/// A part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    /// `&` or `|`, by its tag.
    Several(u8, Vec<Node>),
    Not(Box<Node>),
    /// `=`, `>=`, `<=` or `~=`, by its tag.
    Compare(u8, String, Value),
    Present(String),
    /// What the value begins with, has in it, and ends with.
    Substrings(String, Value, Vec<Value>, Value),
    Extensible {
        attribute: String,
        rule: String,
        value: Value,
        is_of_dn: bool,
    },
}

type Value = Vec<Piece>;

/// Why a text is no filter, and which octets of it show that.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct FilterError {
    /// The first octet of what is wrong.
    pub at: usize,
    /// Octets of it; none where something is missing.
    pub length: usize,
    /// What is wrong.
    pub why: Slip,
}

/// What is wrong with a filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Slip {
    /// What is no filter at all, or no further one.
    #[error(
        "a `(` is missing here: each filter and each part of one stands in parentheses, as \"(mail={{user}})\""
    )]
    NotOpened,
    /// A parenthesis that is not closed.
    #[error("a `)` is missing here")]
    NotClosed,
    /// More than one filter.
    #[error("the filter has ended before this: several are joined as \"(&(…)(…))\" or \"(|(…)(…))\"")]
    Behind,
    /// No comparison.
    #[error("this compares nothing: it has no `=`")]
    NoEquals,
    /// No attribute.
    #[error("this is no name of an attribute")]
    Attribute,
    /// A backslash.
    #[error(
        "behind a backslash stand two hexadecimal digits: `\\2a` is `*`, `\\28` is `(`, `\\29` is `)`, `\\5c` is a backslash"
    )]
    Escape,
    /// It is nested more deeply than anybody needs.
    #[error("it is nested too deeply")]
    Deep,
    /// Of the name in it.
    #[error(transparent)]
    Template(#[from] TemplateError),
}

impl Slip {
    /// The same of `length` octets from `at` on.
    fn at(self, at: usize, length: usize) -> FilterError {
        FilterError { at, length, why: self }
    }
}

impl FilterError {
    /// The same where `before` octets stand before the text that it was found in.
    fn behind(self, before: usize) -> FilterError {
        FilterError { at: self.at + before, ..self }
    }
}

const AND: u8 = 0xa0;
const OR: u8 = 0xa1;
const NOT: u8 = 0xa2;
const EQUAL: u8 = 0xa3;
const SUBSTRINGS: u8 = 0xa4;
const AT_LEAST: u8 = 0xa5;
const AT_MOST: u8 = 0xa6;
pub(crate) const PRESENT: u8 = 0x87;
const ALIKE: u8 = 0xa8;
const EXTENSIBLE: u8 = 0xa9;

/// How deep filters go.
const DEEPEST: usize = 16;

impl Filter {
    /// The filter as it is asked about `name`; nothing if the name lacks a part that is needed.
    ///
    /// Source: RFC 4511 §4.5.1.7.
    pub(crate) fn about(&self, name: &Name<'_>) -> Option<Secret> {
        self.node.encode(name)
    }

    /// Who logs in as `name`; nothing where only the entry that is found could say it.
    pub(crate) fn user<'a>(&self, name: &Name<'a>) -> Option<&'a str> {
        match self.shown? {
            Shown { local: true, domain: true } => Some(name.whole),
            Shown { local: true, domain: false } => Some(name.local()),
            Shown { local: false, .. } => None,
        }
    }

    /// Under which name failures of `name` count: its local part where that is enough to be found.
    pub(crate) fn counted_as<'a>(&self, name: &Name<'a>) -> &'a str {
        let by_entry = if self.is_by_local { name.local() } else { name.whole };
        self.user(name).unwrap_or(by_entry)
    }

    /// Whether every entry that is found is that of the user who was typed. Where it isn't, the entry has to say whose it
    /// is: what fits `(|(uid={local})(mail={user}))` may be ann's, who has typed another's address.
    pub fn says_who(&self) -> bool {
        self.shown.is_some_and(|shown| shown.local)
    }
}

/// What of the name every entry that fits has shown to be the user's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Shown {
    local: bool,
    domain: bool,
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Filter, FilterError> {
        let mut rest = text;
        let node = node(&mut rest, DEEPEST, text.len())?;
        if !rest.is_empty() {
            return Err(Slip::Behind.at(text.len() - rest.len(), rest.len()));
        }
        let pieces = node.pieces();
        if !pieces.iter().any(|piece| piece.is_name()) {
            return Err(Slip::from(TemplateError::Nameless).at(0, text.len()));
        }
        let is_by_local = pieces.contains(&&Piece::Local);
        Ok(Filter { shown: node.shown(), is_by_local, node })
    }
}

impl Node {
    fn encode(&self, name: &Name<'_>) -> Option<Secret> {
        let text = |text: &str| element(OCTETS, &[text.as_bytes()]);
        Some(match self {
            Node::Several(tag, nodes) => {
                let nodes: Option<Vec<Secret>> = nodes.iter().map(|node| node.encode(name)).collect();
                let nodes = nodes?;
                element(*tag, &nodes.iter().map(Secret::octets).collect::<Vec<_>>())
            }
            Node::Not(node) => element(NOT, &[node.encode(name)?.octets()]),
            Node::Compare(tag, attribute, value) => {
                let value = element(OCTETS, &[&octets(value, name)?]);
                element(*tag, &[text(attribute).octets(), value.octets()])
            }
            Node::Present(attribute) => element(PRESENT, &[attribute.as_bytes()]),
            Node::Substrings(attribute, first, inner, last) => {
                let mut parts = Vec::new();
                let inner = inner.iter().map(|value| (0x81, value));
                for (tag, value) in [(0x80, first)].into_iter().chain(inner).chain([(0x82, last)]) {
                    if !value.is_empty() {
                        parts.push(element(tag, &[&octets(value, name)?]));
                    }
                }
                let parts = element(SEQUENCE, &parts.iter().map(Secret::octets).collect::<Vec<_>>());
                element(SUBSTRINGS, &[text(attribute).octets(), parts.octets()])
            }
            Node::Extensible { attribute, rule, value, is_of_dn } => {
                let part = |tag, text: &str| match text.is_empty() {
                    true => Secret::default(),
                    false => element(tag, &[text.as_bytes()]),
                };
                let (rule, attribute) = (part(0x81, rule), part(0x82, attribute));
                let value = element(0x83, &[&octets(value, name)?]);
                let of_dn = if *is_of_dn { element(0x84, &[&[0xff]]) } else { Secret::default() };
                element(EXTENSIBLE, &[rule.octets(), attribute.octets(), value.octets(), of_dn.octets()])
            }
        })
    }

    /// What of the name is shown by every entry that fits this; nothing if one shows this and another that.
    fn shown(&self) -> Option<Shown> {
        match self {
            Node::Several(AND, nodes) => {
                let (mut all, mut is_clear) = (Shown::default(), true);
                for shown in nodes.iter().map(Node::shown) {
                    let Shown { local, domain } = shown.unwrap_or_default();
                    all = Shown { local: all.local || local, domain: all.domain || domain };
                    is_clear &= shown.is_some();
                }
                (is_clear || all.local && all.domain).then_some(all)
            }
            Node::Several(_, nodes) => {
                let mut each = nodes.iter().map(Node::shown);
                let first = each.next().unwrap_or(Some(Shown::default()));
                first.filter(|_| each.all(|shown| shown == first))
            }
            Node::Not(_) | Node::Present(_) => Some(Shown::default()),
            Node::Compare(EQUAL, _, value) | Node::Extensible { value, .. } => Some(Shown {
                local: value.iter().any(Piece::is_name),
                domain: value.iter().any(Piece::is_more_than_local),
            }),
            // Alike, or a part of it: that fits whoever has typed half of another's name.
            Node::Compare(..) | Node::Substrings(..) => {
                let is_text = self.pieces().iter().all(|piece| matches!(piece, Piece::Text(_)));
                is_text.then(Shown::default)
            }
        }
    }

    /// All pieces of all values.
    fn pieces(&self) -> Vec<&Piece> {
        match self {
            Node::Several(_, nodes) => nodes.iter().flat_map(Node::pieces).collect(),
            Node::Not(node) => node.pieces(),
            Node::Compare(_, _, value) | Node::Extensible { value, .. } => value.iter().collect(),
            Node::Present(_) => Vec::new(),
            Node::Substrings(_, first, inner, last) => {
                first.iter().chain(inner.iter().flatten()).chain(last).collect()
            }
        }
    }
}

/// The value with the name in it.
fn octets(value: &Value, name: &Name<'_>) -> Option<Vec<u8>> {
    let mut octets = Vec::new();
    for piece in value {
        let part = name.part(piece)?;
        match piece {
            Piece::Text(_) => octets.extend(unescaped(part)?),
            _ => octets.extend_from_slice(part.as_bytes()),
        }
    }
    Some(octets)
}

/// Takes one filter in its parentheses off `rest`, the end of a text of `whole` octets.
fn node(rest: &mut &str, depth: usize, whole: usize) -> Result<Node, FilterError> {
    let here = |rest: &str| whole - rest.len();
    let depth = depth.checked_sub(1).ok_or_else(|| Slip::Deep.at(here(rest), 1))?;
    *rest = rest.strip_prefix('(').ok_or_else(|| Slip::NotOpened.at(here(rest), 0))?;
    let node = match rest.chars().next() {
        Some(sign @ ('&' | '|')) => {
            *rest = rest.strip_prefix(sign).unwrap_or_default();
            let mut nodes = Vec::new();
            while rest.starts_with('(') {
                nodes.push(node(rest, depth, whole)?);
            }
            Node::Several(if sign == '&' { AND } else { OR }, nodes)
        }
        Some('!') => {
            *rest = rest.strip_prefix('!').unwrap_or_default();
            Node::Not(Box::new(node(rest, depth, whole)?))
        }
        _ => {
            let (before, end) = (here(rest), rest.find(['(', ')']).unwrap_or(rest.len()));
            let (text, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
            *rest = behind;
            item(text).map_err(|error| error.behind(before))?
        }
    };
    *rest = rest.strip_prefix(')').ok_or_else(|| Slip::NotClosed.at(here(rest), 0))?;
    Ok(node)
}

/// What is between parentheses and no list.
fn item(text: &str) -> Result<Node, FilterError> {
    let (left, value) = text.split_once('=').ok_or_else(|| Slip::NoEquals.at(0, text.len()))?;
    let before = left.len() + 1;
    let whole = |value: &str| self::value(value).map_err(|error| error.behind(before));
    for (sign, tag) in [('>', AT_LEAST), ('<', AT_MOST), ('~', ALIKE)] {
        if let Some(attribute) = left.strip_suffix(sign) {
            return Ok(Node::Compare(tag, self::attribute(attribute)?, whole(value)?));
        }
    }
    if let Some(left) = left.strip_suffix(':') {
        return extensible(left, whole(value)?);
    }
    let attribute = attribute(left)?;
    let mut parts = Vec::new();
    let mut at = before;
    for part in value.split('*') {
        parts.push(self::value(part).map_err(|error| error.behind(at))?);
        at += part.len() + 1;
    }
    let (Some(last), Some(first)) = (parts.pop(), (!parts.is_empty()).then(|| parts.remove(0))) else {
        return Ok(Node::Compare(EQUAL, attribute, whole(value)?));
    };
    if value == "*" {
        return Ok(Node::Present(attribute));
    }
    Ok(Node::Substrings(attribute, first, parts, last))
}

/// `attr:dn:rule`, of which not all need be there.
fn extensible(left: &str, value: Value) -> Result<Node, FilterError> {
    let mut parts = left.split(':');
    let attribute = match parts.next().unwrap_or_default() {
        "" => String::new(),
        text => attribute(text)?,
    };
    let wrong = || Slip::Attribute.at(0, left.len());
    let mut rule = parts.next();
    let is_of_dn = rule.is_some_and(|word| word.eq_ignore_ascii_case("dn"));
    if is_of_dn {
        rule = parts.next();
    }
    let rule = rule.map(self::attribute).transpose().map_err(|_| wrong())?.unwrap_or_default();
    if parts.next().is_some() || attribute.is_empty() && rule.is_empty() {
        return Err(wrong());
    }
    Ok(Node::Extensible { attribute, rule, value, is_of_dn })
}

/// The name of an attribute, with its options. Source: RFC 4512 §2.5.
fn attribute(text: &str) -> Result<String, FilterError> {
    match is_attribute(text) {
        true => Ok(text.to_owned()),
        false => Err(Slip::Attribute.at(0, text.len())),
    }
}

/// Whether `text` may be the name of an attribute. Source: RFC 4512 §2.5.
pub fn is_attribute(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ';'))
}

fn value(text: &str) -> Result<Value, FilterError> {
    let wrong = |error: TemplateError| {
        let (at, length) = template::wrong_brace(text).unwrap_or((0, text.len()));
        Slip::from(error).at(at, length)
    };
    let value = template::pieces(text).map_err(wrong)?;
    match text.match_indices('\\').find(|(at, _)| !is_escape(text.get(*at..).unwrap_or_default())) {
        Some((at, _)) => Err(Slip::Escape.at(at, text.len().min(at + 3) - at)),
        None => Ok(value),
    }
}

/// Whether `text` begins with a backslash and two hexadecimal digits.
fn is_escape(text: &str) -> bool {
    text.get(1..3).is_some_and(|hex| hex.bytes().all(|digit| digit.is_ascii_hexdigit()))
}

/// The octets that `text` means, in which `\2a` is an asterisk. Source: RFC 4515 §3.
fn unescaped(text: &str) -> Option<Vec<u8>> {
    let mut parts = text.split('\\');
    let mut octets = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (hex, rest) = part.split_at_checked(2)?;
        let is_hex = hex.bytes().all(|digit| digit.is_ascii_hexdigit());
        octets.push(u8::from_str_radix(hex, 16).ok().filter(|_| is_hex)?);
        octets.extend_from_slice(rest.as_bytes());
    }
    Some(octets)
}

#[cfg(test)]
mod tests;
