//! Distinguished names as they stand in the configuration: whether a text is one, and which lies below which.

use std::str::FromStr;

use crate::ldap::filter::is_attribute;

/// A distinguished name, in which capitals and blanks around its parts don't count. Source: RFC 4514.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dn {
    /// From the entry itself up to the root.
    parts: Vec<String>,
}

/// Why a text is no DN, and which octets of it show that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct DnError {
    /// The first octet of the part that is wrong.
    pub at: usize,
    /// Octets of that part.
    pub length: usize,
    /// What is wrong with it.
    pub why: DnWrong,
}

/// What is wrong with a part of a DN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DnWrong {
    /// There is none, between two commas or at an end.
    #[error("a part is empty")]
    Empty,
    /// It has no `=`.
    #[error("a part is no ATTRIBUTE=VALUE")]
    NoValue,
    /// What is before the `=` is no name of an attribute.
    #[error("a part doesn't begin with the name of an attribute")]
    NoAttribute,
    /// A character that has to stand behind a backslash, or a backslash before one that must not.
    #[error("a value has one of \" + , ; < > \\ in it without a backslash before it")]
    NoEscape,
}

impl Dn {
    /// Whether this is `other`, or an entry below it. All are below the root, which has no parts.
    pub fn is_within(&self, other: &Dn) -> bool {
        self.parts.ends_with(&other.parts)
    }
}

impl FromStr for Dn {
    type Err = DnError;

    /// The DN that `text` is; the empty text is the root.
    fn from_str(text: &str) -> Result<Dn, DnError> {
        let mut parts = Vec::new();
        let mut at = 0;
        let mut rest = text;
        while !text.is_empty() {
            let end = unescaped(rest, is_comma).unwrap_or(rest.len());
            let (part, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
            let lead = part.len() - part.trim_start().len();
            let length = part.trim().len().max(1);
            parts.push(read_part(part).map_err(|why| DnError { at: at + lead, length, why })?);
            let Some(next) = behind.get(1..) else { break };
            at += end + 1;
            rest = next;
        }
        Ok(Dn { parts })
    }
}

/// One part, `uid=ann` or `cn=a+ou=b`, as it is compared.
fn read_part(part: &str) -> Result<String, DnWrong> {
    if part.trim().is_empty() {
        return Err(DnWrong::Empty);
    }
    let mut pairs = Vec::new();
    let mut rest = Some(part);
    while let Some(text) = rest {
        let (pair, behind) = match unescaped(text, |c| c == '+') {
            Some(end) => (text.get(..end).unwrap_or_default(), text.get(end + 1..)),
            None => (text, None),
        };
        let (attribute, value) = pair.split_once('=').ok_or(DnWrong::NoValue)?;
        let (attribute, value) = (attribute.trim(), value.trim_start());
        if !is_attribute(attribute) {
            return Err(DnWrong::NoAttribute);
        }
        if unescaped(value, |c| matches!(c, '"' | '<' | '>')).is_some() || !is_escaped_rightly(value) {
            return Err(DnWrong::NoEscape);
        }
        pairs.push(format!("{attribute}={}", value.trim_end()).to_lowercase());
        rest = behind;
    }
    pairs.sort();
    Ok(pairs.join("+"))
}

/// `;` is what RFC 2253 §4 lets stand for the comma.
fn is_comma(c: char) -> bool {
    matches!(c, ',' | ';')
}

/// Where the first character is that `is_it`, of those that no backslash stands before.
fn unescaped(text: &str, is_it: impl Fn(char) -> bool) -> Option<usize> {
    let mut is_hidden = false;
    text.char_indices().find_map(|(at, c)| {
        let is_free = !std::mem::take(&mut is_hidden);
        is_hidden = is_free && c == '\\';
        (is_free && is_it(c)).then_some(at)
    })
}

/// Whether behind each backslash stands what may: two hexadecimal digits, or a character that means something else.
fn is_escaped_rightly(value: &str) -> bool {
    let mut rest = value;
    while let Some((_, behind)) = rest.split_once('\\') {
        let is_special = behind.starts_with(|c: char| "\"+,;<>=\\ #".contains(c));
        let is_hex = behind.get(..2).is_some_and(|two| two.bytes().all(|octet| octet.is_ascii_hexdigit()));
        let taken = if is_special { 1 } else { 2 };
        match behind.get(taken..).filter(|_| is_special || is_hex) {
            Some(next) => rest = next,
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_dn_is_told_with_its_place() {
        let wrong = |at, length, why| Err(DnError { at, length, why });
        for (text, want) in [
            ("", Ok(0)), // the root
            ("dc=org", Ok(1)),
            ("ou=people, dc=example,dc=org", Ok(3)),
            ("cn=a+ou=b,dc=org", Ok(2)),
            ("2.5.4.3=a", Ok(1)),
            ("uid={user},dc=org", Ok(2)),
            (r"cn=Smith\2C Jim,dc=org", Ok(2)),
            (r"cn=Smith\, Jim,dc=org", Ok(2)),
            ("cn=Åsa,dc=org", Ok(2)),
            ("cn=,dc=org", Ok(2)), // an empty value is one
            ("example.org", wrong(0, 11, DnWrong::NoValue)),
            ("ou=people,example.org", wrong(10, 11, DnWrong::NoValue)),
            ("ou=people, dc=example, org", wrong(23, 3, DnWrong::NoValue)),
            ("dc=example,,dc=org", wrong(11, 1, DnWrong::Empty)),
            ("dc=example,", wrong(11, 1, DnWrong::Empty)),
            ("=a,dc=org", wrong(0, 2, DnWrong::NoAttribute)),
            ("o u=a", wrong(0, 5, DnWrong::NoAttribute)),
            ("{user}=a", wrong(0, 8, DnWrong::NoAttribute)),
            ("cn=a+b,dc=org", wrong(0, 6, DnWrong::NoValue)),
            (r"cn=a\,dc=org", Ok(1)), // the comma is part of the value
            (r"cn=a\x,dc=org", wrong(0, 6, DnWrong::NoEscape)),
            ("cn=<a>", wrong(0, 6, DnWrong::NoEscape)),
            (r"cn=a\", wrong(0, 5, DnWrong::NoEscape)),
        ] {
            assert_eq!(text.parse::<Dn>().map(|dn| dn.parts.len()), want, "{text}");
        }
    }

    #[test]
    fn one_dn_lies_within_another() {
        let dn = |text: &str| text.parse::<Dn>().unwrap();
        for (text, other, want) in [
            ("ou=people,dc=example,dc=org", "dc=example,dc=org", true),
            ("OU=people, DC=Example, dc=org", "dc=example,dc=org", true),
            ("dc=example,dc=org", "dc=example,dc=org", true),
            ("dc=org", "dc=example,dc=org", false),
            ("dc=myexample,dc=org", "example,dc=org".replace("example", "dc=example").as_str(), false),
            ("dc=exmaple,dc=org", "dc=example,dc=org", false),
            ("dc=org", "", true),
            ("ou=b+cn=a,dc=org", "cn=a+ou=b,dc=org", true),
        ] {
            assert_eq!(dn(text).is_within(&dn(other)), want, "{text} in {other}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[a=,;+\\\\{} \"é]{0,40}") {
            if let Err(DnError { at, length, .. }) = text.parse::<Dn>() {
                prop_assert!(at <= text.len() && length > 0);
            }
        }
    }
}
