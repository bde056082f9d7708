//! Octets as chats write them: text with escapes, both ways.

/// The octets that `text` stands for: `\r \n \0 \t \s \\ \xHH`, and `\{TEXT*N}` for TEXT N times.
pub fn octets(text: &str) -> Result<Vec<u8>, String> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, escape)) = rest.split_once('\\') {
        octets.extend_from_slice(plain.as_bytes());
        let mut chars = escape.chars();
        let kind = chars.next().ok_or("a backslash at the end")?;
        rest = chars.as_str();
        match kind {
            'r' => octets.push(b'\r'),
            'n' => octets.push(b'\n'),
            '0' => octets.push(0),
            't' => octets.push(b'\t'),
            's' => octets.push(b' '),
            '\\' => octets.push(b'\\'),
            'x' => {
                let digits = rest.get(..2).ok_or("\\x needs two digits")?;
                octets.push(u8::from_str_radix(digits, 16).map_err(|_| format!("\\x{digits}"))?);
                rest = &rest[2..];
            }
            '{' => {
                let (inner, behind) = rest.split_once('}').ok_or("\\{ without }")?;
                let (repeated, times) = inner.rsplit_once('*').ok_or("\\{TEXT*N} without *")?;
                let times: usize = times.parse().map_err(|_| format!("{times} is no number"))?;
                octets.extend(self::octets(repeated)?.repeat(times));
                rest = behind;
            }
            other => return Err(format!("\\{other} is no escape")),
        }
    }
    octets.extend_from_slice(rest.as_bytes());
    Ok(octets)
}

/// `octets` as a chat would write them, each that is not printable ASCII escaped.
pub fn shown(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len());
    for octet in octets {
        match octet {
            b'\r' => text.push_str("\\r"),
            b'\n' => text.push_str("\\n"),
            b'\\' => text.push_str("\\\\"),
            0 => text.push_str("\\0"),
            b' '..=b'~' => text.push(char::from(*octet)),
            other => text.push_str(&format!("\\x{other:02x}")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_stand_for_octets() {
        for (text, want) in [
            ("a\\r\\n", b"a\r\n".as_slice()),
            ("\\0\\x80\\\\\\s\\t", b"\0\x80\\ \t"),
            ("<\\{ab*3}>", b"<ababab>"),
            ("\\{\\x00*2}", b"\0\0"),
            ("\u{e4}", b"\xc3\xa4"),
        ] {
            assert_eq!(octets(text).unwrap(), want, "{text}");
        }
        for text in ["\\", "\\q", "\\x8", "\\{a*b}", "\\{a"] {
            assert!(octets(text).is_err(), "{text}");
        }
        assert_eq!(shown(b"a\r\n\0\x80\\"), "a\\r\\n\\0\\x80\\\\");
    }
}
