//! A hook call that keeps to its budget: processor time, taken in slices, and memory.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use mlua::ffi::lua_State;
use mlua::thread::AsyncThread;
use mlua::{Function, IntoLuaMulti, Lua, Thread, Value};

use crate::lua::call::Call;
use crate::lua::config::Budget as Budgets;
use crate::lua::guard::{Budget, Guard, OVER_BUDGET, Stop};
use crate::lua::limits::Armed;
use crate::lua::problem::is_hunger;
use crate::lua::slice::HookWaker;

/// What one hook call may use.
#[derive(Clone, Copy, Debug)]
pub struct Allowance {
    /// Processor time in all.
    pub cpu: Duration,
    /// Processor time before the others have their turn.
    pub slice: Duration,
    /// Octets by which the Lua state may grow.
    pub memory: u64,
    /// Octets of the longest text that it may make.
    pub text: usize,
}

impl Allowance {
    /// What a hook call with this budget may use, which others wait for.
    pub fn of(budget: &Budgets) -> Allowance {
        Allowance { cpu: budget.cpu, slice: SLICE, memory: budget.memory, text: LONGEST_TEXT }
    }
}

/// Why a hook call gave no value.
#[derive(Debug)]
pub enum Stopped {
    /// It used up its processor time or its memory; the place is "file:line".
    Spent(Budget, Option<String>),
    /// It used up its time on the clock.
    Time,
    /// Time was over for all policies at this stage.
    StageTime,
    /// It raised this.
    Raised(mlua::Error),
    /// It waited where nothing may wait.
    Waited,
}

impl Stopped {
    /// Whether it is a budget that was overrun, rather than an error.
    pub fn is_overrun(&self) -> bool {
        matches!(self, Stopped::Spent(..) | Stopped::Time)
    }
}

impl std::fmt::Display for Stopped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Stopped::Spent(budget, place) => {
                if let Some(place) = place {
                    write!(f, "{place}: ")?;
                }
                f.write_str(match budget {
                    Budget::Cpu => OVER_BUDGET,
                    Budget::Memory => "the hook exceeded its memory budget",
                    Budget::Text => "the hook made a text of more than 2 MiB",
                    Budget::Unbroken => "the hook took 10 ms in a call in which nothing can be suspended",
                })
            }
            Stopped::Time => f.write_str("the hook exceeded its time budget"),
            Stopped::StageTime => f.write_str("the time of all policies at this stage was over"),
            Stopped::Raised(error) => error.fmt(f),
            Stopped::Waited => f.write_str("calls that wait can't be made while a policy is loaded"),
        }
    }
}

/// A hook call that is under way.
pub struct HookCall {
    lua: Lua,
    guard: Rc<Guard>,
    call: Rc<Call>,
    allowance: Allowance,
    cpu_left: Duration,
    /// Octets by which the state grew during the polls so far.
    grown: usize,
    /// Octets that the state held when the last poll began.
    held: usize,
    /// When it first ran and when it last stopped, on the guard's clock, if it was long enough to be timed.
    span: Option<(Duration, Duration)>,
    /// Its coroutine, until it has ended.
    running: Option<Running>,
    /// Why it could not begin.
    problem: Option<Box<Stopped>>,
    /// The turn of the others, after a slice.
    turn: Option<Pin<Box<dyn Future<Output = ()>>>>,
}

/// What a poll of the coroutine gave. As small as can be: it is moved several times for each call.
enum Polled {
    Pending,
    Returned(Returned),
    Raised(Box<mlua::Error>),
    Panicked,
}

/// What a hook call has returned; nothing is nil, as most do.
pub type Returned = Option<Box<Value>>;

/// A coroutine and its run.
struct Running {
    thread: Thread,
    run: AsyncThread<Value>,
}

impl Running {
    #[inline]
    fn begin(
        lua: &Lua,
        guard: &Guard,
        function: &Function,
        arguments: impl IntoLuaMulti,
    ) -> mlua::Result<Running> {
        let thread = guard.pool().take(lua, function)?;
        let run = thread.clone().into_async(arguments)?;
        Ok(Running { thread, run })
    }
}

