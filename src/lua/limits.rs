//! The limits of one poll of a hook call.

use std::time::Duration;

use mlua::ffi::lua_State;

/// The limits of one poll.
#[derive(Clone, Copy, Debug)]
pub(super) struct Armed {
    /// The coroutine of the hook call itself, as opposed to those that its script makes.
    pub(super) top: *mut lua_State,
    /// Processor time before others have their turn.
    pub(super) slice: Duration,
    /// Processor time that is left to it.
    pub(super) budget: Duration,
    /// Octets that the Lua state holds as it begins.
    pub(super) memory: usize,
    /// Since when it is timed.
    pub(super) timed: Option<Timed>,
}

/// The limits of one poll on the guard's clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timed {
    /// When it begins.
    pub(super) start: Duration,
    /// When others have their turn.
    pub(super) slice_end: Duration,
    /// When the budget is spent, if the system lets nobody else run meanwhile.
    pub(super) budget_end: Duration,
}

impl Armed {
    /// Whether others have their turn in between; not while a policy is loaded.
    pub(super) fn is_sliced(&self) -> bool {
        self.slice != Duration::MAX
    }
}
