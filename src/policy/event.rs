//! What policies are asked about, and what they are told.

use std::rc::Rc;
use std::time::Duration;

use crate::message::view::MessageView;
use crate::session::effects::{PolicyName, Score};
use crate::session::login::Login;
use crate::smtp::command::{Mail, Rcpt, Verb};
use crate::smtp::host::Host;
use crate::smtp::mechanism::Mechanism;
use crate::smtp::reply::{Code, EnhancedCode, Reply};
use crate::smtp::secret::Secret;

/// A point of the dialogue at which hooks run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Stage {
    /// A client has connected; the banner is not written yet.
    Connect,
    /// A TLS handshake is done.
    Tls,
    /// HELO or EHLO.
    Ehlo,
    /// Only one policy is asked: whether a login is right.
    Verify,
    /// A login is right; that is not said yet.
    Auth,
    /// MAIL.
    Mail,
    /// RCPT, before the relay guard and the backend.
    Rcpt,
    /// DATA or the first BDAT.
    Data,
    /// The header section is complete.
    Header,
    /// The whole message is here.
    Message,
    /// VRFY, EXPN, ETRN, HELP, or a verb that nobody knows.
    Command,
    /// A reply is decided and not yet written.
    Reply,
    /// A transaction has ended.
    Outcome,
    /// The session has ended.
    Closed,
}

impl Stage {
    /// All stages in the order in which they come.
    pub const ALL: [Stage; 14] = [
        Stage::Connect,
        Stage::Tls,
        Stage::Ehlo,
        Stage::Verify,
        Stage::Auth,
        Stage::Mail,
        Stage::Rcpt,
        Stage::Data,
        Stage::Header,
        Stage::Message,
        Stage::Command,
        Stage::Reply,
        Stage::Outcome,
        Stage::Closed,
    ];

    /// The stage's name, which is also its hook's.
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::Connect => "connect",
            Stage::Tls => "tls",
            Stage::Ehlo => "ehlo",
            Stage::Verify => "verify",
            Stage::Auth => "auth",
            Stage::Mail => "mail",
            Stage::Rcpt => "rcpt",
            Stage::Data => "data",
            Stage::Header => "header",
            Stage::Message => "message",
            Stage::Command => "command",
            Stage::Reply => "reply",
            Stage::Outcome => "outcome",
            Stage::Closed => "closed",
        }
    }
}

/// A set of stages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stages(u16);

impl Stages {
    /// This set and `stage`.
    pub const fn with(self, stage: Stage) -> Self {
        Stages(self.0 | 1 << stage as u16)
    }

    /// Both sets together.
    pub const fn union(self, other: Stages) -> Self {
        Stages(self.0 | other.0)
    }

    /// Whether `stage` is in it.
    pub const fn contains(self, stage: Stage) -> bool {
        self.0 & 1 << stage as u16 != 0
    }
}

/// What a verdict is asked for.
#[derive(Debug)]
pub enum Event<'a> {
    /// A client has connected.
    Connect,
    /// A TLS handshake is done; the session has its facts.
    Tls,
    /// The client gives its name with this verb.
    Ehlo {
        /// HELO or EHLO.
        verb: Verb,
        /// The name or address literal.
        name: &'a Host,
    },
    /// The client says who it is and shows this for it.
    Verify(&'a Credentials<'a>),
    /// The client is this user.
    Auth(&'a Login),
    /// The client opens a transaction.
    Mail(&'a Mail),
    /// The client names a recipient.
    Rcpt {
        /// The command.
        rcpt: &'a Rcpt,
        /// Counts the transaction's RCPT commands, from 1.
        index: usize,
    },
    /// The client is about to send content.
    Data,
    /// The header section is complete; the body may still be coming.
    Header(Rc<MessageView>),
    /// The whole message is here.
    Message(Rc<MessageView>),
    /// The client says VRFY, EXPN, ETRN, HELP or a verb that nobody knows.
    Command {
        /// The verb, in upper case.
        verb: &'a str,
        /// What stands behind it, as sent.
        argument: &'a str,
    },
    /// A reply is about to be written; a verdict can only be a 421.
    Reply(&'a ReplyEvent),
}

impl Event<'_> {
    /// The stage at which this is asked.
    pub fn stage(&self) -> Stage {
        match self {
            Event::Connect => Stage::Connect,
            Event::Tls => Stage::Tls,
            Event::Ehlo { .. } => Stage::Ehlo,
            Event::Verify(_) => Stage::Verify,
            Event::Auth(_) => Stage::Auth,
            Event::Mail(_) => Stage::Mail,
            Event::Rcpt { .. } => Stage::Rcpt,
            Event::Data => Stage::Data,
            Event::Header(_) => Stage::Header,
            Event::Message(_) => Stage::Message,
            Event::Command { .. } => Stage::Command,
            Event::Reply(_) => Stage::Reply,
        }
    }
}

/// Who a client says it is, and what it shows for it.
#[derive(Clone, Copy, Debug)]
pub struct Credentials<'a> {
    /// By which mechanism.
    pub mechanism: Mechanism,
    /// The name; empty where a token alone says it.
    pub user: &'a str,
    /// The password or the token.
    pub secret: &'a Secret,
    /// Whether it is a token.
    pub is_token: bool,
}