/// The slice after which a computing hook lets other sessions run.
pub const SLICE: Duration = Duration::from_micros(500);
/// The octets of a hook's longest text. Two such, of NULs, are compared in 12 ms: nothing comes between.
pub const LONGEST_TEXT: usize = 2 << 20;
/// What the `<close>` variables of a hook that failed or was dropped may take: four slices.
const CLOSING: Duration = Duration::from_millis(2);
/// The most that one Lua state may hold, whatever the allowances.
const STATE_MEMORY: usize = 160 << 20;
/// What the log says when a function of the engine has panicked; where, the panic itself has said.
const PANICKED: &str = "a function of gatepost has panicked";
/// What a poll may grow by though the allowance is spent: garbage counts as growth until it is collected.
const LEAST_MEMORY: usize = 64 << 10;

impl HookCall {
    /// A call of `function`, which is about to run on behalf of `call`.
    ///
    /// That there are no `arguments`, or no memory for it, its first poll says: built where it lies, it costs a copy less.
    #[inline(always)]
    pub fn new(
        lua: &Lua,
        guard: &Rc<Guard>,
        call: Rc<Call>,
        allowance: Allowance,
        function: &Function,
        arguments: mlua::Result<impl IntoLuaMulti>,
    ) -> Self {
        let (running, problem) =
            match arguments.and_then(|arguments| Running::begin(lua, guard, function, arguments)) {
                Ok(running) => (Some(running), None),
                Err(problem) => (None, Some(Box::new(Stopped::Raised(problem)))),
            };
        HookCall {
            lua: lua.clone(),
            guard: Rc::clone(guard),
            call,
            allowance,
            cpu_left: allowance.cpu,
            grown: 0,
            held: 0,
            span: None,
            running,
            problem,
            turn: None,
        }
    }

