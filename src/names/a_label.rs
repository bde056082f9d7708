//! Writes a domain name in the one form in which names are compared (A-labels), and back in the form people read.
//!
//! Stricter than UTS-46 alone: a name that another program could read as a different name is refused.

use std::borrow::Cow;

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

/// Why a name can't be compared with others.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ALabelError {
    /// The name is empty, or a label of it is: `a..b`, `.a`, `a.`.
    #[error("a label is empty")]
    EmptyLabel,
    /// A label is longer than 63 octets, or the name than 253, as A-labels.
    #[error("the name or a label of it is too long")]
    TooLong,
    /// U+3002, U+FF0E or U+FF61: a dot to some programs, a letter to others.
    #[error("a character that some programs take for a dot")]
    ForeignDot,
    /// A character that no domain name may hold, or an A-label that encodes nothing valid.
    #[error("a character that a domain name can't hold")]
    Invalid,
    /// Writing the name as A-labels and back gives another name.
    #[error("the name isn't the same once written as A-labels and back")]
    NoRoundTrip,
}

/// Gives `domain` in lower case as A-labels, borrowed if it already is plain lower-case ASCII.
///
/// The underscore is let through, as service names need it; literals in brackets are not names and are `Invalid`.
///
/// Errors: see [`ALabelError`]; a dot at the end is `EmptyLabel`.
/// Source: UTS-46, non-transitional; RFC 5891 §4, §5.
pub fn to_ascii(domain: &str) -> Result<Cow<'_, str>, ALabelError> {
    if domain.contains(FOREIGN_DOTS) {
        return Err(ALabelError::ForeignDot);
    }
    check_labels(domain)?;
    if domain.is_ascii() && !domain.split('.').any(is_a_label) {
        return plain_ascii(domain);
    }
    let ascii = process(domain)?;
    if is_round_trip(domain, &ascii) { Ok(Cow::Owned(ascii)) } else { Err(ALabelError::NoRoundTrip) }
}

/// Gives `domain` in lower case with its A-labels written out in their own script.
///
/// Errors: as [`to_ascii`].
pub fn to_unicode(domain: &str) -> Result<Cow<'_, str>, ALabelError> {
    let ascii = to_ascii(domain)?;
    if !ascii.split('.').any(is_a_label) {
        return Ok(ascii);
    }
    Ok(Cow::Owned(decode(&ascii)?))
}

/// Whether `label` claims to be an A-label, valid or not.
fn is_a_label(label: &str) -> bool {
    label.as_bytes().get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"xn--"))
}

fn check_labels(domain: &str) -> Result<(), ALabelError> {
    // A U-label is never longer in characters than its A-label in octets, so that this also bounds what UTS-46 gets.
    if domain.len() > 4 * MAX_NAME {
        return Err(ALabelError::TooLong);
    }
    if domain.split('.').any(str::is_empty) {
        return Err(ALabelError::EmptyLabel);
    }
    Ok(())
}

fn plain_ascii(domain: &str) -> Result<Cow<'_, str>, ALabelError> {
    if !domain.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'.')) {
        return Err(ALabelError::Invalid);
    }
    if domain.len() > MAX_NAME || domain.split('.').any(|label| label.len() > MAX_LABEL) {
        return Err(ALabelError::TooLong);
    }
    if domain.bytes().any(|octet| octet.is_ascii_uppercase()) {
        return Ok(Cow::Owned(domain.to_ascii_lowercase()));
    }
    Ok(Cow::Borrowed(domain))
}

fn process(domain: &str) -> Result<String, ALabelError> {
    let ascii = Uts46::new()
        .to_ascii(domain.as_bytes(), DENIED, Hyphens::CheckFirstLast, DnsLength::Ignore)
        .map_err(|_| ALabelError::Invalid)?;
    // Checked apart from UTS-46 so that the error can say which it was.
    if ascii.split('.').any(str::is_empty) {
        return Err(ALabelError::EmptyLabel);
    }
    if ascii.len() > MAX_NAME || ascii.split('.').any(|label| label.len() > MAX_LABEL) {
        return Err(ALabelError::TooLong);
    }
    Ok(ascii.into_owned())
}

fn decode(ascii: &str) -> Result<String, ALabelError> {
    let (unicode, result) = Uts46::new().to_unicode(ascii.as_bytes(), DENIED, Hyphens::CheckFirstLast);
    result.map_err(|_| ALabelError::Invalid)?;
    Ok(unicode.into_owned())
}

/// Whether each label of `domain` is, but for its case, what it becomes: a mapped one (full width, ligature, decomposed)
/// would be judged here as one name and may be delivered elsewhere as another.
fn is_round_trip(domain: &str, ascii: &str) -> bool {
    let Ok(unicode) = decode(ascii) else { return false };
    let mut written = unicode.split('.').zip(ascii.split('.'));
    let all_same = domain.split('.').all(|label| {
        written.next().is_some_and(|(unicode, ascii)| {
            if is_a_label(label) {
                label.eq_ignore_ascii_case(ascii)
            } else {
                label.chars().flat_map(char::to_lowercase).eq(unicode.chars())
            }
        })
    });
    all_same && written.next().is_none()
}

