//! What hooks asked for besides a verdict, as values; `commit` applies them, and only `commit`.

use std::rc::Rc;
use std::time::Duration;

use crate::smtp::path::{ForwardPath, Mailbox, ReversePath};
use crate::smtp::reply::Reply;

/// The name of a policy, as in the configuration.
pub type PolicyName = Rc<str>;

/// The effects of the hooks of one stage. The default asks for nothing.
#[derive(Clone, Debug, Default)]
pub struct Effects {
    /// A grant to relay, for as long as the stage that gave it lasts.
    pub grant: Option<Grant>,
    /// How long the reply is held back.
    pub delay: Duration,
    /// The reverse-path that the backend is to see (`mail:rewrite`).
    pub reverse_path: Option<ReversePath>,
    /// The forward-path that the backend is to see (`rcpt:rewrite`); the relay guard judges it.
    pub forward_path: Option<ForwardPath>,
    /// Points given, in order.
    pub scores: Vec<Score>,
    /// Fields for the log, in order.
    pub notes: Vec<(String, String)>,
    /// Policies that have no verdict from now on.
    pub skips: Vec<Skip>,
    /// All other policies have no verdict for this long (`accept("session")`).
    pub acceptance: Option<Acceptance>,
    /// A refusal that is said at the first RCPT.
    pub held: Option<Held>,
    /// Recipients added or removed, in order.
    pub recipients: Vec<RecipientChange>,
    /// Fields to put on top of the message when it passes: name and value.
    pub headers: Vec<(String, String)>,
}

/// Why a client may name a recipient outside the relay domains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The policy that granted.
    pub policy: PolicyName,
    /// Its words.
    pub why: String,
}

/// Points that a policy gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// The name of what was found.
    pub symbol: String,
    /// How much it weighs; negative speaks for the client.
    pub points: f64,
    /// Who gave them.
    pub policy: PolicyName,
}

/// How long an `accept` or a `skip` lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// To the end of the transaction.
    Transaction,
    /// To the end of the session.
    Session,
}

/// A policy that is passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skip {
    /// Whose verdicts no longer count.
    pub policy: PolicyName,
    /// For how long.
    pub scope: Scope,
}

/// An `accept` that outlasts its stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acceptance {
    /// The policy that accepted.
    pub policy: PolicyName,
    /// For how long.
    pub scope: Scope,
}

/// A refusal that waits for the first RCPT, so that the log has the envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// What will be said.
    pub reply: Reply,
    /// Whether a login or a relay grant in between lifts it.
    pub unless_auth: bool,
    /// Who refused.
    pub policy: PolicyName,
}

/// A change of the envelope by a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecipientChange {
    /// One more; the relay guard judges it.
    Add(Mailbox),
    /// One less: every recipient with this address; and the policy that wants that.
    Remove(Mailbox, PolicyName),
}

impl Effects {
    /// What remains of the effects of a command that was refused: what was counted, noted and held.
    pub fn of_refusal(self) -> Effects {
        Effects {
            scores: self.scores,
            notes: self.notes,
            held: self.held,
            delay: self.delay,
            ..Effects::default()
        }
    }
}
