//! DNs and filters of a directory: read, with the caret at what is wrong in them.

use std::ops::Range;

use crate::config::error::Diagnostic;
use crate::config::keys::key::Key;
use crate::config::reader::{Given, Reader};
use crate::config::section::Value;
use crate::ldap::dn::Dn;
use crate::ldap::filter::Filter;
use crate::ldap::template::{Template, TemplateError, wrong_brace};

/// The filter that `given` is, or `None` if it is none.
///
/// *Changes*: the reader's problems.
pub(super) fn filter(reader: &mut Reader, key: &Key, given: &Given) -> Option<Value> {
    read_search(reader, key, given, "{key}", |why| why)
}

/// The same for maps, in which what is looked up is `{key}`.
///
/// *Changes*: the reader's problems.
pub(super) fn key_search(reader: &mut Reader, key: &Key, given: &Given) -> Option<Value> {
    read_search(reader, key, given, "{user}", |why| {
        why.replace("{user}", "{key}").replace("the user's name", "the key")
    })
}

/// The filter that `given` is, in which `strange` is no place for anything; `words` puts what is wrong with it in words.
fn read_search(
    reader: &mut Reader,
    key: &Key,
    given: &Given,
    strange: &str,
    words: impl Fn(String) -> String,
) -> Option<Value> {
    let text = text(reader, key, given)?;
    let (place, why) = match (text.find(strange), text.parse::<Filter>()) {
        (Some(at), _) => (at..at + strange.len(), TemplateError::Unknown.to_string()),
        (None, Ok(filter)) => return Some(Value::Filter(filter)),
        (None, Err(error)) => (error.at..error.at + error.length, error.to_string()),
    };
    wrong(reader, key, given, (text, place), &words(why));
    None
}

/// The DN with places for the name that `given` is, or `None` if it is none. A name as Active Directory takes it in a bind will do.
///
/// *Changes*: the reader's problems.
pub(super) fn user_dn(reader: &mut Reader, key: &Key, given: &Given) -> Option<Value> {
    let text = text(reader, key, given)?;
    if let Some(at) = text.find("{key}") {
        wrong(reader, key, given, (text, at..at + 5), &TemplateError::Unknown.to_string());
        return None;
    }
    match text.parse::<Template>() {
        Ok(template) => is_dn(reader, key, given, text, true).then_some(Value::UserDn(template)),
        Err(error) => {
            let place = wrong_brace(text).map_or(0..text.len(), |(at, length)| at..at + length);
            wrong(reader, key, given, (text, place), &error.to_string());
            None
        }
    }
}

/// The DN that `given` is, or `None` if it is none; with `or_name`, a name as Active Directory takes it in a bind will do.
///
/// *Changes*: the reader's problems.
pub(super) fn dn(reader: &mut Reader, key: &Key, given: &Given, or_name: bool) -> Option<Value> {
    let text = text(reader, key, given).filter(|text| !text.is_empty());
    let Some(text) = text else {
        if given.toml.get_ref().as_str() == Some("") {
            reader.wrong(given, "can't be empty", key.kind.possible());
        }
        return None;
    };
    is_dn(reader, key, given, text, or_name).then(|| Value::Text(text.to_owned()))
}

fn text<'a>(reader: &mut Reader, key: &Key, given: &'a Given) -> Option<&'a str> {
    let text = given.toml.get_ref().as_str();
    let text = text.filter(|text| text.len() <= LONGEST && !text.contains(char::is_control));
    if text.is_none() {
        reader.wrong(given, "must be text", key.kind.possible());
    }
    text
}

fn is_dn(reader: &mut Reader, key: &Key, given: &Given, text: &str, or_name: bool) -> bool {
    // "ann@ad.example.org" and "AD\ann"; "{user}" where it is typed so.
    let is_name = !text.contains('=') && (text.contains(['@', '\\']) || text == "{user}");
    if or_name && is_name {
        return true;
    }
    let Err(error) = text.parse::<Dn>() else { return true };
    wrong(reader, key, given, (text, error.at..error.at + error.length), &error.to_string());
    if is_domain(text) {
        let parts: Vec<String> = text.split('.').map(|label| format!("dc={label}")).collect();
        reader.amend(|problem| problem.help(format!("did you mean `{}`?", parts.join(","))));
    }
    false
}

fn is_domain(text: &str) -> bool {
    text.contains('.') && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'))
}

/// Tells why `text` can't be used, with the caret at `place` in it.
fn wrong(reader: &mut Reader, key: &Key, given: &Given, (text, place): (&str, Range<usize>), why: &str) {
    let whole = reader.span(given.toml.span());
    let message = format!("`{}` can't be used: {why}", given.path);
    // Where TOML's escapes stand in between, nothing but the whole value can be pointed at.
    let written = reader.sources.slice(&whole).and_then(|written| written.find(text));
    let problem = match written {
        Some(before) => {
            let start = whole.range.start + before + place.start;
            let span = reader.span(start..start + place.len());
            Diagnostic::error(given.path, message, Some(span)).found(match place.len() {
                0 => "here",
                _ => "this",
            })
        }
        None => {
            let shown = text.get(place.clone()).filter(|shown| !shown.is_empty());
            let found = match shown {
                Some(shown) => format!("`{shown}`"),
                None => format!("behind `{}`", text.get(..place.start).unwrap_or(text)),
            };
            Diagnostic::error(given.path, message, Some(whole)).found(found)
        }
    };
    reader.problems.push(problem.possible(key.kind.possible()));
}

/// Octets of a text that is taken apart.
const LONGEST: usize = 2000;
