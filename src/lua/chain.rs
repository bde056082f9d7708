//! The policies of a listener in their order, and one session's.
//!
//! Observe mode, held refusals, `accept`, errors and budgets are settled behind the door, which knows none of them.

use std::cell::OnceCell;
use std::rc::Rc;

use mlua::AnyUserData;

use crate::lua::convert::session::SessionView;
use crate::lua::engine::Engine;
use crate::lua::judging::{self, Judging, Link};
use crate::lua::occasion::Occasion;
use crate::lua::policy::Policy;
use crate::lua::ruling::Ruling;
use crate::lua::run::{Ran, Run};
use crate::lua::tasks::Tasks;
use crate::policy::door::{Answer, Policies, SessionPolicies, SharedSession};
use crate::policy::event::{Credentials, Event, Report, Stage, Stages};
use crate::policy::mode::{Mode, PolicyUse};
use crate::policy::verdict::{Decision, Verified};

/// The policies of one listener.
#[derive(Debug)]
pub struct Chain {
    engine: Rc<Engine>,
    links: Rc<[Link]>,
    relay_domains: Rc<OnceCell<AnyUserData>>,
    /// Who checks logins, if that is a policy.
    verifier: Option<Rc<Policy>>,
}

impl Chain {
    /// The policies that a listener uses, in its order.
    ///
    /// Errors: the name of one that is not loaded.
    pub fn new(engine: &Rc<Engine>, uses: &[PolicyUse]) -> Result<Chain, String> {
        let mut links = Vec::with_capacity(uses.len());
        for used in uses {
            let Some(policy) = engine.policy(&used.name) else { return Err(used.name.clone()) };
            links.push(Link { policy: Rc::clone(policy), mode: used.mode.unwrap_or(policy.mode) });
        }
        let (engine, links) = (Rc::clone(engine), links.into());
        Ok(Chain { engine, links, relay_domains: Rc::default(), verifier: None })
    }

    /// The same, with the policy `name` to check logins, which need not be one of the listener's.
    ///
    /// *Errors*: its name, if it is not loaded or has no `verify` hook.
    pub fn verifying(self, name: &str) -> Result<Chain, String> {
        let policy = self.engine.policy(name).filter(|policy| policy.hook(Stage::Verify).is_some());
        let verifier = Some(Rc::clone(policy.ok_or_else(|| name.to_owned())?));
        Ok(Chain { verifier, ..self })
    }
}

impl Policies for Chain {
    fn stages(&self) -> Stages {
        let stages = self.links.iter().fold(Stages::default(), |all, link| all.union(link.policy.stages()));
        // A refusal that an earlier stage held back is said at RCPT.
        let can_hold = [Stage::Connect, Stage::Tls, Stage::Ehlo, Stage::Mail]
            .iter()
            .any(|stage| stages.contains(*stage));
        if can_hold { stages.with(Stage::Rcpt) } else { stages }
    }

    fn open(&self, session: SharedSession) -> Rc<dyn SessionPolicies> {
        let Engine { kit, sandbox, .. } = &*self.engine;
        let tasks = Rc::new(Tasks::default());
        Rc::new(SessionChain {
            engine: Rc::clone(&self.engine),
            links: Rc::clone(&self.links),
            verifier: self.verifier.clone(),
            view: SessionView::new(
                session,
                kit,
                sandbox.guard.now(),
                &self.relay_domains,
                Rc::downgrade(&tasks),
            ),
            _tasks: tasks,
        })
    }
}

/// The policies of one listener for one session.
#[derive(Clone)]
struct SessionChain {
    engine: Rc<Engine>,
    links: Rc<[Link]>,
    verifier: Option<Rc<Policy>>,
    view: Rc<SessionView>,
    /// The tasks of the session, which end when it is gone.
    _tasks: Rc<Tasks>,
}

impl SessionPolicies for SessionChain {
    fn decide<'a>(&'a self, event: Event<'a>) -> Answer<'a, Decision> {
        // Made where it stays: it is too large to be copied there.
        let place = Box::new_uninit();
        let held = judging::held(&self.view, &event);
        let mut judging = Box::write(place, Judging::new(&self.engine, &self.view, &self.links, event));
        if let Some(decision) = held {
            judging.end(decision);
        }
        Box::into_pin(judging)
    }

    fn verify<'a>(&'a self, credentials: &'a Credentials<'a>) -> Answer<'a, Verified> {
        Box::pin(async move {
            let Some(policy) = &self.verifier else { return Verified::Unknown };
            let event = Event::Verify(credentials);
            let mut run = Run::new(&self.engine, &self.view, Occasion::Event(event), Stage::Verify);
            // No mode and no `accept` counts here, and what else it asks for comes to nothing.
            match run.policy(policy, Mode::Enforce, &[]).await {
                Ran::Ended(ended) => match ended.ruling.map(|ruling| *ruling) {
                    Some(Ruling::Verified(verified)) => verified,
                    _ => Verified::Unknown,
                },
                Ran::Silent | Ran::Failed => Verified::Unknown,
            }
        })
    }

    fn tell(&self, report: Report) -> Answer<'static, ()> {
        let this = self.clone();
        // Now, not when the future first runs: the client may have begun the next transaction by then.
        let (stage, past) = match &report {
            Report::Outcome(outcome) => (Stage::Outcome, Some(this.view.end_transaction(outcome))),
            Report::Closed(_) => (Stage::Closed, None),
        };
        Box::pin(async move {
            let mut run = Run::new(&this.engine, &this.view, Occasion::Report(report, past), stage);
            for link in this.links.iter().filter(|link| link.policy.hook(stage).is_some()) {
                // Its errors are in the log; there is nothing else that could follow from them.
                run.policy(&link.policy, link.mode, &[]).await;
            }
            this.view.finish(stage);
        })
    }
}
