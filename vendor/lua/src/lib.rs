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
}
