//! A backend that does as mail servers do, but for the faults that it was told to have.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use tokio::sync::Notify;

use crate::support::backend::Backend;
use crate::support::peer::Peer;

/// The backend: what it is to do wrong, and what it got.
#[derive(Default)]
pub struct Model {
    /// What goes wrong next, in order; each fault once.
    pub faults: RefCell<Vec<(Stage, Fault)>>,
    /// All transactions that got as far as content.
    pub messages: RefCell<Vec<Message>>,
    /// All commands, connection by connection.
    pub commands: RefCell<Vec<Vec<String>>>,
    /// Connections open now, and the most at once.
    pub open: Cell<usize>,
    pub most: Cell<usize>,
    /// Whether it offers no XCLIENT, and no PIPELINING.
    pub is_plain: Cell<bool>,
    /// Whether it says 354 though it has no recipients.
    pub is_lax: Cell<bool>,
    /// Told each time that it begins to hang, and where that was.
    pub hangs: Notify,
    pub hung: Cell<Option<Stage>>,
    /// Told each time that a connection is accepted or gone.
    pub changes: Notify,
}

/// Where a fault is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Greeting,
    Ehlo,
    Xclient,
    SecondEhlo,
    Mail,
    Rcpt,
    Data,
    /// Before the end of data.
    Content,
    Dot,
}

