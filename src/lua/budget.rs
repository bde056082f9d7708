//! A hook call that keeps to its budget: processor time, taken in slices, and memory.

use std::ffi::c_void;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use mlua::function::AsyncCallFuture;
use mlua::{Lua, Value};

use crate::lua::call::Call;
use crate::lua::guard::{Guard, OVER_BUDGET, Stop};
use crate::lua::slice::SliceWaker;

/// What one hook call may use.
#[derive(Clone, Copy, Debug)]
pub struct Allowance {
    /// Processor time in all.
    pub cpu: Duration,
    /// Processor time before the others have their turn.
    pub slice: Duration,
    /// Octets by which the Lua state may grow.
    pub memory: u64,
}

/// Why a hook call gave no value.
#[derive(Debug)]
pub enum Stopped {
    /// It used up its processor time; the place is "file:line".
    Cpu(Option<String>),
    /// It used up its time on the clock.
    Time,
    /// It raised this, or ran out of memory.
    Raised(mlua::Error),
    /// It waited where nothing may wait.
    Waited,
}

impl std::fmt::Display for Stopped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Stopped::Cpu(Some(place)) => write!(f, "{place}: {OVER_BUDGET}"),
            Stopped::Cpu(None) => f.write_str(OVER_BUDGET),
            Stopped::Time => f.write_str("the hook exceeded its time budget"),
            Stopped::Raised(mlua::Error::MemoryError(_)) => {
                f.write_str("the hook exceeded its memory budget")
            }
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
    top: *const c_void,
    /// When it first ran and when it last stopped, on the guard's clock.
    span: Option<(Duration, Duration)>,
    running: Option<AsyncCallFuture<Value>>,
    /// The turn of the others, after a slice.
    turn: Option<Pin<Box<dyn Future<Output = ()>>>>,
}

/// The slice after which a computing hook lets other sessions run.
pub const SLICE: Duration = Duration::from_micros(500);
/// The most that one Lua state may hold, whatever the allowances.
const STATE_MEMORY: usize = 1 << 30;
/// What a poll may grow by though the allowance is spent: garbage counts as growth until it is collected.
const LEAST_MEMORY: usize = 64 << 10;

impl HookCall {
    /// Begins `running` on behalf of `call`.
    pub fn new(
        lua: &Lua,
        guard: &Rc<Guard>,
        call: Rc<Call>,
        allowance: Allowance,
        running: AsyncCallFuture<Value>,
    ) -> Self {
        HookCall {
            lua: lua.clone(),
            guard: Rc::clone(guard),
            call,
            allowance,
            cpu_left: allowance.cpu,
            grown: 0,
            top: std::ptr::null(),
            span: None,
            running: Some(running),
            turn: None,
        }
    }

    /// Runs it to its end at once, where nothing may wait: at load and in `setup`.
    pub fn finish_now(mut self) -> Result<Value, Stopped> {
        self.allowance.slice = Duration::MAX;
        match Pin::new(&mut self).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => result,
            Poll::Pending => Err(Stopped::Waited),
        }
    }

    /// Time on the clock so far, waits included.
    pub fn elapsed(&self) -> Duration {
        self.span.map_or(Duration::ZERO, |(start, end)| end.saturating_sub(start))
    }

    /// Runs `body` under the guard; why the guard stopped it, if it did.
    fn guarded<T>(&mut self, slice: Duration, body: impl FnOnce(&mut Self) -> T) -> (Stop, T) {
        let used = self.lua.used_memory();
        let allowed = usize::try_from(self.allowance.memory).unwrap_or(usize::MAX);
        let room = allowed.saturating_sub(self.grown).max(LEAST_MEMORY);
        // Fails only in a state that mlua has not made itself.
        let _ = self.lua.set_memory_limit(STATE_MEMORY.min(used.saturating_add(room)));
        let start = self.guard.arm(&self.call, self.top, slice, self.cpu_left);
        let result = body(self);
        let (stop, top) = self.guard.disarm();
        self.top = top;
        let end = self.guard.now();
        self.cpu_left = self.cpu_left.saturating_sub(end.saturating_sub(start));
        self.span = Some((self.span.map_or(start, |(first, _)| first), end));
        // Without a limit the engine's own calls into Lua can't fail for a script's hunger, and are faster.
        let _ = self.lua.set_memory_limit(0);
        self.grown = (self.grown + self.lua.used_memory()).saturating_sub(used);
        (stop, result)
    }

    /// Ends the coroutine; `<close>` variables may still run, under what is left of the budget.
    fn close(&mut self) {
        if self.running.is_some() {
            self.guarded(Duration::MAX, |call| drop(call.running.take()));
        }
    }

    /// The waker for the script's own waits.
    fn waker(&mut self, task: &Waker) -> (Arc<SliceWaker>, Waker) {
        let mut kept = self.call.session.as_ref().map(|session| session.waker.borrow_mut());
        match kept.as_deref() {
            Some(Some((slice, waker))) if slice.is_for(task) => (Arc::clone(slice), waker.clone()),
            _ => {
                let slice = SliceWaker::new(task);
                let waker = Waker::from(Arc::clone(&slice));
                if let Some(kept) = &mut kept {
                    **kept = Some((Arc::clone(&slice), waker.clone()));
                }
                (slice, waker)
            }
        }
    }
}

impl Future for HookCall {
    type Output = Result<Value, Stopped>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Some(turn) = &mut this.turn {
            ready!(turn.as_mut().poll(cx));
            this.turn = None;
        }
        let (slice, waker) = this.waker(cx.waker());
        slice.begin();
        let (stop, polled) = this.guarded(this.allowance.slice, |call| match &mut call.running {
            Some(running) => Pin::new(running).poll(&mut Context::from_waker(&waker)),
            None => Poll::Pending,
        });
        let is_woken = slice.finish();
        match (stop, polled) {
            (Stop::Kill, _) => {
                let place = this.guard.take_killed_at();
                this.close();
                Poll::Ready(Err(Stopped::Cpu(place)))
            }
            (_, Poll::Ready(Ok(value))) => {
                // It has ended; nothing of it is left to run.
                this.running = None;
                Poll::Ready(Ok(value))
            }
            (_, Poll::Ready(Err(error))) => {
                this.close();
                Poll::Ready(Err(Stopped::Raised(error)))
            }
            (Stop::Slice, Poll::Pending) => {
                let mut turn: Pin<Box<dyn Future<Output = ()>>> = Box::pin(tokio::task::yield_now());
                // Its first poll queues the task behind the driver.
                let _ = turn.as_mut().poll(cx);
                this.turn = Some(turn);
                Poll::Pending
            }
            (Stop::Run, Poll::Pending) => {
                if is_woken {
                    cx.waker().wake_by_ref();
                }
                Poll::Pending
            }
        }
    }
}

impl Drop for HookCall {
    fn drop(&mut self) {
        self.close();
    }
}
