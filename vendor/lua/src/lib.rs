//! Lua 5.4 with what `README.md` tells changed in it. mlua-sys declares its C API; this crate brings the code, and
//! declares what mlua-sys doesn't.

use std::ffi::c_int;

use mlua_sys::lua_State;

unsafe extern "C-unwind" {
    /// Ends the coroutine `state` where it is, and runs its `<close>` variables; `from` is the one that does so, or null.
    /// Gives `LUA_OK`, or the status of an error, which lies on top of `state` then.
    ///
    /// # Safety
    ///
    /// Both are coroutines of one Lua state, and `state` doesn't run.
    ///
    /// Source: `lua_closethread` in the Lua manual.
    pub fn lua_closethread(state: *mut lua_State, from: *mut lua_State) -> c_int;

    /// Called by a count hook, lets the instruction at which it has come raise nil when the hook has returned. An error
    /// that the hook raised itself would unwind the function while no hook can come.
    ///
    /// # Safety
    ///
    /// `state` is the coroutine for which a count hook runs.
    pub fn lua_hookerror(state: *mut lua_State);

    /// Takes what Lua has done outside of instructions since the last count hook: in the time of instructions.
    ///
    /// # Safety
    ///
    /// `state` is a coroutine of a Lua state.
    pub fn lua_takespent(state: *mut lua_State) -> c_int;
}
