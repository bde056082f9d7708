//! The guard: the count hook that measures running scripts, makes long ones wait and ends those over their budget.

use std::cell::{Cell, RefCell};
use std::ffi::CStr;
use std::rc::Rc;
use std::time::Duration;

use mlua::ffi::lua_State;
use mlua::{HookTriggers, Lua, VmState};

use crate::lua::call::Call;
use crate::lua::caller::line_of_script;
use crate::lua::charge::Purse;
use crate::lua::clock::Clock;
use crate::lua::limits::{Armed, Timed};
use crate::lua::listing::Listing;
use crate::lua::memory::Memory;
use crate::lua::period::{self, EACH, HEAVY, INSTRUCTIONS, is_yieldable, period, set_period};
use crate::lua::pool::Pool;

/// Watches all scripts of one Lua state. Only one hook call runs at a moment; the guard knows which.
#[derive(Debug)]
pub struct Guard {
    clock: Clock,
    memory: Rc<Memory>,
    armed: Cell<Option<Armed>>,
    stop: Cell<Stop>,
    call: RefCell<Option<Rc<Call>>>,
    /// Calls that nothing below them can be suspended across: each a C function that called back into Lua.
    fences: Cell<usize>,
    /// What the clock and the processor's one showed, shortly before the poll.
    mark: Cell<(Duration, Duration)>,
    /// When the hook came last.
    last_tick: Cell<Duration>,
    /// Whether the call's instructions have proved heavy.
    is_heavy: Cell<bool>,
    /// Where the script was when its budget was spent.
    killed_at: RefCell<Option<String>>,
    /// Steps that functions of the engine may take before they look at the clock.
    steps: Cell<usize>,
    pool: Pool,
    listing: Rc<Listing>,
}

/// Why a poll came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// It did so by itself.
    Run,
    /// Its slice was over; it goes on after the others.
    Slice,
    /// Its budget is spent; it is never resumed.
    Kill(Budget),
}

/// What of its budget a call has spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Budget {
    /// Processor time.
    Cpu,
    /// Memory.
    Memory,
    /// The length that a text may have.
    Text,
    /// Processor time of one call that nothing can be suspended in.
    Unbroken,
}

/// What a function of the engine that has worked for a while is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// Go on.
    On,
    /// Go on, and let the hook come at the next instruction: it is the turn of others.
    Hasten,
    /// Suspend its coroutine: others have their turn.
    Pause,
    /// Give up: this budget is spent.
    Stop(Budget),
}

/// What beginning a poll costs, in instructions.
const POLL: u32 = 200;
/// So long for `INSTRUCTIONS`, instructions are heavy.
const LONG: Duration = Duration::from_micros(500);
/// After so long the processor's clock is read again: that takes a system call.
const MARK: Duration = Duration::from_millis(1);
/// So many octets grown, texts and tables may be.
const LARGE: usize = 1 << 20;
/// Steps of a pattern, or of what takes as long, between two looks at the clock.
const STEPS: usize = 4096;
/// What one call may take in which nothing can be suspended: it is so long that others wait for their turn.
const UNBROKEN: Duration = Duration::from_millis(10);

impl Guard {
    /// Sets the guard's hook in `lua`, before any script is loaded: later coroutines inherit it.
    pub fn install(lua: &Lua, clock: Clock) -> mlua::Result<Rc<Guard>> {
        let guard = Rc::new(Guard {
            clock,
            memory: Memory::watch(lua)?,
            armed: Cell::new(None),
            stop: Cell::new(Stop::Run),
            call: RefCell::new(None),
            fences: Cell::new(0),
            mark: Cell::default(),
            last_tick: Cell::new(Duration::ZERO),
            is_heavy: Cell::new(false),
            killed_at: RefCell::new(None),
            steps: Cell::new(STEPS),
            pool: Pool::new(lua)?,
            listing: Rc::default(),
        });
        let watching = Rc::clone(&guard);
        let triggers = HookTriggers::new().every_nth_instruction(INSTRUCTIONS);
        lua.set_global_hook(triggers, move |lua, _| watching.tick(lua))?;
        // Where methods of values find it, which are made for no guard.
        lua.set_app_data::<Rc<dyn Purse>>(Rc::<Guard>::clone(&guard));
        Ok(guard)
    }

    /// What the state holds and may hold.
    pub(super) fn memory(&self) -> &Memory {
        &self.memory
    }

    /// What a call has spent in which there was not enough memory.
    pub(super) fn hunger(&self) -> Budget {
        if self.memory.is_text() { Budget::Text } else { Budget::Memory }
    }

    /// The coroutines in which hook calls run.
    pub(super) fn pool(&self) -> &Pool {
        &self.pool
    }

    /// The scripts that it watches.
    pub(super) fn listing(&self) -> &Rc<Listing> {
        &self.listing
    }

