//! Values of the log as JSON: ASCII but for what can be shown, so that a terminal is as safe as a parser.

use crate::observe::text::append_quoted;

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
    append_quoted(to, value, |to, c| {
        for unit in c.encode_utf16(&mut [0; 2]) {
            to.extend_from_slice(format!("\\u{unit:04x}").as_bytes());
        }
    });
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
