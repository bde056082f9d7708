//! A client in a policy test: its end of the connection, the session at the other end, and what was said.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::lua::trial::world::{Heard, Said};
use crate::net::memory;
use crate::net::stream::Stream;
use crate::proxy::admission::Admission;
use crate::proxy::context::Context;
use crate::proxy::serve::Serve;
use crate::session::identity::Identity;
use crate::session::tls::Tls;
use crate::smtp::reply_decoder::{BackendReply, ReplyDecoder};

/// A client.
pub(super) struct Visitor {
    /// How failures call it.
    pub(super) title: String,
    /// Away while it is in use, and gone with the connection.
    line: RefCell<Option<Line>>,
    session: RefCell<Option<JoinHandle<()>>>,
    dialogue: RefCell<Vec<String>>,
}

struct Line {
    stream: Stream,
    decoder: ReplyDecoder,
    input: Vec<u8>,
}

/// How long a reply may take, on the test's clock: longer than anything that the proxy waits for.
const PATIENCE: Duration = Duration::from_secs(2 * 3600);
/// Turns of the runtime in which what follows from a reply is done: `outcome` hooks, words to the backend.
const TURNS: usize = 10;
/// Lines of a content that failures show, and characters of each.
const SHOWN_LINES: usize = 6;
const SHOWN: usize = 200;

impl Visitor {
    /// A client who has just come, and whose session is served under `context`.
    pub(super) fn come(
        title: String,
        context: &Rc<Context>,
        identity: Identity,
        tls: Option<Tls>,
    ) -> Rc<Visitor> {
        let (near, far) = memory::pair();
        let place = Admission::new(usize::MAX).admit_alone();
        let serve = Serve::new(Rc::clone(context), Stream::Memory(far), identity, place).playing(tls);
        let session = tokio::task::spawn_local(Box::new(serve).run());
        let line = Line { stream: Stream::Memory(near), decoder: ReplyDecoder::new(), input: Vec::new() };
        Rc::new(Visitor {
            title,
            line: RefCell::new(Some(line)),
            session: RefCell::new(Some(session)),
            dialogue: RefCell::default(),
        })
    }

    /// The next reply.
    ///
    /// *Errors*: why there is none.
    pub(super) async fn hear(&self) -> Result<Heard, String> {
        let Some(mut line) = self.line.borrow_mut().take() else { return Err(CLOSED.to_owned()) };
        let reply = match timeout(PATIENCE, line.reply()).await {
            Ok(reply) => reply?,
            Err(_) => return Err("no reply came within two hours".to_owned()),
        };
        self.line.replace(Some(line));
        let lines: Vec<String> =
            reply.lines().map(|line| String::from_utf8_lossy(line).into_owned()).collect();
        let code = reply.code.get();
        self.note(format!("S: {code} {}", lines.join(" | ")));
        settle().await;
        Ok(heard(code, lines))
    }

    /// Says something and hears the reply.
    ///
    /// *Errors*: why there is none.
    pub(super) async fn say(&self, said: Said) -> Result<Heard, String> {
        let octets = match said {
            Said::Line(line) => {
                self.note(format!("C: {}", shown(&line)));
                [&line, &b"\r\n"[..]].concat()
            }
            Said::Content(content) => {
                self.note_content(&content);
                stuffed(&content)
            }
        };
        let Some(mut line) = self.line.borrow_mut().take() else { return Err(CLOSED.to_owned()) };
        // A server that has closed the connection may have said why.
        let _ = line.stream.write(&octets).await;
        self.line.replace(Some(line));
        let heard = self.hear().await?;
        if heard.code == 221 && octets.eq_ignore_ascii_case(b"quit\r\n") {
            self.leave().await;
        }
        Ok(heard)
    }

    /// Goes, and waits until the session has ended. Whether it ended as it should.
    pub(super) async fn leave(&self) -> bool {
        drop(self.line.take());
        let session = self.session.take();
        match session {
            Some(session) => session.await.is_ok(),
            None => true,
        }
    }

    /// What was said so far, by both.
    pub(super) fn dialogue(&self) -> Vec<String> {
        self.dialogue.borrow().clone()
    }

    /// Adds a line to the dialogue.
    pub(super) fn note(&self, line: String) {
        self.dialogue.borrow_mut().push(line);
    }

