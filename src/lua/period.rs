//! How often the guard's hook comes in a coroutine.
#![allow(unsafe_code)]

use gatepost_lua::{lua_hookerror, lua_takespent};
use mlua::ffi::{self, lua_State};

/// Instructions between two looks at the clock. The VM traps on each instruction as soon as a count hook is
/// set, so a short period costs little more than a long one, and bounds the harm of slow instructions.
pub(super) const INSTRUCTIONS: u32 = 100;
/// The same where an instruction may be slow: one that compares or joins texts of megabytes, or collects garbage.
pub(super) const HEAVY: u32 = 5;
/// The same where each is slow.
pub(super) const EACH: u32 = 1;

/// Lets the hook come at the next instruction; the guard decides there how it goes on.
pub(super) fn hasten(state: *mut lua_State) {
    set_period(state, EACH);
}

/// Lets the hook come each time that the coroutine has run so many instructions.
pub(super) fn set_period(state: *mut lua_State, instructions: u32) {
    let count = i32::try_from(instructions).unwrap_or(i32::MAX);
    // SAFETY: `state` is the coroutine that runs now, so it is alive; both calls read or write fields of it, allocate
    // nothing and raise nothing.
    unsafe { ffi::lua_sethook(state, ffi::lua_gethook(state), ffi::lua_gethookmask(state), count) }
}

/// Called by the guard's hook: the instruction at which it has come raises, when the hook has returned.
pub(super) fn raise(state: *mut lua_State) {
    // SAFETY: as above.
    unsafe { lua_hookerror(state) }
}

/// What Lua has done outside of instructions, in the time of instructions: the entries of an emptied table that were gone
/// through, and the like. It is taken, so that nobody counts it again.
pub(super) fn take_spent(state: *mut lua_State) -> usize {
    // SAFETY: as above; a field is read and set.
    usize::try_from(unsafe { lua_takespent(state) }).unwrap_or(0)
}

/// Instructions between two ticks in this coroutine.
pub(super) fn period(state: *mut lua_State) -> u32 {
    // SAFETY: as above; a field is read.
    u32::try_from(unsafe { ffi::lua_gethookcount(state) }).unwrap_or(INSTRUCTIONS)
}

/// Whether the coroutine that runs can be suspended.
pub(super) fn is_yieldable(state: *mut lua_State) -> bool {
    // SAFETY: as above; a field is read.
    unsafe { ffi::lua_isyieldable(state) != 0 }
}
