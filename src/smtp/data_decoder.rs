//! Content after DATA: finds the one true end of data, CR LF "." CR LF, in input that stays where it is.
//!
//! Nothing is copied and nothing is changed: a bare CR or LF is noted, not mended (see `data_encoder`).

use memchr::{memchr, memchr2};

/// Finds where the content ends and what it is like, in any cut of the input.
///
/// What it says to keep is the wire form: dots still stuffed, without the final ".CRLF". That may be sent to a
/// backend as it is, followed by ".CRLF", if `facts().bare_newline` is `None`.
/// Source: RFC 5321 §4.1.1.4 and §4.5.2; only CR LF "." CR LF ends the data, whatever others take for it.
#[derive(Clone, Copy, Debug, Default)]
pub struct DataDecoder {
    state: State,
    /// Octets of the line so far, dot unstuffed.
    line: u64,
    /// Dots that stuffing had put before lines.
    stuffed: u64,
    /// Whether `longest_line` is asked for.
    measures_lines: bool,
    facts: ContentFacts,
}

/// What one piece of input was. Keep `before`, then `kept(input)`; drop `input[..consumed]` from the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Octets of earlier input, held back as a possible end of data, that are content after all; almost always empty.
    pub before: &'static [u8],
    /// Octets at the start of this input to keep.
    pub keep: usize,
    /// Octets of this input that were judged: all of them, or up to and with the end of data.
    pub consumed: usize,
    /// Whether the end of data was seen. What follows `consumed` is the next command.
    pub end: bool,
}

/// What is known of the content so far. All counts are octets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ContentFacts {
    /// Content, dots unstuffed: what SIZE limits (RFC 1870 §3: with CRLFs, without the stuffing and the last dot).
    pub size: u64,
    /// Wire form that was to be kept.
    pub wire_size: u64,
    /// Where in the wire form the first bare CR or bare LF stands.
    pub bare_newline: Option<u64>,
    /// The longest line, unstuffed, without its CRLF. In a body only if the decoder measures lines.
    pub longest_line: u64,
    /// Where in the wire form the first empty line begins; the body begins 2 octets later.
    pub header_end: Option<u64>,
    /// Whether an octet above 127 was seen.
    pub has_8bit: bool,
    /// Whether one was seen behind the first empty line.
    pub has_8bit_body: bool,
    /// Whether a NUL was seen.
    pub has_nul: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// At the start of a line: after CRLF, or of the content (the CRLF of the DATA command came before).
    #[default]
    LineStart,
    /// A dot at the start of a line; held back.
    Dot,
    /// ".CR" at the start of a line; held back.
    DotCr,
    Inside,
    /// After a CR that may be half of a CRLF.
    Cr,
    End,
}

impl Progress {
    /// The part of `input` to keep: the same input that was fed.
    pub fn kept<'a>(&self, input: &'a [u8]) -> &'a [u8] {
        input.get(..self.keep).unwrap_or(input)
    }
}

impl DataDecoder {
    /// A decoder for one content, at its first octet.
    pub fn new() -> DataDecoder {
        DataDecoder::default()
    }

    /// A decoder that knows the longest line of a body too, which takes longer.
    pub fn measuring_lines() -> DataDecoder {
        DataDecoder { measures_lines: true, ..DataDecoder::default() }
    }

    /// What is known so far.
    pub fn facts(&self) -> &ContentFacts {
        &self.facts
    }

    /// Whether the end of data was seen; then all further input is refused with `consumed` 0.
    pub fn is_ended(&self) -> bool {
        self.state == State::End
    }

    /// Judges the next octets of the content.
    ///
    /// At most 2 octets, "." or ".CR" at the start of a line, are consumed but not kept until what follows is known.
    pub fn feed(&mut self, input: &[u8]) -> Progress {
        let carried = self.held();
        let base = self.facts.wire_size + octets(carried);
        let mut before: &'static [u8] = b"";
        let mut held_from = None;
        let mut at = 0;
        while let Some(&octet) = input.get(at) {
            match (self.state, octet) {
                (State::LineStart, b'.') => {
                    held_from = Some(at);
                    self.state = State::Dot;
                    at += 1;
                }
                (State::LineStart, _) => {
                    self.state = State::Inside;
                    at = self.skim(input, at);
                }
                (State::Dot, b'\r') => {
                    self.state = State::DotCr;
                    at += 1;
                }
                (State::DotCr, b'\n') => {
                    self.state = State::End;
                    at += 1;
                }
                (State::Dot | State::DotCr, _) => {
                    if held_from.take().is_none() {
                        before = carried;
                    }
                    self.stuffed += 1;
                    // ".CR": the dot goes, the CR is in the line and is judged by the octet that follows.
                    self.state = if self.state == State::Dot { State::Inside } else { State::Cr };
                }
                (State::Cr, b'\n') => {
                    at += 1;
                    self.end_line(base + as_u64(at));
                }
                (State::Cr, _) => {
                    self.note_bare(base + as_u64(at) - 1);
                    self.line += 1;
                    self.state = State::Inside;
                }
                (State::Inside, _) => at = self.scan(input, at, base),
                (State::End, _) => break,
            }
        }
        let keep = match self.state {
            State::Dot | State::DotCr | State::End => held_from.unwrap_or(0),
            _ => at,
        };
        let progress = Progress { before, keep, consumed: at, end: self.is_ended() };
        self.count(before, progress.kept(input));
        progress
    }