    /// The hook call that runs now; none while nothing runs.
    pub fn call(&self) -> Option<Rc<Call>> {
        self.call.borrow().clone()
    }

    /// What the machine does meanwhile, for others: a counted clock goes on, the processor's doesn't.
    #[cfg(test)]
    pub fn lose(&self, time: Duration) {
        self.clock.lose(time);
    }

    /// The clock that measures.
    pub fn now(&self) -> Duration {
        self.clock.now()
    }

    /// Whether the coroutine that runs can be suspended here, and all that wait for it with it.
    pub fn can_wait(&self, lua: &Lua) -> bool {
        self.fences.get() == 0 && is_yieldable(lua.state())
    }

    /// Says that nothing below the function that runs can be suspended, until `unfence`.
    pub(super) fn fence(&self) {
        self.fences.set(self.fences.get() + 1);
    }

    /// The end of what `fence` began.
    pub(super) fn unfence(&self) {
        self.fences.set(self.fences.get().saturating_sub(1));
    }

    /// Whether the call that runs is over its budget.
    pub(super) fn is_killed(&self) -> bool {
        matches!(self.stop.get(), Stop::Kill(_))
    }

    /// Whether the coroutine that has just yielded did so on behalf of the guard.
    pub(super) fn is_suspending(&self) -> bool {
        self.stop.get() != Stop::Run
    }

    /// Begins a poll of `call`. It is timed from the first tick on, or the first function that works for a while: most
    /// calls end before, and for them two looks at the clock would be a fifth of what they cost.
    #[inline(always)]
    pub(super) fn arm(&self, call: &Rc<Call>, armed: Armed) {
        self.clock.tick(POLL);
        self.armed.set(Some(armed));
        self.stop.set(Stop::Run);
        self.fences.set(0);
        self.is_heavy.set(false);
        self.call.replace(Some(Rc::clone(call)));
        self.run(armed.top);
        let period = self.memory.period();
        if period != INSTRUCTIONS {
            self.is_heavy.set(true);
            set_period(armed.top, period);
        }
    }

    /// Says which coroutine runs from now on; gives the one before. It is alive as long as it runs.
    pub(super) fn run(&self, coroutine: *mut lua_State) -> *mut lua_State {
        self.memory.run(coroutine)
    }

    /// The limits of a poll with so much left that is timed from now on.
    pub(super) fn time(&self, slice: Duration, budget: Duration) -> Timed {
        let now = self.clock.now();
        if now.saturating_sub(self.mark.get().0) >= MARK {
            self.mark.set((now, self.clock.processor()));
        }
        self.last_tick.set(now);
        Timed { start: now, slice_end: now.saturating_add(slice), budget_end: now.saturating_add(budget) }
    }

    /// What runs, its limits, and what the clock shows.
    fn running(&self) -> Option<(Armed, Timed, Duration)> {
        let armed = self.armed.get()?;
        match armed.timed {
            Some(timed) => Some((armed, timed, self.clock.now())),
            None => {
                let timed = self.time(armed.slice, armed.budget);
                self.armed.set(Some(Armed { timed: Some(timed), ..armed }));
                Some((armed, timed, timed.start))
            }
        }
    }

    /// Processor time between `start` and `now`: at most what has passed, at most what this thread has had since the mark.
    pub(super) fn spent(&self, start: Duration, now: Duration) -> Duration {
        let passed = now.saturating_sub(start);
        if passed < MARK {
            return passed;
        }
        passed.min(self.clock.processor().saturating_sub(self.mark.get().1))
    }

    /// Whether the budget would be spent after `more`, now that the clock says so; if others had the processor
    /// meanwhile, the end is put off.
    fn is_spent(&self, armed: Armed, timed: Timed, now: Duration, more: Duration) -> bool {
        let left = armed.budget.saturating_sub(self.spent(timed.start, now));
        if left <= more {
            return true;
        }
        let timed = Timed { budget_end: now.saturating_add(left), ..timed };
        self.armed.set(Some(Armed { timed: Some(timed), ..armed }));
        false
    }

    /// Ends the poll: why it ended, and since when it was timed.
    pub(super) fn disarm(&self) -> (Stop, Option<Duration>) {
        let start = self.armed.take().and_then(|armed| armed.timed).map(|timed| timed.start);
        self.call.replace(None);
        self.run(std::ptr::null_mut());
        (self.stop.replace(Stop::Run), start)
    }

    /// Whether the coroutine of the last poll still has the hook as it began: one that had not is not used again.
    pub(super) fn is_as_new(&self) -> bool {
        !self.is_heavy.get()
    }

    /// Where the call that was ended last was then, as "file:line".
    pub(super) fn take_killed_at(&self) -> Option<String> {
        self.killed_at.take()
    }

    /// Steps left before `spend` is to be called; who counts them down puts back what is left.
    pub(super) fn steps(&self) -> &Cell<usize> {
        &self.steps
    }

