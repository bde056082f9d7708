//! The clocks of a Lua state: by which the guard measures hook calls, and which scripts read.

use std::cell::Cell;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};
use tokio::time::Instant as RuntimeInstant;

/// Where the guard reads the time.
#[derive(Debug)]
pub enum Clock {
    /// The machine's monotonic clock.
    Monotonic,
    /// Advanced by instructions and steps alone, so that budgets are counted in them, and by `lose`.
    Counted {
        /// What the guard has counted.
        ran: Cell<Duration>,
        /// What a test has given to others.
        lost: Cell<Duration>,
    },
    /// The same, and moved by the runtime's clock as well, which stands still while a script runs: a session's age is
    /// what a policy test says, and no budget is spent because the machine is slow.
    Played(Cell<Duration>, RuntimeInstant),
}

/// The time of day, as scripts read it: the machine's, or one that goes as the runtime's clock does.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wall(Option<(Duration, RuntimeInstant)>);

/// What an instruction advances a counted clock by: 500 of them are 5 µs.
const INSTRUCTION: Duration = Duration::from_nanos(10);
/// What one step of a pattern takes.
const STEP: Duration = Duration::from_nanos(5);

impl Clock {
    /// The machine's clock.
    pub fn monotonic() -> Self {
        Clock::Monotonic
    }

    /// A clock that only the guard moves: 500 instructions are 5 µs.
    pub fn counted() -> Self {
        Clock::Counted { ran: Cell::default(), lost: Cell::default() }
    }

    /// A clock that the count hook and the runtime's clock move.
    pub fn played() -> Self {
        Clock::Played(Cell::new(Duration::ZERO), RuntimeInstant::now())
    }

    /// The time since a moment that stays the same as long as the clock is there.
    pub fn now(&self) -> Duration {
        match self {
            Clock::Monotonic => clock_gettime(ClockId::Monotonic).try_into().unwrap_or_default(),
            Clock::Counted { ran, lost } => ran.get().saturating_add(lost.get()),
            Clock::Played(now, start) => now.get().saturating_add(start.elapsed()),
        }
    }

    /// The processor time of this thread, from any moment on: what the system gives to others meanwhile is not in it.
    pub fn processor(&self) -> Duration {
        match self {
            Clock::Monotonic => clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap_or_default(),
            Clock::Counted { ran, .. } | Clock::Played(ran, _) => ran.get(),
        }
    }

    /// Lets a counted clock go on as if the system had given so much time to others.
    #[cfg(test)]
    pub fn lose(&self, time: Duration) {
        if let Clock::Counted { lost, .. } = self {
            lost.set(lost.get() + time);
        }
    }

    /// What so many steps of a pattern, or of what takes as long, take.
    pub fn time_of(steps: usize) -> Duration {
        STEP.saturating_mul(u32::try_from(steps).unwrap_or(u32::MAX))
    }

    /// Takes note of steps that a function of the engine takes.
    pub fn work(&self, steps: usize) {
        if let Clock::Counted { ran, .. } | Clock::Played(ran, _) = self {
            ran.set(ran.get() + Clock::time_of(steps));
        }
    }

    /// Takes note of one tick of the count hook, which comes each so many instructions.
    pub fn tick(&self, instructions: u32) {
        if let Clock::Counted { ran, .. } | Clock::Played(ran, _) = self {
            ran.set(ran.get() + INSTRUCTION * instructions);
        }
    }
}

impl Wall {
    /// A time that is `since_1970` now, and goes on as the runtime's clock does.
    pub fn from(since_1970: Duration) -> Self {
        Wall(Some((since_1970, RuntimeInstant::now())))
    }

    /// Whether a test moves it.
    pub fn is_played(&self) -> bool {
        self.0.is_some()
    }

    /// The time since 1970. A machine whose clock says less is set wrong, and 0 says so as well as anything.
    pub fn now(&self) -> Duration {
        match self.0 {
            Some((start, since)) => start.saturating_add(since.elapsed()),
            None => SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
        }
    }
}
