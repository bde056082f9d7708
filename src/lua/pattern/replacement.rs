//! The replacement string of `gsub`: text, with `%0` to `%9` and `%%` in it.

use crate::lua::pattern::error::PatternError;

/// A part of a replacement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part<'a> {
    /// These octets.
    Text(&'a [u8]),
    /// The whole match.
    Match,
    /// The capture of this number, from 0.
    Capture(usize),
}

/// The first part of `replacement` and what follows it; none at its end.
///
/// Errors: `%` before something that it can't stand before.
pub(super) fn next(replacement: &[u8]) -> Result<Option<(Part<'_>, &[u8])>, PatternError> {
    Ok(Some(match replacement {
        [] => return Ok(None),
        [b'%', b'%', rest @ ..] => (Part::Text(b"%"), rest),
        [b'%', b'0', rest @ ..] => (Part::Match, rest),
        [b'%', digit @ b'1'..=b'9', rest @ ..] => (Part::Capture(usize::from(digit - b'1')), rest),
        [b'%', ..] => return Err(PatternError::Replacement),
        text => {
            let length = memchr::memchr(b'%', text).unwrap_or(text.len());
            let (text, rest) = text.split_at(length);
            (Part::Text(text), rest)
        }
    }))
}
