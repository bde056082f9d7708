//! The one rule, as types: a message is acknowledged when somebody has taken it, and never before.

use crate::smtp::reply::Reply;

/// The proof that somebody has taken the message, or that a policy chose to throw it away.
///
/// The client's 2yz after its end of data is written from one of these and from nothing else.
/// Source: RFC 5321 §4.2.5, §6.1.
#[derive(Clone, Debug)]
#[must_use = "an acknowledgement is passed on to the client"]
pub struct Ack {
    reply: Reply,
    source: Source,
}

/// Who has taken the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// The backend said 2yz to the end of data.
    Backend,
    /// It is on disk: written, flushed, renamed, the folder flushed.
    Stored,
    /// Nobody: a policy discards it.
    Discarded,
}

impl Source {
    /// The word that metrics use.
    pub fn as_str(self) -> &'static str {
        match self {
            Source::Backend => "backend",
            Source::Stored => "stored",
            Source::Discarded => "discarded",
        }
    }
}

impl Ack {
    /// The acknowledgement that the backend's screened `reply` to the end of data is; nothing if it is none.
    pub(super) fn of_backend(reply: &Reply) -> Option<Ack> {
        reply.is_positive().then(|| Ack { reply: reply.clone(), source: Source::Backend })
    }

    /// The acknowledgement of a message that `name` names in a durable store.
    pub(super) fn of_store(name: &str) -> Ack {
        Ack { reply: Reply::new(250, (2, 0, 0), format!("Ok: stored as {name}")), source: Source::Stored }
    }

    /// The acknowledgement of a message that a policy throws away.
    pub fn of_discard() -> Ack {
        Ack { reply: Reply::OK, source: Source::Discarded }
    }

    /// What the client hears.
    pub fn reply(&self) -> &Reply {
        &self.reply
    }

    /// Who has taken it.
    pub fn source(&self) -> Source {
        self.source
    }
}

/// The answer to a complete message.
#[derive(Clone, Debug)]
pub enum Delivery {
    /// It was taken.
    Acknowledged(Ack),
    /// It was refused, with this 4yz or 5yz.
    Refused(Reply),
}

/// A recipient that a policy added and the backend refuses for good: the message goes to the others.
#[derive(Clone, Debug)]
pub struct LeftOut {
    /// Its forward-path, without brackets.
    pub path: String,
    /// The refusal.
    pub reply: Reply,
}

/// The answers to the recipients of an envelope that were asked for, and to DATA where it was sent with them.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// The refusal of MAIL, as MAIL hears it; nothing if it was accepted or known already.
    pub mail: Option<Reply>,
    /// One reply for each recipient that was not accepted yet, in order.
    pub recipients: Vec<Reply>,
    /// The reply to DATA: 354, or a refusal.
    pub data: Option<Reply>,
}
