//! What all policies together make of an event: each is asked in its order, and the first verdict ends it.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use crate::lua::convert::session::SessionView;
use crate::lua::engine::Engine;
use crate::lua::occasion::Occasion;
use crate::lua::policy::Policy;
use crate::lua::ruling::Ruling;
use crate::lua::run::{Ran, Run};
use crate::policy::event::{Event, Stage};
use crate::policy::mode::Mode;
use crate::policy::verdict::{Decision, Verdict};
use crate::session::effects::{Acceptance, Effects, Held, PolicyName};
use crate::session::relay_guard::is_ours;
use crate::smtp::command::Rcpt;
use crate::smtp::path::ForwardPath;

/// One policy in a listener's list.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) policy: Rc<Policy>,
    pub(super) mode: Mode,
}

/// The decision of all policies of a session about one event.
///
/// Written as what it is between two polls, not as an `async` block: it is small until a hook waits, and few do.
pub(super) struct Judging<'a> {
    view: &'a SessionView,
    links: &'a [Link],
    run: Run<'a>,
    /// The place of the policy that is asked, or is the next.
    place: usize,
    decision: Decision,
    has_accepted: bool,
}

impl<'a> Judging<'a> {
    /// What the policies of `links` make of `event`; nobody has been asked yet.
    #[inline(always)]
    pub(super) fn new(
        engine: &'a Engine,
        view: &'a Rc<SessionView>,
        links: &'a [Link],
        event: Event<'a>,
    ) -> Self {
        let stage = event.stage();
        Judging {
            view,
            links,
            run: Run::new(engine, view, Occasion::Event(event), stage),
            place: 0,
            decision: Decision::accept(),
            has_accepted: false,
        }
    }

    /// Ends it before anybody is asked, with this decision.
    pub(super) fn end(&mut self, decision: Decision) {
        self.place = self.links.len();
        self.decision = decision;
    }

    /// Whether `link` is asked; one that is being asked already, is.
    fn asks(&self, link: &Link) -> bool {
        let (policy, stage) = (&link.policy, self.run.stage());
        self.run.has_begun()
            || policy.hook(stage).is_some()
                && (stage == Stage::Reply
                    || policy.required
                    || !self.has_accepted && !self.is_exempt(&policy.name))
    }

    /// Whether `policy` is passed over: by what stands, or by what this stage's hooks have asked for so far.
    fn is_exempt(&self, policy: &PolicyName) -> bool {
        let passes_over = |effects: &Effects| {
            effects.skips.iter().any(|skip| skip.policy == *policy)
                || effects.acceptance.as_ref().is_some_and(|acceptance| acceptance.policy != *policy)
        };
        self.decision.effects.as_deref().is_some_and(passes_over)
            || self.view.session.borrow().passes_over(policy)
    }
}

impl Future for Judging<'_> {
    type Output = Decision;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Decision> {
        let this = &mut *self;
        while let Some(link) = this.links.get(this.place) {
            if this.asks(link) {
                let ran = ready!(this.run.poll_policy(&link.policy, link.mode, &this.decision.edits, cx));
                if link.mode == Mode::Observe {
                    observed(this.view, &link.policy, this.run.stage(), &ran);
                } else {
                    match rule(&link.policy, this.run.stage(), ran, &mut this.decision) {
                        Next::Policy => {}
                        Next::Required => this.has_accepted = true,
                        Next::Nobody => break,
                    }
                }
            }
            this.place += 1;
        }
        Poll::Ready(mem::replace(&mut this.decision, Decision::accept()))
    }
}

/// The refusal that was held back until now, if `event` is a recipient, unless it is one whom nobody may keep mail from.
///
/// Source: RFC 5321 §4.5.1.
#[inline]
pub(super) fn held(view: &SessionView, event: &Event<'_>) -> Option<Decision> {
    match event {
        Event::Rcpt { rcpt, .. } => held_from(view, rcpt),
        _ => None,
    }
}

fn held_from(view: &SessionView, rcpt: &Rcpt) -> Option<Decision> {
    let session = view.session.borrow();
    let held = session.held()?;
    let relay = &session.rules().relay;
    let is_always = |local_part: &str| relay.always.contains(&local_part.to_ascii_lowercase());
    let is_spared = match &rcpt.forward_path {
        ForwardPath::Postmaster(_) => is_always("postmaster"),
        ForwardPath::Mailbox(mailbox) => is_ours(relay, mailbox) && is_always(&mailbox.unquoted_local_part()),
    };
    let verdict = Verdict::Refuse(held.reply.clone());
    (!is_spared).then(|| Decision { verdict, policy: Some(held.policy.clone()), ..Decision::accept() })
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
        Ran::Silent => return Next::Policy,
        Ran::Ended(ended) => *ended,
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
    match (&mut decision.effects, ran.effects) {
        (Some(all), Some(one)) => absorb(all, *one),
        (all @ None, one) => *all = one,
        (Some(_), None) => {}
    }
    decision.edits.extend(ran.edits);
    let name = || policy.name.clone();
    match ran.ruling.map(|ruling| *ruling) {
        None => Next::Policy,
        Some(Ruling::Refuse { reply, is_held: true, unless_auth }) => {
            decision.effects.get_or_insert_default().held.get_or_insert(Held {
                reply,
                unless_auth,
                policy: name(),
            });
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
                decision
                    .effects
                    .get_or_insert_default()
                    .acceptance
                    .get_or_insert(Acceptance { policy: name(), scope });
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
fn observed(view: &SessionView, policy: &Policy, stage: Stage, ran: &Ran) {
    let would_have = match ran {
        Ran::Silent => return,
        Ran::Failed => "failed".to_owned(),
        Ran::Ended(ended) => match ended.ruling.as_deref() {
            None | Some(Ruling::Verified(_)) => return,
            Some(Ruling::Refuse { reply, is_held: false, .. }) => reply.to_string(),
            Some(Ruling::Refuse { reply, .. }) => format!("{reply} (at RCPT)"),
            Some(Ruling::Discard(why)) => format!("discarded: {why}"),
            Some(Ruling::Accept(_)) => "accepted".to_owned(),
        },
    };
    let session = view.session.borrow().identity().id;
    tracing::info!(policy = %policy.name, hook = stage.as_str(), %session, would_have, "observed");
}
