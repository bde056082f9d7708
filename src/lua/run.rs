//! The hooks of one stage, run one after the other: each on its budget, its result read, its errors logged.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

use mlua::{Function, Value};
use tokio::time::{Instant, sleep_until};

use crate::lua::budget::{HookCall, Stopped};
use crate::lua::call::Call;
use crate::lua::convert::session::SessionView;
use crate::lua::engine::Engine;
use crate::lua::failure;
use crate::lua::occasion::Occasion;
use crate::lua::parking::{Admission, Berth};
use crate::lua::policy::Policy;
use crate::lua::ruling::Ruling;
use crate::lua::verdict;
use crate::message::edit::Edit;
use crate::observe::policy_counts::{self, HookCounts, Opinion};
use crate::policy::event::Stage;
use crate::policy::mode::Mode;
use crate::policy::verdict::Verified;
use crate::session::effects::Effects;

/// How a hook ended.
pub(super) enum Ran {
    /// As it should.
    Ended(Ended),
    /// With an error, which is in the log.
    Failed,
}

/// What a hook said and asked for; most say nothing, and that takes no memory.
pub(super) struct Ended {
    pub(super) ruling: Option<Box<Ruling>>,
    pub(super) effects: Option<Box<Effects>>,
    pub(super) edits: Vec<Edit>,
}

/// Why a hook gave no verdict.
struct Failure {
    words: String,
    /// Whether it has overrun its budget.
    is_overrun: bool,
}

impl Failure {
    fn error(words: String) -> Failure {
        Failure { words, is_overrun: false }
    }
}