    /// Goes past blocks of whole input in a body in which nothing is to be noted; where it stands then.
    fn skim(&mut self, input: &[u8], at: usize) -> usize {
        if self.measures_lines || self.facts.header_end.is_none() {
            return at;
        }
        let octets = input.get(at..).unwrap_or_default();
        if octets.first() == Some(&b'\n') {
            return at; // nothing but this can be wrong with the first octet of a line that is no dot
        }
        let blocks = octets.windows(BLOCK + 1).step_by(BLOCK);
        let plain = blocks.take_while(|block| is_plain(block)).count() * BLOCK;
        let Some(last) = octets.get(..=plain).and_then(|skimmed| skimmed.last()).filter(|_| plain > 0) else {
            return at;
        };
        self.state = match last {
            b'\r' => State::Cr,
            b'\n' => State::LineStart,
            _ => State::Inside,
        };
        at + plain + 1
    }

    /// Goes to the next CR or LF, or the end of `input`; where it stands then.
    fn scan(&mut self, input: &[u8], at: usize, base: u64) -> usize {
        let rest = input.get(at..).unwrap_or_default();
        let Some(found) = memchr2(b'\r', b'\n', rest) else {
            self.line += octets(rest);
            return input.len();
        };
        self.line += as_u64(found);
        let next = at + found + 1;
        match (rest.get(found), rest.get(found + 1)) {
            (Some(b'\r'), Some(b'\n')) => {
                self.end_line(base + as_u64(next) + 1);
                return next + 1;
            }
            (Some(b'\r'), _) => self.state = State::Cr,
            _ => {
                self.note_bare(base + as_u64(next) - 1);
                self.line += 1;
            }
        }
        next
    }

    /// Closes a line whose CRLF ends at `offset` of the wire form.
    fn end_line(&mut self, offset: u64) {
        if self.line == 0 && self.facts.header_end.is_none() {
            self.facts.header_end = Some(offset.saturating_sub(2));
        }
        self.measure_line();
        self.line = 0;
        self.state = State::LineStart;
    }

    fn measure_line(&mut self) {
        if self.measures_lines || self.facts.header_end.is_none() {
            self.facts.longest_line = self.facts.longest_line.max(self.line);
        }
    }

    fn note_bare(&mut self, offset: u64) {
        self.facts.bare_newline.get_or_insert(offset);
    }

    fn count(&mut self, before: &[u8], kept: &[u8]) {
        self.measure_line();
        let facts = &mut self.facts;
        if !facts.has_8bit_body && !kept.is_ascii() {
            facts.has_8bit = true;
            let start = facts.wire_size + octets(before);
            let body = facts.header_end.map(|end| usize::try_from(end.saturating_sub(start)));
            let body = body.and_then(Result::ok).and_then(|from| kept.get(from..));
            facts.has_8bit_body = body.is_some_and(|body| !body.is_ascii());
        }
        facts.wire_size += octets(before) + octets(kept);
        facts.size = facts.wire_size - self.stuffed;
        facts.has_nul = facts.has_nul || memchr(0, kept).is_some();
    }

    /// Octets that were consumed and not yet kept.
    fn held(&self) -> &'static [u8] {
        match self.state {
            State::Dot => b".",
            State::DotCr => b".\r",
            _ => b"",
        }
    }
}

/// Octets that are looked at together.
const BLOCK: usize = 512;

/// Whether each CR in `octets` has its LF and each LF its CR, and no line begins with a dot; a CR may be the last, and
/// of the first octet nothing is asked but whether it fits what follows. Written so that the compiler takes many
/// octets at once.
fn is_plain(octets: &[u8]) -> bool {
    let next = octets.get(1..).unwrap_or_default();
    let is_odd = |(before, octet): (&u8, &u8)| {
        ((*before == b'\r') != (*octet == b'\n')) | ((*before == b'\n') & (*octet == b'.'))
    };
    !octets.iter().zip(next).fold(false, |any, pair| any | is_odd(pair))
}

fn octets(slice: &[u8]) -> u64 {
    as_u64(slice.len())
}

/// A length as a count; no machine that this runs on has longer ones than 64 bits.
fn as_u64(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
