//! The two traits of the door: what a set of policies is, and one session's view of it.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use crate::policy::event::{Credentials, Event, Report, Stages};
use crate::policy::verdict::{Decision, Verified};
use crate::session::state::Session;

/// A session as policies see it while it lives. Borrowed for moments only, never over a wait.
pub type SharedSession = Rc<RefCell<Session>>;

/// A future that stays on its worker.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// The policies of one listener on one worker.
pub trait Policies {
    /// The stages at which any of them has something to say or hear; at others they are not asked.
    fn stages(&self) -> Stages;

    /// Their view of a new session.
    fn open(&self, session: SharedSession) -> Rc<dyn SessionPolicies>;
}

/// The policies of one listener, for one session.
pub trait SessionPolicies {
    /// Asks for a verdict. Never fails: what goes wrong in a policy has become a verdict already.
    fn decide<'a>(&'a self, event: Event<'a>) -> Answer<'a, Decision>;

    /// Asks the one policy that checks logins. Never fails, either.
    fn verify<'a>(&'a self, _credentials: &'a Credentials<'a>) -> Answer<'a, Verified> {
        Box::pin(async { Verified::Unknown })
    }

    /// Tells what has happened. Nobody waits for it but the end of the session.
    fn tell(&self, report: Report) -> Answer<'static, ()>;
}
