//! The mail server behind the proxy, as a policy test plays it: it takes everything, unless the test says otherwise.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::backend::server::Dial;
use crate::lua::trial::world::{Answer, Taken};
use crate::net::memory::{self, Memory};
use crate::net::stream::Stream;

/// What its EHLO offers, as a Postfix would that lets us say who the client is.
pub(super) const OFFERED: &[&str] = &[
    "backend",
    "PIPELINING",
    "SIZE",
    "8BITMIME",
    "SMTPUTF8",
    "DSN",
    "ENHANCEDSTATUSCODES",
    "XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT",
];

/// The verbs that can be answered otherwise, "." being the end of data.
const VERBS: &[&str] =
    &["connect", "ehlo", "xclient", "mail", "rcpt", "data", "message", "rset", "noop", "vrfy", "quit"];

/// All backends of one test.
#[derive(Debug)]
pub(super) struct Backend {
    state: Rc<RefCell<State>>,
    doors: UnboundedSender<(String, Memory)>,
}

#[derive(Debug, Default)]
struct State {
    /// What was said last comes first.
    answers: Vec<Rule>,
    messages: Vec<Taken>,
    commands: Vec<String>,
}

/// An answer that a test wants.
#[derive(Debug)]
struct Rule {
    verb: String,
    part: String,
    answer: Answer,
}

impl Backend {
    /// A backend that plays as long as the caller's `LocalSet` does.
    pub(super) fn start() -> Backend {
        let state = Rc::<RefCell<State>>::default();
        let (doors, queue) = unbounded_channel();
        tokio::task::spawn_local(answer_all(Rc::clone(&state), queue));
        Backend { state, doors }
    }

    /// What connects to the backend called `name`.
    pub(super) fn dial(doors: &UnboundedSender<(String, Memory)>, name: &str) -> Dial {
        let (doors, name) = (doors.clone(), name.to_owned());
        Arc::new(move || {
            let (near, far) = memory::pair();
            // Without a backend the far end is dropped: a connection that is closed at once.
            let _ = doors.send((name.clone(), far));
            Stream::Memory(near)
        })
    }

    /// Where connections come in.
    pub(super) fn doors(&self) -> UnboundedSender<(String, Memory)> {
        self.doors.clone()
    }

    /// As `World::answer`.
    pub(super) fn answer(&self, verb: &str, part: &str, answer: Option<Answer>) -> Result<(), String> {
        let verb = verb.to_lowercase();
        let verb = if verb == "." { "message".to_owned() } else { verb };
        if !VERBS.contains(&verb.as_str()) {
            return Err(format!("backend.reply: '{verb}' is none of {}", VERBS.join(", ")));
        }
        if let Some(Answer::Reply(text)) = &answer {
            let code = text.get(..3).and_then(|code| code.parse::<u16>().ok());
            if !code.is_some_and(|code| (200..600).contains(&code)) {
                return Err(format!(
                    "backend.reply: \"{text}\" is no reply, such as \"550 5.1.1 No such user\""
                ));
            }
        }
        let mut state = self.state.borrow_mut();
        state.answers.retain(|rule| rule.verb != verb || rule.part != part);
        if let Some(answer) = answer {
            state.answers.insert(0, Rule { verb, part: part.to_owned(), answer });
        }
        Ok(())
    }

    /// The messages that were taken.
    pub(super) fn messages(&self) -> Vec<Taken> {
        self.state.borrow().messages.clone()
    }

    /// The commands that were given.
    pub(super) fn commands(&self) -> Vec<String> {
        self.state.borrow().commands.clone()
    }

    /// Forgets messages and commands.
    pub(super) fn forget(&self) {
        let mut state = self.state.borrow_mut();
        state.messages.clear();
        state.commands.clear();
    }
}

async fn answer_all(state: Rc<RefCell<State>>, mut queue: UnboundedReceiver<(String, Memory)>) {
    while let Some((backend, end)) = queue.recv().await {
        let mut talk =
            Talk { state: Rc::clone(&state), backend, stream: Stream::Memory(end), input: Vec::new() };
        tokio::task::spawn_local(async move {
            talk.run().await;
        });
    }
}

/// One connection. `None` anywhere means that it has ended.
struct Talk {
    state: Rc<RefCell<State>>,
    backend: String,
    stream: Stream,
    input: Vec<u8>,
}

