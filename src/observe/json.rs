//! Values of the log as JSON: ASCII but for what can be shown, so that a terminal is as safe as a parser.

use crate::observe::text::{has_no_escapes, is_shown};

/// Appends `,"name":"value"`.
pub(super) fn append(to: &mut Vec<u8>, name: &str, value: &str) {
    append_name(to, name);
    append_value(to, value);
}

/// Appends `,"name":`; a number or a bool that JSON knows may follow as it is.
pub(super) fn append_name(to: &mut Vec<u8>, name: &str) {
    to.push(b',');
    append_value(to, name);
    to.push(b':');
}

/// Appends a JSON string. Source: RFC 8259 §7.
pub(super) fn append_value(to: &mut Vec<u8>, value: &str) {
    to.push(b'"');
    if has_no_escapes(value) {
        to.extend_from_slice(value.as_bytes());
        to.push(b'"');
        return;
    }
    for c in value.chars() {
        match c {
            '"' => to.extend_from_slice(b"\\\""),
            '\\' => to.extend_from_slice(b"\\\\"),
            '\n' => to.extend_from_slice(b"\\n"),
            '\r' => to.extend_from_slice(b"\\r"),
            '\t' => to.extend_from_slice(b"\\t"),
            ' '..='~' => to.extend(u8::try_from(c)),
            c if is_shown(c) => to.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            c => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    to.extend_from_slice(format!("\\u{unit:04x}").as_bytes());
                }
            }
        }
    }
    to.push(b'"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_parser_gives_the_value_back(value in any::<String>()) {
            let mut line = Vec::new();
            append_value(&mut line, &value);
            prop_assert_eq!(serde_json::from_slice::<String>(&line).unwrap(), value);
            prop_assert!(!String::from_utf8(line).unwrap().chars().any(char::is_control));
        }
    }
}