/// A reply to AUTH, MAIL, RCPT, DATA, end of data or an unknown command, before it is written.
#[derive(Clone, Debug)]
pub struct ReplyEvent {
    /// The command that it answers; "." for the end of data.
    pub verb: String,
    /// The command's argument, as sent.
    pub argument: String,
    /// The reply.
    pub reply: Reply,
    /// Whose decision it is.
    pub from: Origin,
}

/// Whose decision a reply is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// Ours: protocol, limits, guard, a fault.
    #[default]
    Core,
    /// A policy's.
    Policy(PolicyName),
    /// The backend's own words.
    Backend,
}

impl Origin {
    /// The word that scripts and logs use.
    pub fn as_str(&self) -> &'static str {
        match self {
            Origin::Core => "core",
            Origin::Policy(_) => "policy",
            Origin::Backend => "backend",
        }
    }
}

/// What policies are told and asked nothing about.
#[derive(Clone, Debug)]
pub enum Report {
    /// A transaction has ended; its last reply was written.
    Outcome(Rc<Outcome>),
    /// The session has ended, however it did.
    Closed(Rc<Ending>),
}

/// What became of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Disposition {
    /// The backend has acknowledged it.
    Relayed,
    /// Refused for good, 5yz.
    Refused,
    /// Refused for now, 4yz.
    Deferred,
    /// Acknowledged and thrown away, because a policy said so.
    Discarded,
    /// It ended before its content did: RSET, a new EHLO, a lost connection.
    Aborted,
}

impl Disposition {
    /// The word that scripts, logs and metrics use.
    pub fn as_str(self) -> &'static str {
        match self {
            Disposition::Relayed => "relayed",
            Disposition::Refused => "refused",
            Disposition::Deferred => "deferred",
            Disposition::Discarded => "discarded",
            Disposition::Aborted => "aborted",
        }
    }
}

/// The end of a transaction.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What became of it.
    pub disposition: Disposition,
    /// The command at which that was decided, as a stage's name: mail, rcpt, data, header, message.
    pub stage: &'static str,
    /// The policy that decided.
    pub policy: Option<PolicyName>,
    /// The last reply, where one was written.
    pub reply: Option<Reply>,
    /// Content as received, in octets.
    pub size: u64,
    /// The reverse-path, as the client sent it.
    pub reverse_path: String,
    /// Every RCPT of the transaction, also the refused ones.
    pub recipients: Vec<RecipientOutcome>,
    /// The sum of the points.
    pub score: f64,
    /// The points.
    pub symbols: Vec<Score>,
}

/// What became of one RCPT.
#[derive(Clone, Debug)]
pub struct RecipientOutcome {
    /// The forward-path, as the client sent it.
    pub address: String,
    /// The backend that was asked, by its name.
    pub backend: Option<String>,
    /// The reply's code.
    pub code: Code,
    /// The reply's enhanced code.
    pub status: Option<EnhancedCode>,
}

/// The end of a session.
#[derive(Clone, Debug)]
pub struct Ending {
    /// Why, in a few fixed words: "quit", "lost", "timeout", "errors", "policy", "drain", …
    pub reason: &'static str,
    /// Who ended it: "client", "server" or "backend".
    pub by: &'static str,
    /// The last command, as a verb.
    pub last_verb: Option<String>,
    /// How long it lasted.
    pub duration: Duration,
    /// Messages acknowledged.
    pub messages: usize,
    /// Octets of content taken.
    pub octets: u64,
}
