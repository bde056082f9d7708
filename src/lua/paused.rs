//! Functions that wait in their midst: what stands on their stacks meanwhile.
#![allow(unsafe_code)]

use std::ffi::c_int;

use mlua::Lua;
use mlua::ffi::{self, lua_Integer, lua_KContext, lua_KFunction, lua_State};

use crate::lua::pool::weak_table;
use crate::lua::stack::Stack;

/// Where the registry has the stacks of paused functions, by their coroutines.
static PAUSED: u8 = 0;

/// Makes the table for the stacks of functions that are paused. Its keys are weak: a coroutine that is never resumed
/// takes its stack along.
pub(super) fn keep_paused(lua: &Lua) -> mlua::Result<()> {
    let paused = weak_table(lua)?;
    // SAFETY: the closure takes the one value that it was given.
    unsafe {
        lua.exec_raw(paused, |state| {
            ffi::lua_rawsetp(state, ffi::LUA_REGISTRYINDEX, (&raw const PAUSED).cast());
        })
    }
}

impl Stack {
    /// Suspends the coroutine; `next` goes on with the same stack, by `go_on`. The function returns what this returns.
    ///
    /// The stack is put away: mlua empties it when the coroutine is a hook call's own.
    pub(super) fn pause(self, next: lua_KFunction) -> c_int {
        // SAFETY: the caller has seen that it can be suspended. All values go into a table, and the table into the one
        // that `keep_paused` has made; for that there is room.
        unsafe {
            let height = ffi::lua_gettop(self.state());
            ffi::lua_createtable(self.state(), height, 0);
            ffi::lua_insert(self.state(), 1);
            for place in (1..=height).rev() {
                ffi::lua_rawseti(self.state(), 1, lua_Integer::from(place));
            }
            ffi::lua_rawgetp(self.state(), ffi::LUA_REGISTRYINDEX, (&raw const PAUSED).cast());
            ffi::lua_pushthread(self.state());
            ffi::lua_pushvalue(self.state(), 1);
            ffi::lua_rawset(self.state(), 2);
            ffi::lua_yieldk(self.state(), 0, isize::try_from(height).unwrap_or_default(), Some(next))
        }
    }

    /// The stack of a function that goes on after `pause`, as it was.
    pub(super) fn go_on(state: *mut lua_State, height: lua_KContext) -> Stack {
        // SAFETY: `pause` has put the table there, with so many values in it.
        unsafe {
            ffi::lua_settop(state, 0);
            ffi::lua_rawgetp(state, ffi::LUA_REGISTRYINDEX, (&raw const PAUSED).cast());
            ffi::lua_pushthread(state);
            ffi::lua_rawget(state, 1);
            for place in 1..=height {
                ffi::lua_rawgeti(state, 2, lua_Integer::try_from(place).unwrap_or_default());
            }
            ffi::lua_remove(state, 1);
            ffi::lua_remove(state, 1);
        }
        Stack::of(state)
    }
}