    /// Takes note of `more` steps, which may be still to come, and of those counted down since the last time;
    /// `can_yield` says whether the function could be suspended.
    pub(super) fn spend(&self, more: usize, can_yield: impl FnOnce() -> bool) -> Look {
        self.clock.work(STEPS - self.steps.replace(STEPS));
        let Some((armed, timed, now)) = self.running() else {
            self.clock.work(more);
            return Look::On;
        };
        let time = Clock::time_of(more);
        let is_late = now.saturating_add(time) >= timed.budget_end;
        if self.is_killed() || is_late && self.is_spent(armed, timed, now, time) {
            return Look::Stop(Budget::Cpu);
        }
        if self.memory.is_over() {
            return Look::Stop(self.hunger());
        }
        if armed.is_sliced() && (time > UNBROKEN || self.is_held_up(armed, timed, now)) {
            return Look::Stop(Budget::Unbroken);
        }
        self.clock.work(more);
        let is_over = self.clock.now() >= timed.slice_end && self.fences.get() == 0;
        match is_over {
            true if can_yield() => Look::Pause,
            true => Look::Hasten,
            // However well its work was reckoned, what it took in truth is seen at once, and what it made.
            false if more >= STEPS => Look::Hasten,
            false => Look::On,
        }
    }

    /// Says that the coroutine that runs is about to be suspended, for the others to have their turn.
    pub(super) fn pause(&self) {
        self.stop.set(Stop::Slice);
    }

    /// Ends the call for what it has spent; `place` is where the script was, as Lua puts it before an error: "file:12: ".
    pub(super) fn kill_at(&self, place: &CStr, spent: Budget) {
        if !self.is_killed() {
            self.stop.set(Stop::Kill(spent));
            let place = place.to_string_lossy();
            self.killed_at.replace(place.strip_suffix(": ").map(str::to_owned));
        }
    }

    /// Ends the call for what it has spent, at the next instruction of the coroutine that runs.
    pub(super) fn kill(&self, lua: &Lua, spent: Budget) {
        if !self.is_killed() && self.armed.get().is_some() {
            self.stop.set(Stop::Kill(spent));
            self.killed_at.replace(line_of_script(lua).map(|(file, line)| format!("{file}:{line}")));
        }
        set_period(lua.state(), EACH);
    }

    /// What the call has spent too much of, if it has.
    fn overspent(&self, armed: Armed, timed: Timed, now: Duration, can_yield: bool) -> Option<Budget> {
        if self.is_killed() || now >= timed.budget_end && self.is_spent(armed, timed, now, Duration::ZERO) {
            return Some(Budget::Cpu);
        }
        if self.memory.is_over() {
            return Some(self.hunger());
        }
        let is_held_up = !can_yield && armed.is_sliced() && self.is_held_up(armed, timed, now);
        is_held_up.then_some(Budget::Unbroken)
    }

    /// Whether others have waited for too long since the end of the slice.
    fn is_held_up(&self, armed: Armed, timed: Timed, now: Duration) -> bool {
        now >= timed.slice_end.saturating_add(UNBROKEN)
            && self.spent(timed.start, now) >= armed.slice.saturating_add(UNBROKEN)
    }

    /// One tick of the count hook.
    pub(super) fn tick(&self, lua: &Lua) -> mlua::Result<VmState> {
        let state = lua.state();
        let period = period(state);
        self.clock.tick(period);
        let Some((armed, timed, now)) = self.running() else { return Ok(VmState::Continue) };
        let can_yield = self.fences.get() == 0 && is_yieldable(state);
        if let Some(spent) = self.overspent(armed, timed, now, can_yield) {
            self.kill(lua, spent);
            // No pcall catches a yield; who resumed the coroutine passes it on.
            if can_yield {
                return Ok(VmState::Yield);
            }
            // Where it can't be, an error unwinds, again at each instruction.
            period::raise(state);
            return Ok(VmState::Continue);
        }
        let since = now.saturating_sub(self.last_tick.replace(now));
        let has_grown = self.memory.held() > armed.memory.saturating_add(LARGE);
        let is_heavy = period == HEAVY || since > LONG || has_grown;
        let next = self.memory.period().min(if is_heavy { HEAVY } else { INSTRUCTIONS });
        if next != INSTRUCTIONS {
            self.is_heavy.set(true);
        }
        if next != period {
            set_period(state, next);
        }
        // Where the slice has ended already, below, who resumed the coroutine there is about to pass it on.
        if now >= timed.slice_end && can_yield && self.stop.replace(Stop::Slice) == Stop::Run {
            return Ok(VmState::Yield);
        }
        Ok(VmState::Continue)
    }
}

/// What the log says of a hook call that was ended.
pub(super) const OVER_BUDGET: &str = "the hook exceeded its CPU budget";
