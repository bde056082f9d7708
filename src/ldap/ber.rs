//! BER as LDAP writes it: elements with a tag of one octet and a length. Nothing nested is followed unasked, so that no
//! depth of nesting costs anything.

use crate::smtp::secret::Secret;

/// The tag of a sequence.
pub(crate) const SEQUENCE: u8 = 0x30;
/// The tag of octets.
pub(crate) const OCTETS: u8 = 0x04;
/// The tag of a number.
pub(crate) const INTEGER: u8 = 0x02;
/// The tag of one word of several.
pub(crate) const ENUMERATED: u8 = 0x0a;
/// The tag of a truth value.
const BOOLEAN: u8 = 0x01;

/// Octets that are no BER, or more of them than we take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no LDAP, or too much of it")]
pub struct Malformed;

/// An element of `parts`, one after the other. What it holds may be a password: it is wiped.
///
/// Source: RFC 4511 §5.1, X.690 §8.
pub(crate) fn element(tag: u8, parts: &[&[u8]]) -> Secret {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut element = Secret::new(Vec::with_capacity(length.saturating_add(10)));
    element.push(&[tag]);
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => element.push(&[short]),
        _ => {
            let octets = length.to_be_bytes();
            let zeros = octets.iter().take_while(|octet| **octet == 0).count();
            let octets = octets.get(zeros..).unwrap_or_default();
            element.push(&[0x80 | u8::try_from(octets.len()).unwrap_or(0x7f)]);
            element.push(octets);
        }
    }
    parts.iter().for_each(|part| element.push(part));
    element
}

/// A number, or a word of several.
pub(crate) fn number(tag: u8, number: u32) -> Secret {
    let octets = u64::from(number).to_be_bytes();
    let mut rest = octets.as_slice();
    // As short as can be; the first bit is the sign.
    while let [0, tail @ ..] = rest
        && tail.first().is_some_and(|next| *next < 0x80)
    {
        rest = tail;
    }
    element(tag, &[rest])
}

/// A truth value.
pub(crate) fn boolean(is_so: bool) -> Secret {
    element(BOOLEAN, &[&[if is_so { 0xff } else { 0 }]])
}

/// Takes the first element off `octets`: its tag, and what is in it.
///
/// *Errors*: there is no whole one. *Source*: RFC 4511 §5.1: lengths are definite.
pub(crate) fn take<'a>(octets: &mut &'a [u8]) -> Result<(u8, &'a [u8]), Malformed> {
    let (tag, start, length) = head(octets)?.ok_or(Malformed)?;
    let rest = octets.get(start..).ok_or(Malformed)?;
    let (inside, behind) = rest.split_at_checked(length).ok_or(Malformed)?;
    *octets = behind;
    Ok((tag, inside))
}

/// The same for an element that has to have this tag.
///
/// *Errors*: it has another, or there is none.
pub(crate) fn expect<'a>(octets: &mut &'a [u8], tag: u8) -> Result<&'a [u8], Malformed> {
    match take(octets)? {
        (found, inside) if found == tag => Ok(inside),
        _ => Err(Malformed),
    }
}

/// A number that is in an element.
///
/// *Errors*: it is none of 31 bits.
pub(crate) fn read_number(inside: &[u8]) -> Result<u32, Malformed> {
    let is_negative = inside.first().is_some_and(|first| *first >= 0x80);
    if inside.is_empty() || inside.len() > 4 || is_negative {
        return Err(Malformed);
    }
    Ok(inside.iter().fold(0, |number, octet| number << 8 | u32::from(*octet)))
}

/// How many octets the sequence that `octets` begin with has in all; nothing if that can't be seen yet.
///
/// *Errors*: it is no sequence, or has more than `most`.
pub(crate) fn whole(octets: &[u8], most: usize) -> Result<Option<usize>, Malformed> {
    match head(octets)? {
        Some((SEQUENCE, start, length)) if length <= most => Ok(Some(start + length)),
        Some(_) => Err(Malformed),
        None if octets.first().is_some_and(|tag| *tag != SEQUENCE) => Err(Malformed),
        None => Ok(None),
    }
}

/// Tag, where the inside begins, and its length; nothing if there are too few octets to see them.
fn head(octets: &[u8]) -> Result<Option<(u8, usize, usize)>, Malformed> {
    let (tag, first, rest) = match octets {
        [tag, first, rest @ ..] => (*tag, *first, rest),
        _ => return Ok(None),
    };
    if tag & 0x1f == 0x1f {
        return Err(Malformed); // LDAP has no tags of several octets
    }
    if first < 0x80 {
        return Ok(Some((tag, 2, usize::from(first))));
    }
    let count = usize::from(first & 0x7f);
    if !(1..=4).contains(&count) {
        return Err(Malformed);
    }
    let Some(length) = rest.get(..count) else { return Ok(None) };
    let length = length.iter().fold(0, |length, octet| length << 8 | usize::from(*octet));
    Ok(Some((tag, 2 + count, length)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_as_short_as_can_be() {
        for (value, want) in [
            (0, &[2, 1, 0][..]),
            (127, &[2, 1, 127]),
            (128, &[2, 2, 0, 128]),
            (256, &[2, 2, 1, 0]),
            (0x7fff_ffff, &[2, 4, 0x7f, 0xff, 0xff, 0xff]),
        ] {
            let element = number(INTEGER, value);
            assert_eq!(element.octets(), want, "{value}");
            assert_eq!(take(&mut element.octets()).and_then(|(_, inside)| read_number(inside)), Ok(value));
        }
        for wrong in [&[][..], &[0x80], &[0xff, 0xff, 0xff, 0xff], &[1, 0, 0, 0, 0]] {
            assert_eq!(read_number(wrong), Err(Malformed), "{wrong:?}");
        }
    }

    #[test]
    fn what_is_no_element_is_told_from_what_is_not_yet_one() {
        for (octets, want) in [
            (&[][..], Ok(None)),
            (&[0x30], Ok(None)),
            (&[0x30, 3], Ok(Some(5))),
            (&[0x30, 0x81, 0x80], Ok(Some(0x83))),
            (&[0x30, 0x82, 1], Ok(None)),
            (&[0x30, 0x80], Err(Malformed)),                // no length
            (&[0x30, 0x85, 0, 0, 0, 0, 1], Err(Malformed)), // a length of five octets
            (&[0x30, 0x84, 0x7f, 0xff, 0xff, 0xff], Err(Malformed)), // more than we take
            (&[0x31], Err(Malformed)),
            (&[0x3f, 1], Err(Malformed)),
            (b"HTTP/1.1", Err(Malformed)),
        ] {
            assert_eq!(whole(octets, 1000), want, "{octets:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(inside in proptest::collection::vec(any::<u8>(), 0..70_000)) {
            let written = element(OCTETS, &[&inside]);
            let mut octets = written.octets();
            prop_assert_eq!(take(&mut octets), Ok((OCTETS, inside.as_slice())));
            prop_assert!(octets.is_empty());
        }

        #[test]
        fn nothing_panics(octets in proptest::collection::vec(any::<u8>(), 0..100)) {
            let mut rest = octets.as_slice();
            while take(&mut rest).is_ok() {}
            let _ = whole(&octets, 50);
        }
    }
}