/// One stage of one session.
pub(super) struct Run<'a> {
    engine: &'a Engine,
    view: &'a Rc<SessionView>,
    occasion: Occasion<'a>,
    stage: Stage,
    /// When the time of all policies together is over; counted from the first wait.
    end: Option<Instant>,
    /// The hooks' second argument, once there was a hook.
    subject: Option<Value>,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        engine: &'a Engine,
        view: &'a Rc<SessionView>,
        occasion: Occasion<'a>,
        stage: Stage,
    ) -> Self {
        Run { engine, view, occasion, stage, end: None, subject: None }
    }

    /// Runs the hook of `policy`, whose verdicts count as `mode` says. `edits` are those of the policies before it at this stage.
    pub(super) async fn policy(&mut self, policy: &Policy, mode: Mode, edits: &[Edit]) -> Ran {
        let Some(hook) = policy.hook(self.stage) else { return Ran::Failed };
        let message = self.occasion.message();
        let mut known = message.as_ref().map(|message| message.edits.clone()).unwrap_or_default();
        known.extend_from_slice(edits);
        let known_edits = known.len();
        let call = Rc::new(Call {
            stage: Some(self.stage),
            session: Some(Rc::clone(self.view)),
            is_observing: mode == Mode::Observe,
            budget: policy.budget,
            message,
            past: self.occasion.past(),
            edits: RefCell::new(known),
            ..Call::load(policy.name.clone(), policy.capabilities.clone())
        });
        let berth = policy.berths.get().and_then(|berths| berths.get(self.stage as usize));
        let admission = berth.map_or(Admission::Runs, |berth| berth.admit());
        if admission == Admission::TurnedAway {
            return Ran::Failed;
        }
        let result = self.call(policy, hook, &call).await;
        if let Some(berth) = berth {
            self.settle(policy, berth, admission, &result);
        }
        let result = result.map_err(|failure| failure.words);
        if let Some(counts) = self.counts(policy) {
            count(counts, &result, mode);
        }
        match result {
            Ok(ruling) => Ran::Ended(Ended {
                ruling,
                effects: call.effects.take(),
                edits: call.edits.take().split_off(known_edits),
            }),
            Err(problem) => {
                failure::log(&call, self.stage.as_str(), &problem, self.engine.sandbox.guard.listing());
                Ran::Failed
            }
        }
    }

    /// The hook's verdict, or what went wrong.
    async fn call(
        &mut self,
        policy: &Policy,
        hook: &Function,
        call: &Rc<Call>,
    ) -> Result<Option<Box<Ruling>>, Failure> {
        let failed = |error: mlua::Error| Failure::error(error.to_string());
        self.prepare(call).map_err(failed)?;
        let subject = self.subject.as_ref().unwrap_or(&Value::Nil);
        let session = self.view.table().map_err(failed)?;
        let sandbox = &self.engine.sandbox;
        let mut running = HookCall::new(
            &sandbox.lua,
            &sandbox.guard,
            Rc::clone(call),
            policy.allowance(),
            hook,
            (session, subject, &policy.options),
        );
        let (mut timer, mut wait) = (None, None);
        let returned = poll_fn(|cx| {
            if let Poll::Ready(returned) = Pin::new(&mut running).poll(cx) {
                return Poll::Ready(returned);
            }
            // Most hooks don't wait: no timer for them.
            wait.get_or_insert_with(|| self.engine.waiting.enter());
            let (timer, is_own) = timer.get_or_insert_with(|| {
                let (end, is_own) = self.end(policy);
                (Box::pin(sleep_until(end)), is_own)
            });
            timer.as_mut().poll(cx).map(|()| Err(if *is_own { Stopped::Time } else { Stopped::StageTime }))
        })
        .await;
        if let Some(counts) = self.counts(policy) {
            counts.took(running.elapsed());
        }
        let kept = call.check_vars();
        let returned = returned
            .map_err(|stopped| Failure { is_overrun: stopped.is_overrun(), words: stopped.to_string() })?;
        kept.and_then(|()| verdict::ruling(call, &returned)).map_err(Failure::error)
    }

    /// Parks the hook if that is what its end calls for, or lets it go.
    fn settle(
        &self,
        policy: &Policy,
        berth: &Berth,
        admission: Admission,
        result: &Result<Option<Box<Ruling>>, Failure>,
    ) {
        let hook = self.stage.as_str();
        if matches!(result, Err(failure) if failure.is_overrun) {
            if berth.overrun(self.view.client_address()) {
                tracing::warn!(
                    policy = %policy.name,
                    hook,
                    "parked: three overruns of its budget in a minute; its on_error is said until it is well again"
                );
            }
        } else if admission == Admission::Tries {
            berth.leave();
            tracing::warn!(policy = %policy.name, hook, "no longer parked");
        }
    }

    fn counts<'p>(&self, policy: &'p Policy) -> Option<&'p HookCounts> {
        policy.counts.get()?.get(self.stage as usize).map(|counts| &**counts)
    }

    /// When a hook of `policy` that waits now must have ended, and whether for its own budget.
    fn end(&mut self, policy: &Policy) -> (Instant, bool) {
        let now = Instant::now();
        let all = *self.end.get_or_insert(now + self.engine.stage_time);
        let own = now + policy.budget.time;
        (all.min(own), own <= all)
    }

    /// Makes the subject, if this is the first hook for it.
    fn prepare(&mut self, call: &Rc<Call>) -> mlua::Result<()> {
        let subject = match &self.subject {
            Some(subject) => subject,
            None => self.subject.insert(self.occasion.subject(self.view, call)?),
        };
        call.subject.set(subject.to_pointer());
        Ok(())
    }
}

/// Counts how a hook ended.
fn count(counts: &HookCounts, result: &Result<Option<Box<Ruling>>, String>, mode: Mode) {
    let mode = match mode {
        Mode::Enforce => policy_counts::Mode::Enforce,
        Mode::Observe => policy_counts::Mode::Observe,
    };
    let Ok(ruling) = result else { return counts.count_error(mode) };
    let opinion = match ruling.as_deref() {
        None | Some(Ruling::Verified(Verified::Unknown)) => Opinion::None,
        Some(Ruling::Verified(Verified::Nobody)) => Opinion::Reject,
        Some(Ruling::Verified(_)) => Opinion::Accept,
        Some(Ruling::Accept(_)) => Opinion::Accept,
        Some(Ruling::Discard(_)) => Opinion::Discard,
        Some(Ruling::Refuse { reply, .. }) if reply.is_closing() => Opinion::Disconnect,
        Some(Ruling::Refuse { reply, .. }) if reply.is_transient() => Opinion::Defer,
        Some(Ruling::Refuse { .. }) => Opinion::Reject,
    };
    counts.count(opinion, mode);
}
