//! What policies decide: a verdict, and the effects that come with it.

use std::time::Duration;

use crate::message::edit::Edit;
use crate::session::effects::{Effects, PolicyName};
use crate::smtp::reply::Reply;

/// The answer of all policies together at one stage.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Go on.
    Accept,
    /// Say this 4yz or 5yz; 421 also closes.
    Refuse(Reply),
    /// Say 250 and pass nothing on.
    Discard {
        /// Why, for the log.
        why: String,
    },
}

/// What a policy that checks logins says of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verified {
    /// It is right, and the user is who it says it is; a token shows nothing of that.
    Claimed,
    /// It is right, and this is the user's name.
    User(String),
    /// It is wrong.
    Nobody,
    /// The policy can't tell, or has failed.
    Unknown,
}

/// A verdict with its author and with what the hooks asked for besides.
#[derive(Clone, Debug)]
pub struct Decision {
    /// What to do.
    pub verdict: Verdict,
    /// The policy that decided; none when nobody had an opinion.
    pub policy: Option<PolicyName>,
    /// What the hooks asked for; most ask for nothing, and that takes no memory.
    pub effects: Option<Box<Effects>>,
    /// Changes of the message, from `header` and `message` hooks, in order.
    pub edits: Vec<Edit>,
}

impl Decision {
    /// The decision of a listener without policies.
    pub fn accept() -> Self {
        Decision { verdict: Verdict::Accept, policy: None, effects: None, edits: Vec::new() }
    }

    /// How long the hooks want the reply held back.
    pub fn delay(&self) -> Duration {
        self.effects.as_ref().map_or(Duration::ZERO, |effects| effects.delay)
    }

    /// Takes what the hooks asked for out of it.
    pub fn take_effects(&mut self) -> Effects {
        self.effects.take().map_or_else(Effects::default, |effects| *effects)
    }
}
