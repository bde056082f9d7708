//! `log`: what scripts have to say to the postmaster, with their policy, hook and session beside it.
//!
//! What the client sent may be in it, so that no value can end a line or pass for another field.

use std::fmt::Write;
use std::rc::Rc;

use mlua::{Lua, LuaString, Table, Value};

use crate::lua::api::Parts;
use crate::lua::api::module::{Module, When};
use crate::lua::charge::Rate;
use crate::lua::guard::Guard;

/// Octets of a text, and of one field's value.
const TEXT: usize = 2048;
/// What writing a line takes besides, in octets.
const LINE: usize = 1024;
/// Fields of one line.
const FIELDS: usize = 32;

/// How severe a line is.
#[derive(Clone, Copy)]
enum Severity {
    Debug,
    Info,
    Warn,
    Error,
}

/// Opens the module `log`.
pub(super) fn open(lua: &Lua, guard: &Rc<Guard>, _: &Parts) -> mlua::Result<Table> {
    let log = Module::new(lua, guard, "log")?;
    for (name, severity) in [
        ("debug", Severity::Debug),
        ("info", Severity::Info),
        ("warn", Severity::Warn),
        ("error", Severity::Error),
    ] {
        let guard = Rc::clone(guard);
        log.function(name, When::Always, move |_, arguments| {
            let text = escaped(&arguments.octets(1, "a text")?);
            let fields = fields(arguments.named(2, "the fields")?)?;
            arguments.charge(LINE + text.len() + fields.len(), Rate::READ)?;
            write(&guard, severity, &text, &fields);
            Ok(())
        })?;
    }
    Ok(log.finish())
}

/// Writes a line on behalf of the call that runs.
fn write(guard: &Guard, severity: Severity, text: &str, fields: &str) {
    let Some(call) = guard.call() else { return };
    let policy = &*call.policy;
    let hook = call.stage.map(|stage| stage.as_str());
    let id = call.session.as_ref().map(|view| view.session.borrow().identity().id);
    let session = id.as_ref().map(|id| id.as_str());
    let fields = (!fields.is_empty()).then(|| tracing::field::display(fields));
    match severity {
        Severity::Debug => tracing::debug!(policy, hook, session, fields, "{text}"),
        Severity::Info => tracing::info!(policy, hook, session, fields, "{text}"),
        Severity::Warn => tracing::warn!(policy, hook, session, fields, "{text}"),
        Severity::Error => tracing::error!(policy, hook, session, fields, "{text}"),
    }
}

/// `key=value` by key, a value in quotes where it isn't one plain word.
fn fields(mut entries: Vec<(String, Value)>) -> Result<String, String> {
    if entries.len() > FIELDS {
        return Err(format!("more than {FIELDS} fields"));
    }
    entries.sort_by(|(a, _), (b, _)| a.cmp(b));
    let mut line = String::new();
    for (key, value) in entries {
        let is_word = |key: &str| {
            !key.is_empty() && key.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'_')
        };
        if !is_word(&key) || key.len() > 64 {
            return Err("a field's name is a word of letters, digits and _".to_owned());
        }
        let value = match &value {
            Value::String(text) => quoted(text),
            Value::Integer(whole) => whole.to_string(),
            Value::Number(number) => number.to_string(),
            Value::Boolean(truth) => truth.to_string(),
            other => return Err(format!("the field {key} is a {}, which has no text", other.type_name())),
        };
        let space = if line.is_empty() { "" } else { " " };
        let _ = write!(line, "{space}{key}={value}"); // to a String, which never fails
    }
    Ok(line)
}

/// `text` as it is if it is a plain word, else in quotes.
fn quoted(text: &LuaString) -> String {
    let text = escaped(&text.as_bytes());
    let is_plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '=' | '\\');
    match !text.is_empty() && text.chars().all(is_plain) {
        true => text,
        false => format!("\"{}\"", text.replace('"', "\\\"")),
    }
}

/// `octets` as text of one line: controls, and what is no UTF-8, as escapes; what is too long is cut.
fn escaped(octets: &[u8]) -> String {
    let (cut, end) = match octets.get(..TEXT) {
        Some(cut) if octets.len() > TEXT => (cut, "…"),
        _ => (octets, ""),
    };
    let mut text = String::with_capacity(cut.len());
    for chunk in cut.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\\' => text.push_str("\\\\"),
                // Of Unicode's marks, those that turn the direction of a line make it read as another.
                c if c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}') => {
                    text.extend(c.escape_unicode());
                }
                c => text.push(c),
            }
        }
        for octet in chunk.invalid() {
            let _ = write!(text, "\\x{octet:02x}"); // to a String, which never fails
        }
    }
    text + end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_ends_its_line() {
        for (octets, want) in [
            (&b"plain text"[..], "plain text"),
            (b"a\r\nlevel=error", "a\\u{d}\\u{a}level=error"),
            (b"\x1b[31m", "\\u{1b}[31m"),
            (b"\xff\xfe", "\\xff\\xfe"),
            ("b\u{fc}ro".as_bytes(), "b\u{fc}ro"),
            ("\u{202e}txt".as_bytes(), "\\u{202e}txt"), // reads backwards
            (b"a\\u{a}", "a\\\\u{a}"),                  // no escape of ours
        ] {
            assert_eq!(escaped(octets), want, "{octets:?}");
        }
        assert_eq!(escaped(&[b'x'; 5000]).chars().count(), TEXT + 1);
    }

    #[test]
    fn no_value_passes_for_another_field() {
        let lua = Lua::new();
        for (value, want) in [
            ("word", "word"),
            ("two words", "\"two words\""),
            ("x policy=other", "\"x policy=other\""),
            ("x=1", "\"x=1\""),
            ("say \"hi\"", "\"say \\\"hi\\\"\""),
            ("", "\"\""),
        ] {
            assert_eq!(quoted(&lua.create_string(value).unwrap()), want, "{value}");
        }
    }
}