/// What goes wrong in place of a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Says this, which need not be a reply, and goes on.
    Say(&'static str),
    /// Says this and closes.
    Last(&'static str),
    /// Says nothing until the other side closes.
    Hang,
    /// Reads nothing, for ever.
    Stall,
    Close,
    Reset,
}

/// One message, as far as it came.
#[derive(Clone, Debug, Default)]
pub struct Message {
    pub recipients: Vec<String>,
    /// Octets of content, dots unstuffed.
    pub content: Vec<u8>,
    /// Whether the end of data came.
    pub is_whole: bool,
    /// Whether it was answered with a 2yz.
    pub is_acknowledged: bool,
}

impl Model {
    /// Messages that were answered with a 2yz.
    pub fn acknowledged(&self) -> usize {
        self.messages.borrow().iter().filter(|message| message.is_acknowledged).count()
    }

    fn fault(&self, stage: Stage) -> Option<Fault> {
        let mut faults = self.faults.borrow_mut();
        let at = faults.iter().position(|(place, _)| *place == stage)?;
        self.hung.set(Some(stage));
        Some(faults.remove(at).1)
    }
}

/// Serves every connection to `backend`, for ever.
pub async fn serve(backend: Backend, model: Rc<Model>) {
    loop {
        let peer = backend.accept().await;
        model.open.set(model.open.get() + 1);
        model.most.set(model.most.get().max(model.open.get()));
        let number = {
            let mut commands = model.commands.borrow_mut();
            commands.push(Vec::new());
            commands.len() - 1
        };
        model.changes.notify_waiters();
        let connection = Connection { peer, model: Rc::clone(&model), number, ehlos: 0, mail: None };
        tokio::task::spawn_local(async move {
            let model = Rc::clone(&connection.model);
            connection.serve().await;
            model.open.set(model.open.get() - 1);
            model.changes.notify_waiters();
        });
    }
}

struct Connection {
    peer: Peer,
    model: Rc<Model>,
    number: usize,
    ehlos: usize,
    mail: Option<Message>,
}

/// Whether the connection goes on; `Reset` is to be ended by a reset.
enum Then {
    GoOn,
    End,
    Reset,
}

impl Connection {
    async fn serve(mut self) {
        let mut then = self.answer(Stage::Greeting, "220 backend ESMTP\r\n").await;
        while let Then::GoOn = then {
            let Ok(line) = self.peer.line().await else { return };
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            self.model.commands.borrow_mut()[self.number].push(line.clone());
            then = self.take(&line).await;
        }
        if let Then::Reset = then {
            self.peer.reset();
        }
    }

    async fn take(&mut self, line: &str) -> Then {
        let verb = line.split(' ').next().unwrap_or_default().to_ascii_uppercase();
        match verb.as_str() {
            "EHLO" => {
                self.ehlos += 1;
                let stage = if self.ehlos == 1 { Stage::Ehlo } else { Stage::SecondEhlo };
                let offer = match (self.model.is_plain.get(), self.ehlos) {
                    (true, _) => "250-backend\r\n250 8BITMIME\r\n",
                    (false, 1) => {
                        "250-backend\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SIZE\r\n\
                         250 XCLIENT NAME ADDR PORT PROTO HELO\r\n"
                    }
                    _ => "250-backend\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE\r\n",
                };
                self.answer(stage, offer).await
            }
            "XCLIENT" => self.answer(Stage::Xclient, "220 backend again\r\n").await,
            "MAIL" => match self.model.fault(Stage::Mail) {
                Some(fault) => self.fail(fault).await,
                None => {
                    self.mail = Some(Message::default());
                    self.say("250 2.1.0 Ok\r\n").await
                }
            },
            "RCPT" => match (self.model.fault(Stage::Rcpt), &mut self.mail) {
                (Some(fault), _) => self.fail(fault).await,
                (None, None) => self.say("503 5.5.1 MAIL first\r\n").await,
                (None, Some(mail)) => {
                    mail.recipients.push(line.to_owned());
                    self.say("250 2.1.5 Ok\r\n").await
                }
            },
            "DATA" => match (self.model.fault(Stage::Data), &self.mail) {
                (Some(fault), _) => self.fail(fault).await,
                (None, mail)
                    if self.model.is_lax.get()
                        || mail.as_ref().is_some_and(|mail| !mail.recipients.is_empty()) =>
                {
                    self.content().await
                }
                (None, _) => self.say("554 5.5.1 No valid recipients\r\n").await,
            },
            "RSET" => {
                self.mail = None;
                self.say("250 2.0.0 Ok\r\n").await
            }
            "QUIT" => {
                self.peer.send(b"221 2.0.0 Bye\r\n").await;
                Then::End
            }
            _ => self.say("500 5.5.2 What?\r\n").await,
        }
    }

    async fn content(&mut self) -> Then {
        self.peer.send(b"354 go on\r\n").await;
        let place = {
            let mut messages = self.model.messages.borrow_mut();
            messages.push(self.mail.take().unwrap_or_default());
            messages.len() - 1
        };
        if let Some(fault) = self.model.fault(Stage::Content) {
            self.peer.octets(100).await;
            return self.fail(fault).await;
        }
        let mut content = Vec::new();
        loop {
            let Ok(line) = self.peer.line().await else {
                self.model.messages.borrow_mut()[place].content = content;
                return Then::End;
            };
            if line == b".\r\n" {
                break;
            }
            content.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
        }
        {
            let mut messages = self.model.messages.borrow_mut();
            messages[place].content = content;
            messages[place].is_whole = true;
        }
        match self.model.fault(Stage::Dot) {
            Some(fault) => self.fail(fault).await,
            None => {
                self.model.messages.borrow_mut()[place].is_acknowledged = true;
                self.say("250 2.0.0 Ok: queued as 4711\r\n").await
            }
        }
    }

    async fn answer(&mut self, stage: Stage, reply: &str) -> Then {
        match self.model.fault(stage) {
            Some(fault) => self.fail(fault).await,
            None => self.say(reply).await,
        }
    }

    async fn say(&mut self, reply: &str) -> Then {
        self.peer.send(reply.as_bytes()).await;
        Then::GoOn
    }

    async fn fail(&mut self, fault: Fault) -> Then {
        match fault {
            Fault::Say(words) => self.say(words).await,
            Fault::Last(words) => {
                self.peer.send(words.as_bytes()).await;
                Then::End
            }
            Fault::Close => Then::End,
            Fault::Reset => Then::Reset,
            Fault::Hang => {
                self.model.hangs.notify_one();
                let _ = self.peer.end().await;
                Then::End
            }
            Fault::Stall => {
                self.model.hangs.notify_one();
                std::future::pending().await
            }
        }
    }
}
