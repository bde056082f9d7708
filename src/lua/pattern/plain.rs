//! A search for octets as they are, and whether a pattern is nothing more than that.

use memchr::memmem;

use crate::lua::pattern::error::PatternError;
use crate::lua::pattern::matcher::Meter;

/// What has a meaning in a pattern; an octet without one stands for itself.
const SPECIAL: &[u8] = b"^$*+?.([%-";
/// Octets that are searched in the time of one step.
const OCTETS_A_STEP: usize = 16;
/// Octets that are searched between two looks at the budget.
const PIECE: usize = 64 << 10;

/// Whether a pattern stands for itself.
pub(super) fn is_plain(pattern: &[u8]) -> bool {
    !pattern.iter().any(|octet| SPECIAL.contains(octet))
}

/// Where `text` begins first in `subject`, from `start` on.
///
/// Errors: the budget is spent.
pub(super) fn find(
    subject: &[u8],
    text: &[u8],
    start: usize,
    meter: &mut impl Meter,
) -> Result<Option<usize>, PatternError> {
    let mut start = start;
    loop {
        let rest = subject.get(start..).unwrap_or_default();
        let piece = rest.get(..PIECE + text.len()).unwrap_or(rest);
        meter.spend(piece.len() / OCTETS_A_STEP)?;
        if let Some(at) = memmem::find(piece, text) {
            return Ok(Some(start + at));
        }
        if piece.len() == rest.len() {
            return Ok(None);
        }
        start += PIECE;
    }
}
