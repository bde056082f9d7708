//! The hooks of one stage, run one after the other: each on its budget, its result read, its errors logged.

use std::cell::{Cell, RefCell};
use std::ffi::c_void;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use mlua::Value;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::lua::budget::{HookCall, Returned, Stopped};
use crate::lua::call::Call;
use crate::lua::convert::session::SessionView;
use crate::lua::engine::Engine;
use crate::lua::failure;
use crate::lua::occasion::Occasion;
use crate::lua::parking::{Admission, Berth};
use crate::lua::policy::Policy;
use crate::lua::ruling::Ruling;
use crate::lua::sandbox::Sandbox;
use crate::lua::verdict;
use crate::lua::waits::Waits;
use crate::message::edit::Edit;
use crate::message::view::MessageView;
use crate::observe::policy_counts::{self, HookCounts, Opinion};
use crate::policy::event::Stage;
use crate::policy::mode::Mode;
use crate::policy::verdict::Verified;
use crate::policy::waiting::Wait;
use crate::session::effects::Effects;
use crate::session::identity::SessionId;

/// How a hook ended.
pub(super) enum Ran {
    /// As most do: it had no opinion and asked for nothing.
    Silent,
    /// With something to say.
    Ended(Box<Ended>),
    /// With an error, which is in the log.
    Failed,
}

/// What a hook said and asked for.
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

/// One stage of one session.
pub(super) struct Run<'a> {
    engine: &'a Engine,
    view: &'a Rc<SessionView>,
    occasion: Occasion<'a>,
    stage: Stage,
    /// When the time of all policies together is over; counted from the first wait.
    end: Option<Instant>,
    /// The hooks' second argument and where it lies, once it was made for a hook.
    subject: Option<(Value, *const c_void)>,
    /// The hook that has begun and not ended.
    begun: Option<Begun>,
}

/// A hook that has begun.
struct Begun {
    call: Rc<Call>,
    running: HookCall,
    admission: Admission,
    /// How many edits the message had before it.
    known_edits: usize,
    /// What bounds its waits; most hooks never wait.
    bound: Option<Box<Bound>>,
}

/// The time that a hook has that waits, for a look-up or for its next slice.
struct Bound {
    timer: Pin<Box<Sleep>>,
    /// Whether that is its own budget, and not that of all policies.
    is_own: bool,
    _wait: Wait,
}

impl<'a> Run<'a> {
    #[inline]
    pub(super) fn new(
        engine: &'a Engine,
        view: &'a Rc<SessionView>,
        occasion: Occasion<'a>,
        stage: Stage,
    ) -> Self {
        Run { engine, view, occasion, stage, end: None, subject: None, begun: None }
    }

    /// The stage.
    pub(super) fn stage(&self) -> Stage {
        self.stage
    }

    /// Whether a hook has begun that has not ended.
    pub(super) fn has_begun(&self) -> bool {
        self.begun.is_some()
    }

    /// Runs the hook of `policy`, whose verdicts count as `mode` says. `edits` are those of the policies before it at this stage.
    pub(super) async fn policy(&mut self, policy: &Policy, mode: Mode, edits: &[Edit]) -> Ran {
        poll_fn(|cx| self.poll_policy(policy, mode, edits, cx)).await
    }

    /// The same, to be polled with the same policy until it is ready.
    #[inline]
    pub(super) fn poll_policy(
        &mut self,
        policy: &Policy,
        mode: Mode,
        edits: &[Edit],
        cx: &mut Context<'_>,
    ) -> Poll<Ran> {
        let begun = match &mut self.begun {
            Some(begun) => begun,
            None => match self.begin(policy, mode, edits) {
                Ok(begun) => begun,
                Err(ran) => return Poll::Ready(ran),
            },
        };
        let Poll::Ready(returned) = Pin::new(&mut begun.running).poll(cx) else {
            return self.poll_bound(policy, mode, cx);
        };
        Poll::Ready(self.finish(policy, mode, returned))
    }