    /// Runs it to its end at once, where nothing may wait: at load and in `setup`.
    pub fn finish_now(mut self) -> Result<Value, Stopped> {
        self.allowance.slice = Duration::MAX;
        match Pin::new(&mut self).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(returned)) => Ok(returned.map_or(Value::Nil, |value| *value)),
            Poll::Ready(Err(stopped)) => Err(*stopped),
            Poll::Pending => Err(Stopped::Waited),
        }
    }

    /// Time on the clock so far, waits included; nothing for a call so short that the guard has not looked at the clock.
    pub fn elapsed(&self) -> Duration {
        self.span.map_or(Duration::ZERO, |(start, end)| end.saturating_sub(start))
    }

    /// Runs `body` under the guard; why the guard stopped it, if it did.
    #[inline]
    fn guarded<T>(
        &mut self,
        slice: Duration,
        top: *mut lua_State,
        body: impl FnOnce(&mut Self) -> T,
    ) -> (Stop, T) {
        let memory = self.guard.memory();
        let used = memory.held();
        let allowed = usize::try_from(self.allowance.memory).unwrap_or(usize::MAX);
        let room = allowed.saturating_sub(self.grown).max(LEAST_MEMORY);
        memory.limit(&self.lua, STATE_MEMORY.min(used.saturating_add(room)), self.allowance.text);
        let budget = self.cpu_left;
        // One that waits and goes on pays for each time, however short.
        let timed = self.span.is_some().then(|| self.guard.time(slice, budget));
        self.guard.arm(&self.call, Armed { top, slice, budget, memory: used, timed });
        let result = body(self);
        let (stop, start) = self.guard.disarm();
        // One that has ended before the guard came.
        let is_over = stop == Stop::Run && self.guard.memory().is_over();
        let stop = if is_over { Stop::Kill(self.guard.hunger()) } else { stop };
        if let Some(start) = start {
            let end = self.guard.now();
            self.cpu_left = budget.saturating_sub(self.guard.spent(start, end));
            self.span = Some((self.span.map_or(start, |(first, _)| first), end));
        }
        self.guard.memory().unlimit();
        self.held = used;
        (stop, result)
    }

    /// The Lua state in which it runs.
    pub(super) fn lua(&self) -> &Lua {
        &self.lua
    }

    /// Takes note of what the state has grown by during the last poll.
    fn note_growth(&mut self) {
        self.grown = (self.grown + self.guard.memory().held()).saturating_sub(self.held);
    }

    /// Ends the coroutine where it is: what it waits for is dropped at once, then `<close>` variables run, under what
    /// is left of the budget.
    ///
    /// Nothing is suspended meanwhile, so they have no more than some slices of it.
    fn close(&mut self, thread: Thread) {
        self.call.waits.end();
        self.cpu_left = self.cpu_left.min(CLOSING);
        let (stop, closed) =
            self.guarded(Duration::MAX, thread.state(), |this| this.guard.pool().close(&thread));
        if stop == Stop::Run && closed.is_ok() && self.guard.is_as_new() {
            self.guard.pool().give(thread);
        }
    }

    /// The waker for the script's own waits: the session's, if it is for the same task.
    fn waker(&self, task: &Waker) -> Rc<HookWaker> {
        let Some(session) = &self.call.session else { return HookWaker::new(task) };
        let mut kept = session.waker.borrow_mut();
        match &*kept {
            Some(waker) if waker.is_for(task) => Rc::clone(waker),
            _ => Rc::clone(kept.insert(HookWaker::new(task))),
        }
    }

    /// What becomes of the call after a poll that ended like this; `Pending` if it goes on.
    fn ended(&mut self, stop: Stop, polled: Polled) -> Poll<<Self as Future>::Output> {
        if matches!(polled, Polled::Pending) && !matches!(stop, Stop::Kill(_)) {
            return Poll::Pending;
        }
        let Some(Running { thread, .. }) = self.running.take() else { return Poll::Pending };
        // What other coroutines of its script still wait for has nobody to wait for it.
        self.call.waits.end();
        let stopped = match (stop, polled) {
            (_, Polled::Panicked) => Stopped::Raised(mlua::Error::runtime(PANICKED)),
            // Nothing of it runs any more, not even its `<close>` variables.
            (Stop::Kill(budget), _) => Stopped::Spent(budget, self.guard.take_killed_at()),
            (_, Polled::Returned(value)) => {
                if self.guard.is_as_new() {
                    self.guard.pool().give(thread);
                }
                return Poll::Ready(Ok(value));
            }
            (_, Polled::Raised(error)) if is_hunger(&error) => Stopped::Spent(self.guard.hunger(), None),
            (_, Polled::Raised(error)) => {
                self.note_growth();
                self.close(thread);
                Stopped::Raised(*error)
            }
            (_, Polled::Pending) => return Poll::Pending,
        };
        Poll::Ready(Err(Box::new(stopped)))
    }

    /// Resumes the coroutine. A panic of the engine's own functions, which mlua lets through to here, ends this call and
    /// no more.
    #[inline]
    fn resume(&mut self, waker: &Waker) -> Polled {
        let Some(running) = &mut self.running else { return Polled::Pending };
        let run = Pin::new(&mut running.run);
        let polled = catch_unwind(AssertUnwindSafe(|| match run.poll(&mut Context::from_waker(waker)) {
            Poll::Pending => Polled::Pending,
            Poll::Ready(Ok(Value::Nil)) => Polled::Returned(None),
            Poll::Ready(Ok(value)) => Polled::Returned(Some(Box::new(value))),
            Poll::Ready(Err(error)) => Polled::Raised(Box::new(error)),
        }));
        polled.unwrap_or(Polled::Panicked)
    }
}

impl Future for HookCall {
    type Output = Result<Returned, Box<Stopped>>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Some(turn) = &mut this.turn {
            ready!(turn.as_mut().poll(cx));
            this.turn = None;
        }
        let Some(top) = this.running.as_ref().map(|running| running.thread.state()) else {
            return this.problem.take().map_or(Poll::Pending, |problem| Poll::Ready(Err(problem)));
        };
        let waker = this.waker(cx.waker());
        let own = waker.begin();
        let (stop, polled) = this.guarded(this.allowance.slice, top, |this| this.resume(own));
        let ended = this.ended(stop, polled);
        if ended.is_ready() {
            waker.end();
            return ended;
        }
        this.note_growth();
        if this.span.is_none() {
            let now = this.guard.now();
            this.span = Some((now, now));
        }
        let is_woken = waker.finish();
        if stop == Stop::Slice {
            let mut turn: Pin<Box<dyn Future<Output = ()>>> = Box::pin(tokio::task::yield_now());
            // Its first poll queues the task behind the driver.
            let _ = turn.as_mut().poll(cx);
            this.turn = Some(turn);
        } else if is_woken {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

impl Drop for HookCall {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            self.close(running.thread);
        }
    }
}
