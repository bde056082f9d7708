//! The policies of a listener in their order: the first verdict of a stage ends it.
//!
//! Observe mode, held refusals, `accept`, errors and budgets are settled here; the door knows none of them.

use std::cell::OnceCell;
use std::rc::Rc;
use std::time::Duration;

use mlua::AnyUserData;

use crate::lua::convert::session::SessionView;
use crate::lua::engine::Engine;
use crate::lua::occasion::Occasion;
use crate::lua::policy::Policy;
use crate::lua::ruling::Ruling;
use crate::lua::run::{Ran, Run};
use crate::lua::tasks::Tasks;
use crate::policy::door::{Answer, Policies, SessionPolicies, SharedSession};
use crate::policy::event::{Credentials, Event, Report, Stage, Stages};
use crate::policy::mode::{Mode, PolicyUse};
use crate::policy::verdict::{Decision, Verdict, Verified};
use crate::session::effects::{Acceptance, Effects, Held};
use crate::session::relay_guard::is_ours;
use crate::smtp::command::Rcpt;
use crate::smtp::path::ForwardPath;

/// The policies of one listener.
#[derive(Debug)]
pub struct Chain {
    engine: Rc<Engine>,
    links: Rc<[Link]>,
    relay_domains: Rc<OnceCell<AnyUserData>>,
    /// Who checks logins, if that is a policy.
    verifier: Option<Rc<Policy>>,
}

/// One policy in a listener's list.
#[derive(Debug)]
struct Link {
    policy: Rc<Policy>,
    mode: Mode,
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
        let judging = self.judge(event);
        debug_assert!(
            size_of_val(&judging) <= 1024,
            "{} octets for each hook that waits",
            size_of_val(&judging)
        );
        Box::pin(judging)
    }

    fn verify<'a>(&'a self, credentials: &'a Credentials<'a>) -> Answer<'a, Verified> {
        Box::pin(async move {
            let Some(policy) = &self.verifier else { return Verified::Unknown };
            let event = Event::Verify(credentials);
            let mut run = Run::new(&self.engine, &self.view, Occasion::Event(&event), Stage::Verify);
            // No mode and no `accept` counts here, and what else it asks for comes to nothing.
            match run.policy(policy, Mode::Enforce, &[]).await {
                Ran::Ended(ended) => match ended.ruling {
                    Some(Ruling::Verified(verified)) => verified,
                    _ => Verified::Unknown,
                },
                Ran::Failed => Verified::Unknown,
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
            let mut run = Run::new(&this.engine, &this.view, Occasion::Report(&report, past.as_ref()), stage);
            for link in this.links.iter().filter(|link| link.policy.hook(stage).is_some()) {
                // Its errors are in the log; there is nothing else that could follow from them.
                run.policy(&link.policy, link.mode, &[]).await;
            }
            this.view.finish(stage);
        })
    }
}

impl SessionChain {
    /// The decision of all policies about `event`.
    async fn judge(&self, event: Event<'_>) -> Decision {
        let stage = event.stage();
        if let Event::Rcpt { rcpt, .. } = &event
            && let Some(decision) = self.held(rcpt)
        {
            return decision;
        }
        // Apart from the future, which is one that the allocator keeps at hand as long as it is small.
        let mut decision = Box::new(Decision::accept());
        let mut has_accepted = false;
        let mut run = Run::new(&self.engine, &self.view, Occasion::Event(&event), stage);
        for link in self.links.iter().filter(|link| link.policy.hook(stage).is_some()) {
            if stage != Stage::Reply
                && !link.policy.required
                && (has_accepted || self.is_exempt(link, &decision.effects))
            {
                continue;
            }
            let ran = run.policy(&link.policy, link.mode, &decision.edits).await;
            if link.mode == Mode::Observe {
                observed(&link.policy, stage, &ran);
                continue;
            }
            match rule(&link.policy, stage, ran, &mut decision) {
                Next::Policy => {}
                Next::Required => has_accepted = true,
                Next::Nobody => break,
            }
        }
        *decision
    }

    /// Whether the policy is passed over: by what stands, or by what this stage's hooks have asked for so far.
    fn is_exempt(&self, link: &Link, effects: &Effects) -> bool {
        let name = &link.policy.name;
        effects.skips.iter().any(|skip| skip.policy == *name)
            || effects.acceptance.as_ref().is_some_and(|acceptance| acceptance.policy != *name)
            || self.view.session.borrow().passes_over(name)
    }

