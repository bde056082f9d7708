//! Netstrings: octets with their count before them. Bounded before anything is kept.
//!
//! Source: <https://cr.yp.to/proto/netstrings.txt>.

/// Octets that are no netstring, or too long a one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetstringError {
    /// They are none.
    #[error("it is no netstring")]
    Malformed,
    /// It is longer than we take.
    #[error("it is longer than {0} octets")]
    TooLong(usize),
}

/// `parts`, one after the other, as one netstring.
pub fn encode(parts: &[&str]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut octets = format!("{length}:").into_bytes();
    parts.iter().for_each(|part| octets.extend_from_slice(part.as_bytes()));
    octets.push(b',');
    octets
}

/// What is in the netstring that `octets` begin with, and how many of them it takes; nothing if it has not come whole yet.
///
/// *Errors*: it is none, or has more than `most` octets.
pub fn decode(octets: &[u8], most: usize) -> Result<Option<(&[u8], usize)>, NetstringError> {
    let Some(colon) = octets.iter().take(DIGITS + 1).position(|octet| *octet == b':') else {
        let is_begun = octets.len() <= DIGITS && octets.iter().all(u8::is_ascii_digit);
        return if is_begun { Ok(None) } else { Err(NetstringError::Malformed) };
    };
    let digits = octets.get(..colon).unwrap_or_default();
    let is_number = match digits {
        [] => false,
        [b'0'] => true,
        digits => digits.first() != Some(&b'0') && digits.iter().all(u8::is_ascii_digit),
    };
    if !is_number {
        return Err(NetstringError::Malformed);
    }
    let length = digits.iter().fold(0, |length, digit| length * 10 + usize::from(digit - b'0'));
    if length > most {
        return Err(NetstringError::TooLong(most));
    }
    let (start, end) = (colon + 1, colon + 1 + length);
    match (octets.get(start..end), octets.get(end)) {
        (Some(inside), Some(b',')) => Ok(Some((inside, end + 1))),
        (Some(_), Some(_)) => Err(NetstringError::Malformed),
        _ => Ok(None),
    }
}

/// Digits of a count.
const DIGITS: usize = 9;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_netstring_is_told_from_what_is_not_yet_one() {
        for (octets, want) in [
            (&b""[..], Ok(None)),
            (b"1", Ok(None)),
            (b"12:hello", Ok(None)),
            (b"5:hello", Ok(None)), // the comma is missing yet
            (b"5:hello,", Ok(Some((&b"hello"[..], 8)))),
            (b"0:,", Ok(Some((&b""[..], 3)))),
            (b"3:a,b,2:", Ok(Some((&b"a,b"[..], 6)))),
            (b"5:hello;", Err(NetstringError::Malformed)),
            (b":,", Err(NetstringError::Malformed)),
            (b"05:hello,", Err(NetstringError::Malformed)),
            (b"-1:,", Err(NetstringError::Malformed)),
            (b"+5:hello,", Err(NetstringError::Malformed)),
            (b"5 :hello,", Err(NetstringError::Malformed)),
            (b"OK hello\n", Err(NetstringError::Malformed)),
            (b"21:", Err(NetstringError::TooLong(20))),
            (b"999999999:", Err(NetstringError::TooLong(20))),
            (b"9999999999", Err(NetstringError::Malformed)), // nobody waits for the colon
            (b"9999999999:", Err(NetstringError::Malformed)),
        ] {
            assert_eq!(decode(octets, 20), want, "{:?}", String::from_utf8_lossy(octets));
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(one in ".{0,50}", two in ".{0,50}") {
            let written = encode(&[&one, &two]);
            let both = format!("{one}{two}");
            prop_assert_eq!(decode(&written, 1000), Ok(Some((both.as_bytes(), written.len()))));
            for cut in 0..written.len() {
                prop_assert_eq!(decode(written.get(..cut).unwrap(), 1000), Ok(None));
            }
        }

        #[test]
        fn nothing_panics(octets in proptest::collection::vec(any::<u8>(), 0..50)) {
            let _ = decode(&octets, 20);
        }
    }
}
