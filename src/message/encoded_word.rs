//! The text of a header field as people read it: unfolded, its encoded words decoded.

use std::borrow::Cow;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_what_people_read() {
        for (raw, want, why) in [
            (&b" plain text\r\n"[..], "plain text", "nothing to decode"),
            (b" a\r\n b\r\n", "a b", "folded"),
            (b" =?utf-8?q?gr=C3=BC=C3=9Fe?= x\r\n", "gr\u{fc}\u{df}e x", "quoted-printable"),
            (
                b" =?utf-8?B?w7xi?=\r\n =?utf-8?B?ZXI=?=\r\n",
                "\u{fc}ber",
                "white space between encoded words is none",
            ),
            (b" =?iso-8859-1?q?caf=E9?=\r\n", "caf\u{e9}", "another character set"),
            (b" =?broken\r\n", "=?broken", "not an encoded word"),
            ("gr\u{fc}n\r\n".as_bytes(), "gr\u{fc}n", "UTF-8 as it is (RFC 6532)"),
            (b"\r\n", "", "empty"),
        ] {
            assert_eq!(decode(raw), want, "{why}");
        }
    }
}