    /// Looks whether the time of a hook that waits is over.
    #[cold]
    fn poll_bound(&mut self, policy: &Policy, mode: Mode, cx: &mut Context<'_>) -> Poll<Ran> {
        let fresh = self.begun.as_ref().is_some_and(|begun| begun.bound.is_none()).then(|| {
            let (end, is_own) = self.end(policy);
            Box::new(Bound { timer: Box::pin(sleep_until(end)), is_own, _wait: self.engine.waiting.enter() })
        });
        let Some(begun) = &mut self.begun else { return Poll::Pending };
        let bound = match fresh {
            Some(fresh) => begun.bound.insert(fresh),
            None => match &mut begun.bound {
                Some(bound) => bound,
                None => return Poll::Pending,
            },
        };
        ready!(bound.timer.as_mut().poll(cx));
        let stopped = if bound.is_own { Stopped::Time } else { Stopped::StageTime };
        Poll::Ready(self.finish(policy, mode, Err(Box::new(stopped))))
    }

    /// Begins the hook of `policy`; how it ended, if it can't.
    #[inline(always)]
    fn begin(&mut self, policy: &Policy, mode: Mode, edits: &[Edit]) -> Result<&mut Begun, Ran> {
        let Some(hook) = policy.hook(self.stage) else { return Err(Ran::Failed) };
        let message = self.occasion.message();
        // Made where it stays: it is too large to be copied there.
        let call = Rc::new_cyclic(|_| Call {
            policy: Rc::clone(&policy.name),
            capabilities: policy.capabilities.clone(),
            folder: None,
            stage: Some(self.stage),
            session: Some(Rc::clone(self.view)),
            is_observing: mode == Mode::Observe,
            message,
            past: self.occasion.past(),
            subject: Cell::new(std::ptr::null()),
            effects: RefCell::new(None),
            edits: RefCell::new(Vec::new()),
            made: RefCell::new(Vec::new()),
            is_task: false,
            budget: policy.budget,
            asking: RefCell::new(Vec::new()),
            has_touched_vars: Cell::new(false),
            waits: Waits::default(),
        });
        let mut known_edits = 0;
        if call.message.is_some() || !edits.is_empty() {
            let known = all_edits(call.message.as_deref(), edits);
            known_edits = known.len();
            call.edits.replace(known);
        }
        let admission = self.berth(policy).map_or(Admission::Runs, Berth::admit);
        if admission == Admission::TurnedAway {
            return Err(Ran::Failed);
        }
        let Sandbox { lua, guard, .. } = &self.engine.sandbox;
        let subject = subject(&mut self.subject, &self.occasion, &self.engine.sandbox, self.view, &call);
        let arguments = subject.and_then(|subject| Ok((self.view.table()?, subject, &policy.options)));
        let running = HookCall::new(lua, guard, Rc::clone(&call), policy.allowance(), hook, arguments);
        Ok(self.begun.insert(Begun { call, running, admission, known_edits, bound: None }))
    }

    /// Reads what the hook gave that has begun, and takes note of its end.
    #[inline]
    fn finish(&mut self, policy: &Policy, mode: Mode, returned: Result<Returned, Box<Stopped>>) -> Ran {
        let Some(begun) = &self.begun else { return Ran::Failed };
        if let Some(counts) = self.counts(policy) {
            counts.took(begun.running.elapsed());
        }
        let kept = begun.call.check_vars(begun.running.lua());
        let result = match returned {
            Ok(returned) => kept
                .and_then(|()| verdict::ruling(&begun.call, returned.as_deref().unwrap_or(&Value::Nil)))
                .map_err(|words| Failure { words, is_overrun: false }),
            Err(stopped) => Err(Failure { is_overrun: stopped.is_overrun(), words: stopped.to_string() }),
        };
        let (call, known_edits, admission) = (Rc::clone(&begun.call), begun.known_edits, begun.admission);
        self.begun = None; // one whose time is over ends here
        self.conclude(policy, mode, (&call, known_edits, admission), result)
    }