    /// The refusal that was held back until now, unless `rcpt` is one whom nobody may keep mail from.
    ///
    /// Source: RFC 5321 §4.5.1.
    fn held(&self, rcpt: &Rcpt) -> Option<Decision> {
        let session = self.view.session.borrow();
        let held = session.held()?;
        let relay = &session.rules().relay;
        let is_always = |local_part: &str| relay.always.contains(&local_part.to_ascii_lowercase());
        let is_spared = match &rcpt.forward_path {
            ForwardPath::Postmaster(_) => is_always("postmaster"),
            ForwardPath::Mailbox(mailbox) => {
                is_ours(relay, mailbox) && is_always(&mailbox.unquoted_local_part())
            }
        };
        let verdict = Verdict::Refuse(held.reply.clone());
        (!is_spared).then(|| Decision { verdict, policy: Some(held.policy.clone()), ..Decision::accept() })
    }
}

/// Who is asked next.
enum Next {
    Policy,
    Required,
    Nobody,
}

/// Lays what `policy` said upon `decision`.
fn rule(policy: &Policy, stage: Stage, ran: Ran, decision: &mut Decision) -> Next {
    let ran = match ran {
        Ran::Ended(ended) => ended,
        Ran::Failed => {
            return match policy.failure(stage) {
                Some(reply) => {
                    decision.verdict = Verdict::Refuse(reply);
                    decision.policy = Some(policy.name.clone());
                    Next::Nobody
                }
                None => Next::Policy,
            };
        }
    };
    if let Some(effects) = ran.effects {
        absorb(&mut decision.effects, *effects);
    }
    decision.edits.extend(ran.edits);
    let name = || policy.name.clone();
    match ran.ruling {
        None => Next::Policy,
        Some(Ruling::Refuse { reply, is_held: true, unless_auth }) => {
            decision.effects.held.get_or_insert(Held { reply, unless_auth, policy: name() });
            Next::Policy
        }
        Some(Ruling::Refuse { reply, .. }) => {
            decision.verdict = Verdict::Refuse(reply);
            decision.policy = Some(name());
            Next::Nobody
        }
        Some(Ruling::Verified(_)) => Next::Policy,
        Some(Ruling::Discard(why)) => {
            decision.verdict = Verdict::Discard { why };
            decision.policy = Some(name());
            Next::Nobody
        }
        Some(Ruling::Accept(scope)) => {
            decision.policy = Some(name());
            if let Some(scope) = scope {
                decision.effects.acceptance.get_or_insert(Acceptance { policy: name(), scope });
            }
            Next::Required
        }
    }
}

/// Adds what one policy asked for to what those before it did.
fn absorb(all: &mut Effects, one: Effects) {
    all.grant = all.grant.take().or(one.grant);
    all.delay = all.delay.saturating_add(one.delay).min(Duration::from_secs(300));
    all.reverse_path = one.reverse_path.or(all.reverse_path.take());
    all.forward_path = one.forward_path.or(all.forward_path.take());
    all.scores.extend(one.scores);
    all.notes.extend(one.notes);
    all.skips.extend(one.skips);
    all.acceptance = all.acceptance.take().or(one.acceptance);
    all.held = all.held.take().or(one.held);
    all.recipients.extend(one.recipients);
    all.headers.extend(one.headers);
}

/// Logs what an observing policy would have done.
fn observed(policy: &Policy, stage: Stage, ran: &Ran) {
    let would_have = match ran {
        Ran::Failed => "failed".to_owned(),
        Ran::Ended(ended) => match &ended.ruling {
            None | Some(Ruling::Verified(_)) => return,
            Some(Ruling::Refuse { reply, is_held: false, .. }) => reply.to_string(),
            Some(Ruling::Refuse { reply, .. }) => format!("{reply} (at RCPT)"),
            Some(Ruling::Discard(why)) => format!("discarded: {why}"),
            Some(Ruling::Accept(_)) => "accepted".to_owned(),
        },
    };
    tracing::info!(policy = %policy.name, stage = stage.as_str(), would_have, "observed");
}