/// Octets of a label and of a name, without the dot at the end (RFC 1035 §2.3.4).
const MAX_LABEL: usize = 63;
const MAX_NAME: usize = 253;

const FOREIGN_DOTS: [char; 3] = ['\u{3002}', '\u{ff0e}', '\u{ff61}'];

/// All of ASCII but letters, digits, hyphen, underscore and dot.
const DENIED: AsciiDenyList = AsciiDenyList::new(true, "!\"#$%&'()*+,/:;<=>?@[\\]^`{|}~");

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_become_lower_case_a_labels() {
        for (input, want) in [
            ("example.org", Ok("example.org")),
            ("EXAMPLE.Org", Ok("example.org")),
            ("bücher.example", Ok("xn--bcher-kva.example")),
            ("BÜCHER.example", Ok("xn--bcher-kva.example")), // case is no difference
            ("xn--bcher-kva.example", Ok("xn--bcher-kva.example")),
            ("XN--BCHER-KVA.example", Ok("xn--bcher-kva.example")),
            ("straße.example", Ok("xn--strae-oqa.example")), // non-transitional: not "strasse"
            ("_dmarc.example.org", Ok("_dmarc.example.org")), // service names
            ("_dmarc.bücher.example", Ok("_dmarc.xn--bcher-kva.example")),
            ("r3---sn.example", Ok("r3---sn.example")), // "--" elsewhere is in use
            ("a\u{3002}example", Err(ALabelError::ForeignDot)),
            ("a\u{ff0e}example", Err(ALabelError::ForeignDot)),
            ("a\u{ff61}example", Err(ALabelError::ForeignDot)),
            ("ｅxample.org", Err(ALabelError::NoRoundTrip)), // full width: judged as one name, read as another
            ("bu\u{308}cher.example", Err(ALabelError::NoRoundTrip)), // decomposed (RFC 5891 §4.1 asks for NFC)
            ("exam\u{ad}ple.org", Err(ALabelError::NoRoundTrip)),     // soft hyphen vanishes
            ("a\u{2024}b.example", Err(ALabelError::Invalid)),        // one dot leader maps to a dot
            ("xn--example-.org", Err(ALabelError::Invalid)),          // encodes plain ASCII
            ("xn--\u{fc}.org", Err(ALabelError::Invalid)),
            ("xn--zzzzzzzzzz999999.org", Err(ALabelError::Invalid)),
            ("", Err(ALabelError::EmptyLabel)),
            (".", Err(ALabelError::EmptyLabel)),
            ("example.org.", Err(ALabelError::EmptyLabel)),
            ("a..b", Err(ALabelError::EmptyLabel)),
            ("\u{ad}.org", Err(ALabelError::EmptyLabel)), // nothing left
            ("a b.org", Err(ALabelError::Invalid)),
            ("a\r\nb.org", Err(ALabelError::Invalid)),
            ("a\0.org", Err(ALabelError::Invalid)),
            ("[192.0.2.1]", Err(ALabelError::Invalid)),
        ] {
            assert_eq!(to_ascii(input).as_deref(), want.as_deref(), "input {input:?}");
        }
    }

    #[test]
    fn lengths_are_those_of_rfc1035() {
        let label = "a".repeat(63);
        let longest = format!("{label}.{label}.{label}.{}", "a".repeat(61));
        assert!(to_ascii(&longest).is_ok());
        assert_eq!(to_ascii(&format!("{longest}a")), Err(ALabelError::TooLong));
        assert_eq!(to_ascii(&format!("{label}a.example")), Err(ALabelError::TooLong));
        assert_eq!(to_ascii(&"ü".repeat(100)), Err(ALabelError::TooLong));
        assert_eq!(to_ascii(&"ü.".repeat(100_000)), Err(ALabelError::TooLong));
    }

    #[test]
    fn plain_names_are_borrowed() {
        assert!(matches!(to_ascii("mail.example.org"), Ok(Cow::Borrowed(_))));
        assert!(matches!(to_unicode("mail.example.org"), Ok(Cow::Borrowed(_))));
    }

    #[test]
    fn a_labels_are_written_out() {
        assert_eq!(to_unicode("XN--BCHER-KVA.example").as_deref(), Ok("bücher.example"));
        assert_eq!(to_unicode("Bücher.example").as_deref(), Ok("bücher.example"));
        assert_eq!(to_unicode("xn--a.example"), Err(ALabelError::Invalid));
    }

    proptest! {
        #[test]
        fn what_comes_out_is_stable_and_plain(input in "\\PC{0,40}|[a-zßüσ.xn-]{1,30}") {
            if let Ok(ascii) = to_ascii(&input) {
                prop_assert!(ascii.bytes().all(|octet| octet.is_ascii_lowercase()
                    || octet.is_ascii_digit() || b"-_.".contains(&octet)));
                let again = to_ascii(&ascii);
                prop_assert_eq!(again.as_deref(), Ok(&*ascii));
                let unicode = to_unicode(&input).expect("valid");
                let again = to_ascii(&unicode);
                prop_assert_eq!(again.as_deref(), Ok(&*ascii));
            }
        }
    }
}
