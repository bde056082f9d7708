//! Values of the log as text: readable, and never more than one field of one line, whatever a client sent.

/// Appends ` name=value`.
pub(super) fn append(to: &mut Vec<u8>, name: &str, value: &str) {
    append_name(to, name);
    append_value(to, value);
}

/// Appends ` name=`; a number may follow as it is.
pub(super) fn append_name(to: &mut Vec<u8>, name: &str) {
    to.push(b' ');
    to.extend_from_slice(name.as_bytes());
    to.push(b'=');
}

/// Appends `value`, in quotes unless it is a plain word.
pub(super) fn append_value(to: &mut Vec<u8>, value: &str) {
    if is_word(value) {
        to.extend_from_slice(value.as_bytes());
    } else {
        quote(to, value);
    }
}

/// Appends a message: words and spaces as they are, anything that could pass for a field in quotes.
pub(super) fn append_message(to: &mut Vec<u8>, message: &str) {
    if !message.is_empty() && message.split(' ').all(|word| word.is_empty() || is_word(word)) {
        to.extend_from_slice(message.as_bytes());
    } else {
        quote(to, message);
    }
}

/// Whether `text` can stand without quotes.
fn is_word(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\' | b'=');
    let is_legible = |c: char| if c.is_ascii() { u8::try_from(c).is_ok_and(is_plain) } else { is_shown(c) };
    !text.is_empty() && (text.bytes().all(is_plain) || text.chars().all(is_legible))
}

/// Whether a character outside ASCII is printable and stands for itself: no control, no change of direction, no
/// space of another width, no mark that joins the letter before.
fn is_shown(c: char) -> bool {
    !c.is_ascii() && c.escape_debug().len() == 1
}

/// Whether `text` stands in quotes as it is: true of nearly all, so it is worth a look.
fn has_no_escapes(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\'))
}

fn quote(to: &mut Vec<u8>, text: &str) {
    append_quoted(to, text, |to, c| to.extend_from_slice(c.escape_unicode().to_string().as_bytes()));
}

/// Appends `text` in quotes; `escape` writes a character that must not be seen as it is.
pub(super) fn append_quoted(to: &mut Vec<u8>, text: &str, escape: impl Fn(&mut Vec<u8>, char)) {
    to.push(b'"');
    if has_no_escapes(text) {
        to.extend_from_slice(text.as_bytes());
        to.push(b'"');
        return;
    }
    for c in text.chars() {
        match c {
            '"' => to.extend_from_slice(b"\\\""),
            '\\' => to.extend_from_slice(b"\\\\"),
            '\n' => to.extend_from_slice(b"\\n"),
            '\r' => to.extend_from_slice(b"\\r"),
            '\t' => to.extend_from_slice(b"\\t"),
            ' '..='~' => to.extend(u8::try_from(c)),
            c if is_shown(c) => to.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            c => escape(to, c),
        }
    }
    to.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted_where_they_could_be_misread() {
        for (value, want) in [
            ("mail.example.net", "mail.example.net"),
            ("<ann@a.example>", "<ann@a.example>"),
            ("<jörg@ü.example>", "<jörg@ü.example>"), // SMTPUTF8, legible
            ("", "\"\""),
            ("250 2.0.0 queued as 4XyZ", "\"250 2.0.0 queued as 4XyZ\""),
            ("a=b", "\"a=b\""), // not the name of another field
            ("say \"hi\" \\o/", "\"say \\\"hi\\\" \\\\o/\""),
            ("a\r\n2026 INFO forged", "\"a\\r\\n2026 INFO forged\""),
            ("\x1b[2Jcls", "\"\\u{1b}[2Jcls\""), // a terminal's order
            ("a\u{202e}b", "\"a\\u{202e}b\""),   // right-to-left override
            ("a\u{2028}b\u{85}c", "\"a\\u{2028}b\\u{85}c\""), // line ends of Unicode
            ("a\u{200b}b\u{a0}c", "\"a\\u{200b}b\\u{a0}c\""), // spaces that hide
            ("\u{301}a", "\"\\u{301}a\""),       // would join the quote
            ("\0", "\"\\u{0}\""),
        ] {
            let mut line = Vec::new();
            append_value(&mut line, value);
            assert_eq!(String::from_utf8(line).unwrap(), want, "value {value:?}");
        }
    }

    #[test]
    fn a_message_cannot_pass_for_fields() {
        for (message, want) in [
            ("transaction ended", "transaction ended"),
            ("look-ups are unavailable: no server answers", "look-ups are unavailable: no server answers"),
            ("x session=1", "\"x session=1\""),
            ("two\nlines", "\"two\\nlines\""),
            ("", "\"\""),
        ] {
            let mut line = Vec::new();
            append_message(&mut line, message);
            assert_eq!(String::from_utf8(line).unwrap(), want);
        }
    }
}
