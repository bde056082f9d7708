//! What a verdict says, and where a script made it.

use crate::policy::verdict::Verified;
use crate::session::effects::Scope;
use crate::smtp::reply::Reply;

/// A verdict that a hook has made; the same one must come back as its result.
#[derive(Clone, Debug)]
pub(super) struct Made {
    /// "file:line" where it was made.
    pub(super) line: String,
    /// What it says.
    pub(super) ruling: Ruling,
}

/// What a verdict says.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Ruling {
    /// This reply, or later at RCPT.
    Refuse {
        /// What is said.
        reply: Reply,
        /// Whether it is held back until RCPT.
        is_held: bool,
        /// Whether a login or a relay grant lifts it while it is held.
        unless_auth: bool,
    },
    /// The other policies are passed over: at this stage, or for longer.
    Accept(Option<Scope>),
    /// 250 to the client, nothing to the backend.
    Discard(String),
    /// Of a login: whether it is right.
    Verified(Verified),
}
