//! xtext: how a parameter's value carries octets that may not stand in a command.

/// The xtext of `octets`. Source: RFC 3461 §4.
pub fn encode(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len());
    for &octet in octets {
        if octet.is_ascii_graphic() && octet != b'+' && octet != b'=' {
            text.push(char::from(octet));
        } else {
            text.push('+');
            text.extend([octet >> 4, octet & 15].map(hex_digit));
        }
    }
    text
}

/// The octets that `text` stands for, or nothing if it is no xtext.
///
/// A bare `=` is let through, for many write it; hexadecimal digits may be of either case. The octets can be
/// anything, NUL, CR and LF too. Source: RFC 3461 §4.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        match octet {
            b'+' => octets.push(hex_value(rest.next()?)? << 4 | hex_value(rest.next()?)?),
            b'!'..=b'~' => octets.push(octet),
            _ => return None,
        }
    }
    Some(octets)
}

fn hex_digit(nibble: u8) -> char {
    char::from_digit(u32::from(nibble), 16).unwrap_or('0').to_ascii_uppercase()
}

fn hex_value(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn xtext_follows_rfc3461_4() {
        for (text, want) in [
            ("", Some(&b""[..])),
            ("ann@a.example", Some(b"ann@a.example")),
            ("a+2Bb+3Dc", Some(b"a+b=c")),
            ("a+2bb", Some(b"a+b")),   // lower case, let through
            ("a=b", Some(b"a=b")),     // let through
            ("+0D+0A", Some(b"\r\n")), // the caller must look
            ("+", None),               // cut
            ("a+2", None),             // cut
            ("+GG", None),             // no digits
            ("++2B", None),            // no digits
            ("a b", None),             // space
            ("a\rb", None),            // control
            ("\u{fc}", None),          // beyond ASCII
        ] {
            assert_eq!(decode(text).as_deref(), want, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes_to_the_same(octets: Vec<u8>) {
            let text = encode(&octets);
            prop_assert!(text.bytes().all(|b| b.is_ascii_graphic() && b != b'='));
            prop_assert_eq!(decode(&text), Some(octets));
        }

        #[test]
        fn any_text_decodes_without_a_panic(text: String) {
            let _ = decode(&text);
        }
    }
}