impl Talk {
    async fn run(&mut self) -> Option<()> {
        self.answer("connect", "", "220 backend ESMTP").await?;
        let (mut from, mut to) = (String::new(), Vec::new());
        loop {
            let line = self.until(b"\r\n").await?;
            let line = String::from_utf8_lossy(&line).into_owned();
            self.state.borrow_mut().commands.push(line.clone());
            let verb = line.split(' ').next().unwrap_or_default().to_lowercase();
            match verb.as_str() {
                "ehlo" => {
                    self.answer("ehlo", &line, &format!("250 {}", OFFERED.join("\n"))).await?;
                }
                "xclient" => {
                    self.answer("xclient", &line, "220 backend ESMTP").await?;
                }
                "mail" => {
                    if self.answer("mail", &line, "250 2.1.0 Ok").await? {
                        (from, to) = (path(&line), Vec::new());
                    }
                }
                "rcpt" => {
                    if self.answer("rcpt", &line, "250 2.1.5 Ok").await? {
                        to.push(path(&line));
                    }
                }
                "data" if to.is_empty() => {
                    self.answer("data", &line, "503 5.5.1 No valid recipients").await?;
                }
                "data" => {
                    if !self.answer("data", &line, "354 End data with <CR><LF>.<CR><LF>").await? {
                        continue;
                    }
                    let content = self.content().await?;
                    let text = String::from_utf8_lossy(&content).into_owned();
                    if self.answer("message", &text, "250 2.0.0 Ok: queued").await? {
                        let (backend, to) = (self.backend.clone(), std::mem::take(&mut to));
                        let taken = Taken { backend, from: std::mem::take(&mut from), to, content };
                        self.state.borrow_mut().messages.push(taken);
                    }
                }
                "quit" => {
                    self.answer("quit", &line, "221 2.0.0 Bye").await?;
                    return None;
                }
                "rset" => {
                    to.clear();
                    self.answer("rset", &line, "250 2.0.0 Ok").await?;
                }
                other => {
                    self.answer(other, &line, "250 2.0.0 Ok").await?;
                }
            }
        }
    }

    /// Answers `said` as the test wants it, else with `usual`; whether that was positive.
    async fn answer(&mut self, verb: &str, said: &str, usual: &str) -> Option<bool> {
        let wanted = {
            let state = self.state.borrow();
            let rule = state.answers.iter().find(|rule| rule.verb == verb && said.contains(&rule.part));
            rule.map(|rule| rule.answer.clone())
        };
        let text = match wanted {
            None => usual.to_owned(),
            Some(Answer::Reply(text)) => text,
            Some(Answer::Close) => return None,
            Some(Answer::Silence) => std::future::pending().await,
        };
        let (code, rest) = text.split_at_checked(3)?;
        let lines: Vec<&str> = rest.strip_prefix(' ').unwrap_or(rest).split('\n').collect();
        let mut octets = Vec::new();
        for (place, line) in lines.iter().enumerate() {
            let sign = if place + 1 == lines.len() { ' ' } else { '-' };
            octets.extend_from_slice(format!("{code}{sign}{line}\r\n").as_bytes());
        }
        self.stream.write(&octets).await.ok()?;
        Some(code.starts_with(['2', '3']))
    }

    /// The content up to its end, dots unstuffed.
    async fn content(&mut self) -> Option<Vec<u8>> {
        let mut content = Vec::new();
        loop {
            let line = self.until(b"\r\n").await?;
            if line == b"." {
                return Some(content);
            }
            content.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
            content.extend_from_slice(b"\r\n");
        }
    }

    /// The octets up to `end`, without it.
    async fn until(&mut self, end: &[u8]) -> Option<Vec<u8>> {
        loop {
            if let Some(at) = memchr::memmem::find(&self.input, end) {
                let rest = self.input.split_off(at + end.len());
                let mut line = std::mem::replace(&mut self.input, rest);
                line.truncate(at);
                return Some(line);
            }
            let input = &mut self.input;
            let read = self.stream.read(|octets| {
                input.extend_from_slice(octets);
                octets.len()
            });
            if read.await.ok()? == 0 {
                return None;
            }
        }
    }
}

/// The path in "MAIL FROM:<ann@a.example> SIZE=1", without its brackets.
fn path(line: &str) -> String {
    let inside = line.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inside.map_or(String::new(), |(path, _)| path.to_owned())
}
