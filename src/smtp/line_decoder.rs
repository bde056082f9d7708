//! Octets into lines that end in CRLF, in any cut: the framing of commands, and under `reply_decoder` of replies.

use memchr::{memchr, memchr2};
use zeroize::Zeroize;

use crate::smtp::secret::extend_wiping;

/// Finds lines in input that stays where it is, and keeps only a line that is not complete yet.
///
/// A line that arrives whole is a slice of the input. An idle decoder holds no heap.
/// Source: RFC 5321 §2.3.8: CRLF ends a line, a bare CR or LF must not be taken for it.
#[derive(Debug)]
pub struct LineDecoder {
    max: usize,
    state: State,
    /// The line's octets so far, without a CR that may end it; empty when it is too long already.
    partial: Vec<u8>,
    /// Octets of the line so far, also those thrown away; without a CR that may end it.
    length: usize,
    /// Whether octets of the line were thrown away; stays so if `max` grows meanwhile.
    is_cut: bool,
}

/// Why there is no line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// An LF without CR; the octets up to and with it were consumed.
    #[error("LF without CR")]
    BareLf,
    /// A CR without LF; the octets up to and with the CR were consumed.
    #[error("CR without LF")]
    BareCr,
    /// The line, now consumed with its CRLF, was longer than `max`.
    #[error("line too long")]
    TooLong,
    /// The line, now consumed with its CRLF, held a NUL.
    #[error("NUL in a line")]
    Nul,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Inside,
    /// After a CR.
    Cr,
    /// `partial` was given out and is not needed any more.
    Given,
}

impl LineDecoder {
    /// A decoder for lines of at most `max` octets, CRLF included.
    pub fn new(max: usize) -> LineDecoder {
        LineDecoder { max, state: State::Inside, partial: Vec::new(), length: 0, is_cut: false }
    }

    /// Sets the longest line, in octets, CRLF included; it counts for a line that has begun, too.
    pub fn set_max(&mut self, max: usize) {
        self.max = max;
    }

    /// The next line, without its CRLF, cut from the front of `input` with it; `None` when more input is needed,
    /// and then all of `input` was consumed.
    ///
    /// *Errors*: see `LineError`. A bare CR or LF is told at once, the others at the end of the line. Decoding may go
    /// on after each. Memory stays below about twice `max`, however long the line.
    pub fn decode<'a, 'i: 'a>(&'a mut self, input: &mut &'i [u8]) -> Option<Result<&'a [u8], LineError>> {
        if self.state == State::Given {
            self.clear();
        }
        if self.state == State::Cr {
            return self.after_cr(input);
        }
        let Some(found) = memchr2(b'\r', b'\n', input) else {
            self.keep(input);
            *input = b"";
            return None;
        };
        let (line, rest) = input.split_at_checked(found)?;
        match rest {
            [b'\r', b'\n', next @ ..] => {
                *input = next;
                if self.length == 0 {
                    return Some(judge(line, self.max));
                }
                self.keep(line);
                Some(self.give())
            }
            [b'\r', next @ ..] => {
                *input = next;
                self.keep(line);
                self.state = State::Cr;
                if next.is_empty() { None } else { self.after_cr(input) }
            }
            _ => {
                *input = rest.get(1..).unwrap_or_default();
                self.clear();
                Some(Err(LineError::BareLf))
            }
        }
    }

    /// Octets of a line that has begun and is not complete, also those thrown away.
    pub fn pending(&self) -> usize {
        match self.state {
            State::Inside => self.length,
            State::Cr => self.length.saturating_add(1),
            State::Given => 0,
        }
    }

    /// Whether no line has begun.
    pub fn is_empty(&self) -> bool {
        self.pending() == 0
    }

    /// Throws away a line that has begun, as STARTTLS asks for (RFC 3207 §4.2).
    ///
    /// It is wiped, for it may be the line of an AUTH.
    pub fn clear(&mut self) {
        self.state = State::Inside;
        self.partial.zeroize();
        self.partial = Vec::new();
        self.length = 0;
        self.is_cut = false;
    }

    fn after_cr<'a>(&'a mut self, input: &mut &[u8]) -> Option<Result<&'a [u8], LineError>> {
        match input.split_first()? {
            (b'\n', rest) => {
                *input = rest;
                Some(self.give())
            }
            _ => {
                self.clear();
                Some(Err(LineError::BareCr))
            }
        }
    }

    fn keep(&mut self, octets: &[u8]) {
        self.length = self.length.saturating_add(octets.len());
        self.is_cut = self.is_cut || self.length.saturating_add(2) > self.max;
        if self.is_cut {
            self.partial.zeroize();
            self.partial = Vec::new();
        } else {
            extend_wiping(&mut self.partial, octets);
        }
    }

    fn give(&mut self) -> Result<&[u8], LineError> {
        self.state = State::Given;
        if self.is_cut { Err(LineError::TooLong) } else { judge(&self.partial, self.max) }
    }
}

fn judge(line: &[u8], max: usize) -> Result<&[u8], LineError> {
    if line.len().saturating_add(2) > max {
        Err(LineError::TooLong)
    } else if memchr(0, line).is_some() {
        Err(LineError::Nul)
    } else {
        Ok(line)
    }
}

#[cfg(test)]
mod tests;
