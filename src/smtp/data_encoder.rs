//! Turns content into the form it has on the wire, and back: dots stuffed and unstuffed, bare CRs and LFs mended.
//!
//! All work on any cut of their input and give their output as pieces to `sink`, most of them slices of the input.

use memchr::{memchr, memchr2};

use crate::smtp::data_decoder::{ContentFacts, DataDecoder};

/// Content as BDAT carries it, into the wire form of DATA: one more dot before a line that begins with one.
///
/// It lives for a transaction, over all chunks: CR at the end of one and LF at the start of the next are a CRLF.
/// Source: RFC 5321 §4.5.2; RFC 3030 §4.1 for going from BDAT to DATA.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stuffer {
    normalizing: bool,
    state: State,
    /// Offset in the wire form of the first bare newline that was mended.
    mended: Option<u64>,
    /// Judges what comes out.
    judge: DataDecoder,
}

/// Wire form into content: the stuffed dots taken out. The input is without the final ".CRLF".
#[derive(Clone, Copy, Debug, Default)]
pub struct Unstuffer {
    state: State,
}

/// Wire form with bare CRs and LFs into wire form without: each becomes CRLF, dots stuffed anew.
///
/// The input is what `DataDecoder` keeps: a dot after a true CRLF is stuffing, one after a bare newline is content.
#[derive(Clone, Copy, Debug)]
pub struct Normalizer {
    unstuffer: Unstuffer,
    stuffer: Stuffer,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    LineStart,
    Inside,
    /// After a CR; a `normalizing` stuffer has not given it out yet if it was the last octet of the input.
    Cr,
}

impl Stuffer {
    /// A stuffer that leaves bare newlines as they are: what comes out may be forwarded only if its
    /// `ContentFacts::bare_newline` is `None` at the end.
    pub fn new() -> Stuffer {
        Stuffer::default()
    }

    /// A stuffer that makes each bare CR and bare LF a CRLF.
    pub fn normalizing() -> Stuffer {
        Stuffer { normalizing: true, ..Stuffer::default() }
    }

    /// What is known of the wire form that came out, but for `bare_newline`: the first one, even if it was mended.
    pub fn facts(&self) -> ContentFacts {
        let mut facts = *self.judge.facts();
        facts.bare_newline = facts.bare_newline.or(self.mended);
        facts
    }

    /// Gives the wire form of the next octets of content.
    pub fn feed(&mut self, input: &[u8], mut sink: impl FnMut(&[u8])) {
        let mut given = 0;
        let mut at = 0;
        if self.normalizing && self.state == State::Cr && !input.is_empty() {
            // The CR that was held back: with an LF, or alone.
            match input.first() {
                Some(b'\n') => {
                    (given, at) = (1, 1);
                    self.give(b"\r\n", &mut sink);
                    self.state = State::LineStart;
                }
                _ => self.mend(&mut sink),
            }
        }
        while let Some(&octet) = input.get(at) {
            match (self.state, octet) {
                (State::LineStart, b'.') => {
                    self.give(between(input, given, at), &mut sink);
                    self.give(b".", &mut sink);
                    given = at;
                    self.state = State::Inside;
                }
                (State::LineStart, _) => self.state = State::Inside,
                (State::Cr, b'\n') => {
                    at += 1;
                    self.state = State::LineStart;
                }
                (State::Cr, _) if self.normalizing => {
                    self.give(between(input, given, at - 1), &mut sink);
                    self.mend(&mut sink);
                    given = at;
                }
                (State::Cr, _) => self.state = State::Inside,
                (State::Inside, _) => {
                    let found = memchr2(b'\r', b'\n', between(input, at, input.len()));
                    at = found.map_or(input.len(), |found| at + found + 1);
                    match input.get(at - 1) {
                        Some(b'\r') if found.is_some() => self.state = State::Cr,
                        Some(b'\n') if self.normalizing => {
                            self.give(between(input, given, at - 1), &mut sink);
                            self.mend(&mut sink);
                            given = at;
                        }
                        _ => {}
                    }
                }
            }
        }
        let held = usize::from(self.normalizing && self.state == State::Cr && at > given);
        self.give(between(input, given, at - held), &mut sink);
    }

    /// Ends the content: a CRLF is added if it does not end with one (an empty content stays empty).
    ///
    /// What is known of the whole wire form comes out.
    pub fn finish(mut self, mut sink: impl FnMut(&[u8])) -> ContentFacts {
        match self.state {
            State::LineStart => {}
            State::Cr if self.normalizing => self.mend(&mut sink),
            State::Inside | State::Cr => self.give(b"\r\n", &mut sink),
        }
        self.facts()
    }

    fn mend(&mut self, sink: &mut impl FnMut(&[u8])) {
        let offset = self.judge.facts().wire_size;
        self.mended.get_or_insert(offset);
        self.give(b"\r\n", sink);
        self.state = State::LineStart;
    }

    fn give(&mut self, piece: &[u8], sink: &mut impl FnMut(&[u8])) {
        if !piece.is_empty() {
            self.judge.feed(piece);
            sink(piece);
        }
    }
}

impl Unstuffer {
    /// An unstuffer at the first octet of the content.
    pub fn new() -> Unstuffer {
        Unstuffer::default()
    }

    /// Gives the content of the next octets of wire form.
    pub fn feed<'a>(&mut self, input: &'a [u8], mut sink: impl FnMut(&'a [u8])) {
        let mut given = 0;
        let mut at = 0;
        while let Some(&octet) = input.get(at) {
            match (self.state, octet) {
                (State::LineStart, b'.') => {
                    give_slice(between(input, given, at), &mut sink);
                    at += 1;
                    given = at;
                    self.state = State::Inside;
                }
                (State::Cr, b'\n') => {
                    at += 1;
                    self.state = State::LineStart;
                }
                (State::LineStart | State::Cr, _) => self.state = State::Inside,
                (State::Inside, _) => match memchr(b'\r', between(input, at, input.len())) {
                    Some(found) => {
                        at += found + 1;
                        self.state = State::Cr;
                    }
                    None => at = input.len(),
                },
            }
        }
        give_slice(between(input, given, at), &mut sink);
    }
}

impl Normalizer {
    /// A normalizer at the first octet of the content.
    pub fn new() -> Normalizer {
        Normalizer { unstuffer: Unstuffer::new(), stuffer: Stuffer::normalizing() }
    }

    /// What is known of the wire form that came out, but for `bare_newline`: the first one that was mended.
    pub fn facts(&self) -> ContentFacts {
        self.stuffer.facts()
    }

    /// Gives the canonical wire form of the next octets.
    pub fn feed(&mut self, input: &[u8], mut sink: impl FnMut(&[u8])) {
        let stuffer = &mut self.stuffer;
        self.unstuffer.feed(input, |piece| stuffer.feed(piece, &mut sink));
    }

    /// Ends the content, as `Stuffer::finish` does.
    pub fn finish(self, sink: impl FnMut(&[u8])) -> ContentFacts {
        self.stuffer.finish(sink)
    }
}

impl Default for Normalizer {
    fn default() -> Normalizer {
        Normalizer::new()
    }
}

fn between(input: &[u8], from: usize, to: usize) -> &[u8] {
    input.get(from..to).unwrap_or_default()
}

fn give_slice<'a>(piece: &'a [u8], sink: &mut impl FnMut(&'a [u8])) {
    if !piece.is_empty() {
        sink(piece);
    }
}

#[cfg(test)]
mod tests;
