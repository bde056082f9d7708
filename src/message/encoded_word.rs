//! The text of a header field as people read it, and the other way round: encoded words decoded, and written.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mail_parser::HeaderValue;
use mail_parser::parsers::MessageStream;

use crate::message::header::unfold;

/// The text of a field's raw value: folds removed, encoded words decoded, other octets as UTF-8 where they are.
///
/// Source: RFC 5322 §2.2.3, RFC 2047.
pub fn decode(raw_value: &[u8]) -> Cow<'_, str> {
    let raw_value = raw_value.trim_ascii();
    let has_word = memchr::memmem::find(raw_value, b"=?").is_some();
    if !has_word && memchr::memchr2(b'\r', b'\n', raw_value).is_none() {
        return String::from_utf8_lossy(raw_value);
    }
    let line = unfold(raw_value);
    if !has_word {
        return String::from_utf8_lossy(&line).into_owned().into();
    }
    let mut ended = line;
    ended.extend_from_slice(b"\r\n");
    match MessageStream::new(&ended).parse_unstructured() {
        HeaderValue::Text(text) => text.into_owned().into(),
        _ => String::from_utf8_lossy(ended.trim_ascii()).into_owned().into(),
    }
}

/// `value` of the field `name` in ASCII: words that are not are written as encoded words, the others stay.
///
/// In fields of addresses a quoted string that is not ASCII is encoded without its quotes, as a name is.
/// Source: RFC 2047 §2, §5; white space between two encoded words is none, so that neighbours are encoded together.
pub fn encode(name: &str, value: &str) -> String {
    let room = LONGEST_WORD.saturating_sub(name.len() + 2).max(ROOM_IN_ANY_CASE);
    let is_of_addresses = ADDRESSES.iter().any(|known| known.eq_ignore_ascii_case(name));
    let mut encoded: Vec<String> = Vec::new();
    let mut foreign: Option<String> = None;
    for word in words(value, is_of_addresses) {
        match (&mut foreign, word.is_ascii()) {
            (Some(run), false) => {
                run.push(' ');
                run.push_str(&word);
            }
            (None, false) => foreign = Some(word),
            (_, true) => {
                encoded.extend(foreign.take().iter().flat_map(|run| encoded_words(run, room)));
                encoded.push(word);
            }
        }
    }
    encoded.extend(foreign.iter().flat_map(|run| encoded_words(run, room)));
    encoded.join(" ")
}

/// Octets of an encoded word. Source: RFC 2047 §2.
const LONGEST_WORD: usize = 75;
/// Octets of one behind the longest of names.
const ROOM_IN_ANY_CASE: usize = 40;
/// Octets of an encoded word around what is encoded.
const FRAME: usize = "=?utf-8?Q??=".len();

/// Fields that hold addresses. Source: RFC 5322 §3.6.2, §3.6.3, §3.6.6; RFC 8098 §2.1.
const ADDRESSES: &[&str] = &[
    "From",
    "Sender",
    "Reply-To",
    "To",
    "Cc",
    "Bcc",
    "Resent-From",
    "Resent-Sender",
    "Resent-Reply-To",
    "Resent-To",
    "Resent-Cc",
    "Resent-Bcc",
    "Disposition-Notification-To",
];

/// The words of `value`; of addresses, a quoted string that is not ASCII is one word, without its quotes.
fn words(value: &str, is_of_addresses: bool) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut rest = value;
    while let Some(first) = rest.chars().next() {
        let after = rest.get(first.len_utf8()..).unwrap_or_default();
        let quoted = if is_of_addresses && first == '"' { quoted_string(after) } else { None };
        rest = match (quoted, first) {
            (Some((text, behind)), _) if !text.is_ascii() => {
                words.extend([text, String::new()]);
                behind
            }
            (_, ' ') => {
                words.push(String::new());
                after
            }
            _ => {
                words.last_mut().into_iter().for_each(|word| word.push(first));
                after
            }
        };
    }
    words.retain(|word| !word.is_empty());
    words
}

/// What a quoted string says whose opening quote stands before `text`, and what is behind it; none if it has no end.
fn quoted_string(text: &str) -> Option<(String, &str)> {
    let mut said = String::new();
    let mut chars = text.char_indices();
    loop {
        match chars.next()? {
            (at, '"') => return text.get(at + 1..).map(|behind| (said, behind)),
            (_, '\\') => said.push(chars.next()?.1),
            (_, c) => said.push(c),
        }
    }
}

/// `text` in encoded words of at most `room` octets, none of which cuts a character.
fn encoded_words(text: &str, room: usize) -> Vec<String> {
    // Q can be read by people, too, but where most of it would be escapes.
    let is_quoted = text.chars().map(quoted_length).sum::<usize>() <= text.len().div_ceil(3) * 6;
    let payload = room.saturating_sub(FRAME);
    let (most, length): (usize, fn(char) -> usize) =
        if is_quoted { (payload, quoted_length) } else { (payload / 4 * 3, char::len_utf8) };
    let mut pieces = vec![String::new()];
    let mut used = 0;
    for c in text.chars() {
        used += length(c);
        if used > most {
            pieces.push(String::new());
            used = length(c);
        }
        pieces.last_mut().into_iter().for_each(|piece| piece.push(c));
    }
    let written = |piece: &String| match is_quoted {
        true => format!("=?utf-8?Q?{}?=", quoted(piece)),
        false => format!("=?utf-8?B?{}?=", STANDARD.encode(piece)),
    };
    pieces.iter().map(written).collect()
}

/// Whether `c` stands for itself in any place where an encoded word may stand. Source: RFC 2047 §5 (3).
fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '!' | '*' | '+' | '-' | '/')
}

fn quoted_length(c: char) -> usize {
    if is_plain(c) || c == ' ' { 1 } else { c.len_utf8() * 3 }
}

fn quoted(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            ' ' => out.push('_'),
            c if is_plain(c) => out.push(c),
            c => {
                let mut octets = [0; 4];
                out.extend(c.encode_utf8(&mut octets).bytes().map(|octet| format!("={octet:02X}")));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests;
