//! The guard: the count hook that measures running scripts, makes long ones wait and ends those over their budget.

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, c_void};
use std::rc::Rc;
use std::time::Duration;

use mlua::{HookTriggers, Lua, VmState, ffi};

use crate::lua::call::Call;
use crate::lua::caller::line_of_script;
use crate::lua::clock::Clock;

/// Watches all scripts of one Lua state. Only one hook call runs at a moment; the guard knows which.
#[derive(Debug)]
pub struct Guard {
    clock: Clock,
    armed: Cell<Option<Armed>>,
    stop: Cell<Stop>,
    /// The coroutine of the hook call that runs, as opposed to those that the script makes itself.
    top: Cell<*const c_void>,
    call: RefCell<Option<Rc<Call>>>,
    /// Where the script was when its budget was spent.
    killed_at: RefCell<Option<String>>,
    /// Steps that functions of the engine may take before they look at the clock.
    steps: Cell<usize>,
}

/// The limits of one poll, on the guard's clock.
#[derive(Clone, Copy, Debug)]
struct Armed {
    slice_end: Duration,
    budget_end: Duration,
}

/// Why a poll came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// It did so by itself.
    Run,
    /// Its slice was over; it goes on after the others.
    Slice,
    /// Its budget is spent; it is never resumed.
    Kill,
}

/// What a function of the engine that has worked for a while is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// Go on.
    On,
    /// Suspend its coroutine: others have their turn.
    Pause,
    /// Give up: the budget is spent.
    Stop,
}

/// Steps of a pattern, or of what takes as long, between two looks at the clock.
const STEPS: usize = 4096;
/// Instructions between two looks at the clock. The VM traps on each instruction as soon as a count hook is
/// set, so a short period costs no more than a long one and bounds the harm of slow instructions.
const INSTRUCTIONS: u32 = 500;

impl Guard {
    /// Sets the guard's hook in `lua`, before any script is loaded: later coroutines inherit it.
    pub fn install(lua: &Lua, clock: Clock) -> mlua::Result<Rc<Guard>> {
        let guard = Rc::new(Guard {
            clock,
            armed: Cell::new(None),
            stop: Cell::new(Stop::Run),
            top: Cell::new(std::ptr::null()),
            call: RefCell::new(None),
            killed_at: RefCell::new(None),
            steps: Cell::new(STEPS),
        });
        let watching = Rc::clone(&guard);
        let triggers = HookTriggers::new().every_nth_instruction(INSTRUCTIONS);
        lua.set_global_hook(triggers, move |lua, _| watching.tick(lua))?;
        Ok(guard)
    }

    /// The hook call that runs now; none while nothing runs.
    pub fn call(&self) -> Option<Rc<Call>> {
        self.call.borrow().clone()
    }

    /// The clock that measures.
    pub fn now(&self) -> Duration {
        self.clock.now()
    }

    /// Says that the coroutine that runs now is the hook call's own.
    pub(super) fn mark_top(&self, lua: &Lua) {
        self.top.set(lua.state().cast_const().cast());
    }

    /// Whether the coroutine that runs now is one that the script made.
    pub fn is_inside_coroutine(&self, lua: &Lua) -> bool {
        !std::ptr::eq(self.top.get(), lua.state().cast_const().cast())
    }

    /// Whether the call that runs is over its budget.
    pub(super) fn is_killed(&self) -> bool {
        self.stop.get() == Stop::Kill
    }

    /// Begins a poll of `call`, whose coroutine is `top` (null before the first poll).
    pub(super) fn arm(
        &self,
        call: &Rc<Call>,
        top: *const c_void,
        slice: Duration,
        left: Duration,
    ) -> Duration {
        let now = self.clock.now();
        self.armed
            .set(Some(Armed { slice_end: now.saturating_add(slice), budget_end: now.saturating_add(left) }));
        self.stop.set(Stop::Run);
        self.top.set(top);
        self.call.replace(Some(Rc::clone(call)));
        now
    }