    fn note_content(&self, content: &[u8]) {
        for line in content.split(|octet| *octet == b'\n').take(SHOWN_LINES) {
            self.note(format!("C: {}", shown(line.strip_suffix(b"\r").unwrap_or(line))));
        }
        self.note(format!("C: . ({} octets)", content.len()));
    }
}

impl Line {
    async fn reply(&mut self) -> Result<BackendReply, String> {
        loop {
            let mut rest = self.input.as_slice();
            let decoded = self.decoder.decode(&mut rest);
            let consumed = self.input.len() - rest.len();
            self.input.drain(..consumed);
            if let Some(reply) = decoded {
                return reply.map_err(|error| format!("what came is no reply: {error}"));
            }
            let input = &mut self.input;
            let read = self.stream.read(|octets| {
                input.extend_from_slice(octets);
                octets.len()
            });
            if read.await.unwrap_or(0) == 0 {
                return Err(CLOSED.to_owned());
            }
        }
    }
}

/// Lets all that can go on go on.
pub(super) async fn settle() {
    for _ in 0..TURNS {
        tokio::task::yield_now().await;
    }
}

const CLOSED: &str = "the connection is closed";

/// `content` as it goes over the wire, with its end.
fn stuffed(content: &[u8]) -> Vec<u8> {
    let mut octets = Vec::with_capacity(content.len() + 5);
    for line in content.split_inclusive(|octet| *octet == b'\n') {
        if line.starts_with(b".") {
            octets.push(b'.');
        }
        octets.extend_from_slice(line);
    }
    if !octets.is_empty() && !octets.ends_with(b"\r\n") {
        octets.extend_from_slice(b"\r\n");
    }
    octets.extend_from_slice(b".\r\n");
    octets
}

/// `octets` as one line, cut where it is long.
fn shown(octets: &[u8]) -> String {
    let text = octets.get(..SHOWN).unwrap_or(octets).escape_ascii().to_string().replace("\\'", "'");
    let text = text.replace("\\\"", "\"");
    if octets.len() > SHOWN { format!("{text}… ({} octets)", octets.len()) } else { text }
}

/// A reply with the status taken off each line that has it.
fn heard(code: u16, lines: Vec<String>) -> Heard {
    let status = lines.first().and_then(|line| status_of(code, line)).map(str::to_owned);
    let text = |line: String| match status_of(code, &line) {
        Some(found) => line.get(found.len()..).unwrap_or_default().trim_start().to_owned(),
        None => line,
    };
    Heard { code, status, lines: lines.into_iter().map(text).collect() }
}

/// The enhanced status code that `line` begins with, if it is one of this code's class. Source: RFC 2034 §4.
fn status_of(code: u16, line: &str) -> Option<&str> {
    let word = line.split(' ').next()?;
    let parts: Vec<&str> = word.split('.').collect();
    let is_number =
        |part: &&str| !part.is_empty() && part.len() <= 3 && part.bytes().all(|c| c.is_ascii_digit());
    let is_of_class = parts.first().is_some_and(|class| *class == (code / 100).to_string());
    (parts.len() == 3 && parts.iter().all(is_number) && is_of_class).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_is_parted_from_the_text() {
        for (code, line, status, text) in [
            (550, "5.7.1 No", Some("5.7.1"), "No"),
            (250, "PIPELINING", None, "PIPELINING"),
            (250, "2.0.0", Some("2.0.0"), ""),
            (250, "5.7.1 of another class", None, "5.7.1 of another class"),
            (220, "1.2.3.4 ESMTP", None, "1.2.3.4 ESMTP"),
        ] {
            let heard = heard(code, vec![line.to_owned()]);
            assert_eq!((heard.status.as_deref(), heard.lines[0].as_str()), (status, text), "{line}");
        }
    }

    #[test]
    fn content_is_stuffed_and_ended() {
        for (content, want) in [
            (&b"a\r\n.b\r\n..\r\n"[..], &b"a\r\n..b\r\n...\r\n.\r\n"[..]),
            (b"no end", b"no end\r\n.\r\n"),
            (b"", b".\r\n"),
        ] {
            assert_eq!(stuffed(content), want);
        }
    }
}