    /// Counts and logs how a hook ended; what it said and asked for.
    #[inline]
    fn conclude(
        &self,
        policy: &Policy,
        mode: Mode,
        (call, known_edits, admission): (&Call, usize, Admission),
        result: Result<Option<Box<Ruling>>, Failure>,
    ) -> Ran {
        if let Some(berth) = self.berth(policy) {
            self.settle(policy, berth, admission, result.as_ref().err());
        }
        if let Some(counts) = self.counts(policy) {
            count(counts, &result, mode);
        }
        let ruling = match result {
            Ok(ruling) => ruling,
            Err(Failure { words, .. }) => {
                failure::log(call, self.stage.as_str(), &words, self.engine.sandbox.guard.listing());
                return Ran::Failed;
            }
        };
        let is_silent =
            ruling.is_none() && call.effects.borrow().is_none() && call.edits.borrow().len() == known_edits;
        if is_silent {
            return Ran::Silent;
        }
        let edits = call.edits.take().split_off(known_edits);
        Ran::Ended(Box::new(Ended { ruling, effects: call.effects.take(), edits }))
    }

    /// Parks the hook if that is what its end calls for, or lets it go.
    fn settle(&self, policy: &Policy, berth: &Berth, admission: Admission, failure: Option<&Failure>) {
        let hook = self.stage.as_str();
        if failure.is_some_and(|failure| failure.is_overrun) {
            if berth.overrun(self.view.client_address()) {
                tracing::warn!(
                    policy = %policy.name,
                    hook,
                    session = %self.session_id(),
                    "parked: three overruns of its budget in a minute; its on_error is said until it is well again"
                );
            }
        } else if admission == Admission::Tries {
            berth.leave();
            tracing::warn!(policy = %policy.name, hook, session = %self.session_id(), "no longer parked");
        }
    }

    fn session_id(&self) -> SessionId {
        self.view.session.borrow().identity().id
    }

    fn counts<'p>(&self, policy: &'p Policy) -> Option<&'p HookCounts> {
        policy.counts.get()?.get(self.stage as usize).map(|counts| &**counts)
    }

    fn berth<'p>(&self, policy: &'p Policy) -> Option<&'p Berth> {
        policy.berths.get()?.get(self.stage as usize).map(|berth| &**berth)
    }

    /// When a hook of `policy` that waits now must have ended, and whether for its own budget.
    fn end(&mut self, policy: &Policy) -> (Instant, bool) {
        let now = Instant::now();
        let all = *self.end.get_or_insert(now + self.engine.stage_time);
        let own = now + policy.budget.time;
        (all.min(own), own <= all)
    }
}

/// The hooks' second argument; `made` keeps what is made for the first of them, `call`.
#[inline]
fn subject<'s>(
    made: &'s mut Option<(Value, *const c_void)>,
    occasion: &Occasion<'_>,
    sandbox: &Sandbox,
    view: &'s SessionView,
    call: &Call,
) -> mlua::Result<&'s Value> {
    if let Some(standing) = occasion.standing(view) {
        return standing;
    }
    let (subject, pointer) = match made {
        Some(made) => made,
        none => {
            sandbox.guard.memory().rule_out_failures(&sandbox.lua);
            let subject = occasion.subject(view, call)?;
            let pointer = subject.to_pointer();
            none.insert((subject, pointer))
        }
    };
    call.subject.set(*pointer);
    Ok(subject)
}

/// The edits of `message` up to now, and these after them.
#[cold]
fn all_edits(message: Option<&MessageView>, edits: &[Edit]) -> Vec<Edit> {
    let known = message.map(|message| &*message.edits).unwrap_or_default();
    [known, edits].concat()
}

/// Counts how a hook ended.
fn count(counts: &HookCounts, result: &Result<Option<Box<Ruling>>, Failure>, mode: Mode) {
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
