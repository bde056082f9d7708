//! The parts of a pattern that stand for one octet: a letter, `.`, `%a`, a set in brackets. As C's locale knows them.

use crate::lua::pattern::error::PatternError;

/// A pattern, without the `^` that anchors it.
#[derive(Clone, Copy)]
pub(super) struct Pattern<'a>(pub(super) &'a [u8]);

const ESCAPE: u8 = b'%';

impl Pattern<'_> {
    /// The octet at `place`; 0 behind the end, as it is in C.
    pub(super) fn at(self, place: usize) -> u8 {
        self.0.get(place).copied().unwrap_or(0)
    }

    /// The end of the item that begins at `item`, before what says how often it may come.
    ///
    /// Errors: the pattern ends within it.
    pub(super) fn item_end(self, item: usize) -> Result<usize, PatternError> {
        let place = item + 1;
        match self.at(item) {
            ESCAPE if place == self.0.len() => Err(PatternError::EndsWithPercent),
            ESCAPE => Ok(place + 1),
            b'[' => self.set_end(place),
            _ => Ok(place),
        }
    }

    /// The end of the set whose `[` stands before `place`.
    fn set_end(self, place: usize) -> Result<usize, PatternError> {
        let mut place = if self.at(place) == b'^' { place + 1 } else { place };
        loop {
            let Some(&octet) = self.0.get(place) else { return Err(PatternError::NoBracket) };
            place += 1;
            if octet == ESCAPE && place < self.0.len() {
                place += 1;
            }
            if self.at(place) == b']' {
                return Ok(place + 1);
            }
        }
    }

    /// Whether the item from `item` to `end` stands for `octet`.
    #[inline]
    pub(super) fn item_holds(self, octet: u8, item: usize, end: usize) -> bool {
        match self.at(item) {
            b'.' => true,
            ESCAPE => is_in_class(octet, self.at(item + 1)),
            b'[' => self.set_holds(octet, item, end),
            other => other == octet,
        }
    }

    /// Whether the set from `[` at `item` to `end` holds `octet`.
    pub(super) fn set_holds(self, octet: u8, item: usize, end: usize) -> bool {
        let is_negated = self.at(item + 1) == b'^';
        let mut set = self.0.get(item + 1 + usize::from(is_negated)..end - 1).unwrap_or_default();
        loop {
            let (holds, rest) = match *set {
                [] => return is_negated,
                [ESCAPE, class, ref rest @ ..] => (is_in_class(octet, class), rest),
                // A bracket behind the percent sign belongs to it.
                [ESCAPE] => (is_in_class(octet, self.at(end - 1)), &[][..]),
                [from, b'-', to, ref rest @ ..] => ((from..=to).contains(&octet), rest),
                [other, ref rest @ ..] => (other == octet, rest),
            };
            if holds {
                return !is_negated;
            }
            set = rest;
        }
    }
}

/// Whether `octet` is of the class that `%` and this letter name; another letter names itself.
fn is_in_class(octet: u8, class: u8) -> bool {
    let is_in = match class.to_ascii_lowercase() {
        b'a' => octet.is_ascii_alphabetic(),
        b'c' => octet.is_ascii_control(),
        b'd' => octet.is_ascii_digit(),
        b'g' => octet.is_ascii_graphic(),
        b'l' => octet.is_ascii_lowercase(),
        b'p' => octet.is_ascii_punctuation(),
        b's' => matches!(octet, b' ' | 9..=13),
        b'u' => octet.is_ascii_uppercase(),
        b'w' => octet.is_ascii_alphanumeric(),
        b'x' => octet.is_ascii_hexdigit(),
        b'z' => octet == 0,
        _ => return class == octet,
    };
    is_in == class.is_ascii_lowercase()
}
