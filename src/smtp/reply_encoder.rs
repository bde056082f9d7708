//! A reply as it is written on the wire: lines of 512 octets at most, each with its codes.

use crate::smtp::reply::{Reply, printable};

/// Octets of a reply line with its CRLF. Source: RFC 5321 §4.5.3.1.5.
const MAX_LINE: usize = 512;
/// Octets of a line besides its text, at most: both codes, what parts them, CRLF.
const LINE_HEAD: usize = 4 + 10 + 2;

impl Reply {
    /// Writes the reply for a client that has not asked for SMTPUTF8: printable ASCII alone.
    ///
    /// Lines end in CRLF and have at most 512 octets: what is longer is split, at a space if there is one.
    pub fn encode(&self, out: &mut Vec<u8>) {
        self.write(false, out);
    }

    /// Writes the reply for a client that has asked for SMTPUTF8. Source: RFC 6531 §3.7.4.2.
    pub fn encode_utf8(&self, out: &mut Vec<u8>) {
        self.write(true, out);
    }

    fn write(&self, utf8: bool, out: &mut Vec<u8>) {
        let mut lines = self.lines().peekable();
        while let Some(line) = lines.next() {
            let line = printable(line, utf8);
            let mut rest = Some(&*line);
            while let Some(text) = rest {
                rest = self.write_line(text, lines.peek().is_none(), out);
            }
        }
    }

    /// Writes one line with as much of `text` as fits; what is left. `is_last` says that no other text follows.
    fn write_line<'a>(&self, text: &'a str, is_last: bool, out: &mut Vec<u8>) -> Option<&'a str> {
        out.reserve(text.len() + LINE_HEAD);
        let begin = out.len();
        push_number(self.code.get(), out);
        let mark = out.len();
        out.push(b' ');
        if let Some(enhanced) = self.enhanced {
            // RFC 2034 §4: it stands on each line.
            push_number(enhanced.class().into(), out);
            out.push(b'.');
            push_number(enhanced.subject(), out);
            out.push(b'.');
            push_number(enhanced.detail(), out);
            out.extend_from_slice(if text.is_empty() { b"" } else { b" " });
        }
        let (piece, more) = split_line(text, MAX_LINE - 2 - (out.len() - begin));
        if let Some(mark) = out.get_mut(mark).filter(|_| more.is_some() || !is_last) {
            *mark = b'-';
        }
        out.extend_from_slice(piece.as_bytes());
        out.extend_from_slice(b"\r\n");
        more
    }
}

/// Appends the digits of a number of at most three.
fn push_number(number: u16, out: &mut Vec<u8>) {
    let digits = [number / 100, number / 10 % 10, number % 10].map(|digit| b'0' + (digit % 10) as u8);
    let from = if number >= 100 { 0 } else { 1 + usize::from(number < 10) };
    out.extend_from_slice(digits.get(from..).unwrap_or_default());
}

/// At most `room` octets of `text`, and what is left if it is longer.
fn split_line(text: &str, room: usize) -> (&str, Option<&str>) {
    if text.len() <= room {
        return (text, None);
    }
    let edge = text.floor_char_boundary(room);
    let (head, tail) = text.split_at(edge);
    match head.rfind(' ').filter(|&at| at > 0) {
        Some(at) => (head.get(..at).unwrap_or(head), text.get(at + 1..)),
        None => (head, Some(tail)),
    }
}
