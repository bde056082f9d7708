//! The client's side of the connection: lines in, replies out, nothing held while it is idle.

use std::mem;

use bytes::{Buf, BytesMut};
use zeroize::Zeroize;

use crate::fault::ClientFault;
use crate::net::closing;
use crate::net::stream::Stream;
use crate::net::tls::front::Front;
use crate::net::tls::handshake::{self, Facts, Failure};
use crate::net::tls::turnstile::Turnstile;
use crate::smtp::command::{Command, ParseError, Syntax, Verb};
use crate::smtp::line_decoder::{LineDecoder, LineError};
use crate::smtp::reply::Reply;
use crate::smtp::secret::Secret;

/// A client's connection.
#[derive(Debug)]
pub(super) struct Wire {
    stream: Stream,
    /// Octets that came and were not looked at yet.
    input: BytesMut,
    lines: LineDecoder,
    output: Vec<u8>,
    /// Octets of `output` that are written already.
    written: usize,
}

/// A line of the client's.
#[derive(Debug)]
pub(super) struct Line {
    /// The command, or why it is none.
    pub(super) command: Result<Command, LineFault>,
    /// Its verb; unknown if not even that could be read.
    pub(super) verb: Verb,
    /// The line as text, for policies and logs; empty unless asked for.
    pub(super) text: String,
}

/// Why a line is no command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineFault {
    /// Its framing.
    Line(LineError),
    /// Its words.
    Parse(ParseError),
    /// It begins as a TLS handshake does.
    Tls,
}

/// The verb that `line` begins with.
fn verb_of(line: &[u8]) -> Verb {
    Verb::parse(line.split(|octet| *octet == b' ').next().unwrap_or_default())
}

/// `line` as text, for policies and logs: of AUTH the mechanism alone.
fn shown(line: &[u8]) -> String {
    if verb_of(line) != Verb::Auth {
        return String::from_utf8_lossy(line).into_owned();
    }
    let words = line.split(|octet| *octet == b' ').filter(|word| !word.is_empty()).take(2);
    let words: Vec<_> = words.map(String::from_utf8_lossy).collect();
    words.join(" ")
}

/// Octets of a command line with its CRLF. Source: RFC 5321 §4.5.3.1.4 asks for 512; extensions want more.
const MAX_LINE: usize = 2048;
/// Octets of usual replies, that to EHLO too.
const USUAL_REPLY: usize = 256;
/// Octets of AUTH, and of an answer in its exchange, with its CRLF. Source: RFC 4954 §4.3 (12288 octets).
const MAX_AUTH_LINE: usize = 12_288 + 2;

impl Wire {
    /// The wire over a stream that was just accepted; one that `takes_logins` takes longer lines with AUTH.
    pub(super) fn new(stream: Stream, takes_logins: bool) -> Self {
        Wire {
            stream,
            input: BytesMut::new(),
            lines: LineDecoder::new(if takes_logins { MAX_AUTH_LINE } else { MAX_LINE }),
            output: Vec::new(),
            written: 0,
        }
    }

    /// The next line at hand; nothing if more octets are needed.
    pub(super) fn next_line(&mut self, syntax: Syntax, with_text: bool) -> Option<Line> {
        if self.input.first() == Some(&handshake::HANDSHAKE) && self.lines.is_empty() {
            self.input = BytesMut::new();
            let command = Err(LineFault::Tls);
            return Some(Line { command, verb: Verb::Unknown, text: String::new() });
        }
        let mut rest: &[u8] = &self.input;
        let before = rest.len();
        let decoded = self.lines.decode(&mut rest);
        let found = decoded.map(|decoded| match decoded {
            Ok(line) if line.len() + 2 > MAX_LINE && verb_of(line) != Verb::Auth => Line {
                command: Err(LineFault::Line(LineError::TooLong)),
                verb: Verb::Unknown,
                text: String::new(),
            },
            Ok(line) => {
                let text = if with_text { shown(line) } else { String::new() };
                let command = Command::parse(line, syntax).map_err(LineFault::Parse);
                Line { command, verb: verb_of(line), text }
            }
            Err(error) => {
                Line { command: Err(LineFault::Line(error)), verb: Verb::Unknown, text: String::new() }
            }
        });
        let consumed = before - rest.len();
        let is_secret = found.as_ref().is_none_or(|line| line.verb == Verb::Auth);
        self.consume(consumed, is_secret);
        found
    }

    /// The next answer of an AUTH exchange at hand; nothing if more octets are needed.
    pub(super) fn next_answer(&mut self) -> Option<Result<Secret, LineError>> {
        self.lines.set_max(MAX_AUTH_LINE);
        let mut rest: &[u8] = &self.input;
        let before = rest.len();
        let answer = self.lines.decode(&mut rest).map(|decoded| decoded.map(Secret::from));
        let consumed = before - rest.len();
        self.consume(consumed, true);
        if answer.is_some() {
            self.lines.clear(); // and so wiped
        }
        answer
    }