    /// Where the call that was ended last was then, as "file:line".
    pub(super) fn take_killed_at(&self) -> Option<String> {
        self.killed_at.take()
    }

    /// Ends the poll: why it ended, and the call's coroutine.
    pub(super) fn disarm(&self) -> (Stop, *const c_void) {
        self.armed.set(None);
        self.call.replace(None);
        (self.stop.replace(Stop::Run), self.top.replace(std::ptr::null()))
    }

    /// Steps left before `spend` is to be called; who counts them down puts back what is left.
    pub(super) fn steps(&self) -> &Cell<usize> {
        &self.steps
    }

    /// Takes note of `more` steps and of those counted down since the last time; `can_yield` says whether the
    /// function could be suspended.
    pub(super) fn spend(&self, more: usize, can_yield: impl FnOnce() -> bool) -> Look {
        let done = STEPS - self.steps.replace(STEPS) + more;
        self.clock.work(done);
        let Some(armed) = self.armed.get() else { return Look::On };
        let now = self.clock.now();
        if self.is_killed() || now >= armed.budget_end {
            return Look::Stop;
        }
        if now >= armed.slice_end && can_yield() { Look::Pause } else { Look::On }
    }

    /// Says that the coroutine that runs is about to be suspended, for the others to have their turn.
    pub(super) fn pause(&self) {
        self.stop.set(Stop::Slice);
    }

    /// Ends the call; `place` is where the script was, as Lua puts it before an error: "file:12: ".
    pub(super) fn kill_at(&self, place: &CStr) {
        if self.stop.replace(Stop::Kill) != Stop::Kill {
            let place = place.to_string_lossy();
            self.killed_at.replace(place.strip_suffix(": ").map(str::to_owned));
        }
    }

    /// One tick of the count hook.
    fn tick(&self, lua: &Lua) -> mlua::Result<VmState> {
        self.clock.tick();
        let Some(armed) = self.armed.get() else { return Ok(VmState::Continue) };
        let now = self.clock.now();
        if now < armed.slice_end && now < armed.budget_end {
            return Ok(VmState::Continue);
        }
        if now < armed.budget_end {
            // A yield inside a coroutine of the script's own would reach the script as a value: not sliced there.
            if self.is_inside_coroutine(lua) || self.is_killed() {
                return Ok(VmState::Continue);
            }
            self.stop.set(Stop::Slice);
            return Ok(VmState::Yield);
        }
        let is_first = self.stop.replace(Stop::Kill) != Stop::Kill;
        if is_first {
            self.killed_at.replace(line_of_script(lua).map(|(file, line)| format!("{file}:{line}")));
        }
        let can_yield = every_instruction(lua);
        // No pcall catches a yield. In a coroutine of the script's own it ends that coroutine's turn only, so
        // the second time, and where a yield can't be, an error unwinds, again at each instruction.
        if can_yield && (is_first || !self.is_inside_coroutine(lua)) {
            return Ok(VmState::Yield);
        }
        Err(mlua::Error::runtime(OVER_BUDGET))
    }
}

/// What the log says of a hook call that was ended.
pub(super) const OVER_BUDGET: &str = "the hook exceeded its CPU budget";

/// Lets the hook come at each instruction of the running coroutine; whether that coroutine can yield here.
#[allow(unsafe_code)]
fn every_instruction(lua: &Lua) -> bool {
    let state = lua.state();
    // SAFETY: `state` is the coroutine whose hook runs now, so it is alive; `lua_gethook`, `lua_sethook` and
    // `lua_isyieldable` read or write fields of it, allocate nothing and raise nothing.
    unsafe {
        ffi::lua_sethook(state, ffi::lua_gethook(state), ffi::LUA_MASKCOUNT, 1);
        ffi::lua_isyieldable(state) != 0
    }
}
