//! Octets from the backend into replies, in any cut. The backend may be hostile: all is bounded, nothing is guessed.

use crate::smtp::line_decoder::{LineDecoder, LineError};
use crate::smtp::reply::Code;

/// Finds the replies in what a backend sends.
///
/// After an error the framing cannot be trusted: the same error comes out for all further input.
/// Source: RFC 5321 §4.2.
#[derive(Debug)]
pub struct ReplyDecoder {
    lines: LineDecoder,
    /// The lines of a reply that is not complete.
    begun: Option<Begun>,
    failed: Option<ReplyError>,
}

/// A reply that is not complete, and what has come of it.
#[derive(Debug)]
struct Begun {
    reply: BackendReply,
    lines: usize,
    octets: usize,
}

/// A complete reply of the backend, as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackendReply {
    /// What it says.
    pub code: Code,
    /// Each line's text after code and separator, raw octets, with an LF between lines: no line holds one.
    text: Vec<u8>,
}

impl BackendReply {
    /// A reply of `lines`, at least one, none of which holds an LF.
    pub fn new<L: AsRef<[u8]>>(code: Code, lines: &[L]) -> BackendReply {
        let lines: Vec<&[u8]> = lines.iter().map(AsRef::as_ref).collect();
        BackendReply { code, text: lines.join(&b'\n') }
    }

    /// The lines' texts, at least one, which may be empty.
    pub fn lines(&self) -> impl Iterator<Item = &[u8]> {
        self.text.split(|octet| *octet == b'\n')
    }
}

/// Why the octets are no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// A line does not begin with a code from 200 to 599 and SP, hyphen or nothing, or holds a NUL.
    #[error("malformed reply")]
    Malformed,
    /// The lines of one reply have different codes.
    #[error("lines of a reply with different codes")]
    CodeChanged,
    /// A line over 4,096 octets, more than 128 lines, or more than 64 KiB.
    #[error("reply too long")]
    TooLong,
    /// A CR or LF that is not half of a CRLF.
    #[error("bare CR or LF in a reply")]
    BareNewline,
}

const MAX_LINE: usize = 4096;
const MAX_LINES: usize = 128;
const MAX_OCTETS: usize = 64 * 1024;
/// Octets of a usual reply of several lines, the answer to EHLO.
const USUAL: usize = 256;

impl ReplyDecoder {
    /// A decoder for one connection.
    pub fn new() -> ReplyDecoder {
        ReplyDecoder { lines: LineDecoder::new(MAX_LINE), begun: None, failed: None }
    }

    /// The next complete reply, cut from the front of `input`; `None` when more input is needed, and then all of
    /// `input` was consumed.
    pub fn decode(&mut self, input: &mut &[u8]) -> Option<Result<BackendReply, ReplyError>> {
        if let Some(error) = self.failed {
            return Some(Err(error));
        }
        loop {
            let result = match self.lines.decode(input)? {
                Ok(line) => add(&mut self.begun, line),
                Err(LineError::BareLf | LineError::BareCr) => Err(ReplyError::BareNewline),
                Err(LineError::TooLong) => Err(ReplyError::TooLong),
                Err(LineError::Nul) => Err(ReplyError::Malformed),
            };
            match result {
                Ok(false) => {}
                Ok(true) => return self.begun.take().map(|begun| Ok(begun.reply)),
                Err(error) => {
                    self.begun = None;
                    self.lines.clear();
                    self.failed = Some(error);
                    return Some(Err(error));
                }
            }
        }
    }

    /// Whether no reply has begun: what must be true before a command is answered and before TLS starts.
    pub fn is_empty(&self) -> bool {
        self.begun.is_none() && self.lines.is_empty() && self.failed.is_none()
    }
}

impl Default for ReplyDecoder {
    fn default() -> ReplyDecoder {
        ReplyDecoder::new()
    }
}

/// Adds one line to the reply that has begun; whether the reply is complete with it.
fn add(begun: &mut Option<Begun>, line: &[u8]) -> Result<bool, ReplyError> {
    let (code, text, is_last) = parse(line).ok_or(ReplyError::Malformed)?;
    let nothing = || Begun { reply: BackendReply { code, text: Vec::new() }, lines: 0, octets: 0 };
    let Begun { reply, lines, octets } = begun.get_or_insert_with(nothing);
    if reply.code != code {
        return Err(ReplyError::CodeChanged);
    }
    *octets = octets.saturating_add(line.len()).saturating_add(2);
    if *octets > MAX_OCTETS || *lines >= MAX_LINES {
        return Err(ReplyError::TooLong);
    }
    if *lines > 0 {
        reply.text.push(b'\n');
    } else {
        reply.text.reserve(if is_last { text.len() } else { USUAL });
    }
    *lines += 1;
    reply.text.extend_from_slice(text);
    Ok(is_last)
}

/// Code, text and whether the line is its reply's last.
fn parse(line: &[u8]) -> Option<(Code, &[u8], bool)> {
    let [first, second, third, rest @ ..] = line else { return None };
    let digits = [first, second, third].map(|octet| char::from(*octet).to_digit(10));
    let [Some(first), Some(second), Some(third)] = digits else { return None };
    let code = u16::try_from(first * 100 + second * 10 + third).ok().and_then(Code::new)?;
    match rest {
        [] => Some((code, rest, true)),
        [b' ', text @ ..] => Some((code, text, true)),
        [b'-', text @ ..] => Some((code, text, false)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