    /// Gives up the first `consumed` octets of the input, wiped if they may be a secret.
    fn consume(&mut self, consumed: usize, is_secret: bool) {
        if let Some(octets) = self.input.get_mut(..consumed).filter(|_| is_secret) {
            octets.zeroize();
        }
        self.input.advance(consumed);
        if self.input.is_empty() {
            self.input = BytesMut::new(); // an idle session holds no buffer
        }
    }

    /// Puts a challenge, in base64, behind the replies that wait. Source: RFC 4954 §4.
    pub(super) fn push_challenge(&mut self, challenge: &Secret) {
        self.output.extend_from_slice(b"334 ");
        self.output.extend_from_slice(challenge.octets());
        self.output.extend_from_slice(b"\r\n");
    }

    /// Waits for octets of commands. Safe to drop.
    ///
    /// *Errors*: `Lost` at the end of the connection.
    pub(super) async fn fill(&mut self) -> Result<(), ClientFault> {
        let input = &mut self.input;
        let read = self.stream.read(|octets| {
            input.extend_from_slice(octets);
            octets.len()
        });
        match read.await {
            Ok(0) | Err(_) => Err(ClientFault::Lost),
            Ok(_) => Ok(()),
        }
    }

    /// Takes the client's TLS handshake; what it has sent before is forgotten (RFC 3207 §4.2). If this is dropped, the
    /// connection is.
    ///
    /// *Errors*: why there is no TLS. The connection is gone, unless something can still be said in clear text.
    pub(super) async fn secure(&mut self, front: &Front, turnstile: &Turnstile) -> Result<Facts, Failure> {
        self.input = BytesMut::new();
        self.lines.clear();
        let stream = mem::replace(&mut self.stream, Stream::Gone);
        match handshake::accept(stream, front, turnstile).await {
            Ok((stream, facts)) => {
                self.stream = stream;
                Ok(facts)
            }
            Err(mut failure) => {
                self.stream = failure.stream.take().unwrap_or(Stream::Gone);
                Err(failure)
            }
        }
    }

    /// Whether nothing can be said any more.
    pub(super) fn is_gone(&self) -> bool {
        matches!(self.stream, Stream::Gone)
    }

    /// The octets at hand that were not looked at yet: the start of content, or pipelined commands.
    pub(super) fn input(&mut self) -> &mut BytesMut {
        &mut self.input
    }

    /// Reads content straight into the spare room of `chunk`, at most `most` octets. Safe to drop.
    ///
    /// *Errors*: `Lost` at the end of the connection.
    pub(super) async fn read_into(&mut self, chunk: &mut Vec<u8>, most: u64) -> Result<usize, ClientFault> {
        match self.stream.read_into(chunk, most).await {
            Ok(0) | Err(_) => Err(ClientFault::Lost),
            Ok(length) => Ok(length),
        }
    }

    /// Whether the client has sent something that was not read yet, as far as is known without asking the system.
    pub(super) fn has_unread(&mut self) -> bool {
        !self.input.is_empty() || self.stream.is_readable_now()
    }

    /// Waits until the client has left: it reset the connection, or ended it and has nothing more to say. Safe to drop.
    pub(super) async fn left(&self) {
        if self.input.is_empty() { self.stream.left().await } else { self.stream.reset().await }
    }

    /// Puts `reply` behind those that wait to be written.
    pub(super) fn push(&mut self, reply: &Reply, utf8: bool) {
        if self.output.is_empty() {
            self.output.reserve(USUAL_REPLY);
        }
        if utf8 { reply.encode_utf8(&mut self.output) } else { reply.encode(&mut self.output) }
    }

    /// Octets of replies that wait, or may be held back on their way.
    pub(super) fn waiting(&self) -> usize {
        self.output.len()
    }

    /// Writes the replies that wait, in one go where the client reads them. Safe to drop: what was written is known.
    ///
    /// *Errors*: `Lost` if the connection is gone; what waited is then thrown away.
    pub(super) async fn flush(&mut self) -> Result<(), ClientFault> {
        let mut outcome = Ok(());
        while let Some(rest) = self.output.get(self.written..).filter(|rest| !rest.is_empty()) {
            match self.stream.write_some(rest).await {
                Ok(written) if written > 0 => self.written += written,
                _ => {
                    outcome = Err(ClientFault::Lost);
                    break;
                }
            }
        }
        if outcome.is_ok() && self.stream.flush().await.is_err() {
            outcome = Err(ClientFault::Lost);
        }
        (self.output, self.written) = (Vec::new(), 0); // an idle session holds no buffer
        outcome
    }

    /// Closes the connection of a client that has said QUIT: at once, for it says nothing more, unless it does.
    pub(super) async fn close_after_quit(self) {
        let is_silent = self.input.is_empty() && matches!(self.stream.peek_now(&mut [0]), Ok(None | Some(0)));
        if matches!(self.stream, Stream::Tls(_)) || !is_silent {
            self.close().await;
        }
    }

    /// Closes the connection so that the client can still read the last reply.
    pub(super) async fn close(self) {
        closing::close(self.stream).await;
    }
}
