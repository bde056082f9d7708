//! Running and closing the coroutines that scripts make, while the guard knows which one runs.
#![allow(unsafe_code)]

use std::ffi::c_int;
use std::rc::Rc;

use gatepost_lua::lua_closethread;
use mlua::ffi::{self, lua_State};
use mlua::{Function, Lua};

use crate::lua::guard::Guard;
use crate::lua::period;
use crate::lua::stack::{self, Stack};

/// `resume(coroutine, …)` and `close(coroutine)`, as Lua's own; the caller has seen that the first is a coroutine, and
/// one that can be closed.
pub(super) fn functions(lua: &Lua, guard: &Rc<Guard>) -> mlua::Result<[Function; 2]> {
    Ok([stack::function(lua, guard, resume, ())?, stack::function(lua, guard, close, ())?])
}

/// Does `work` with the coroutine at 1, which runs meanwhile. It raises nothing.
fn run<T>(stack: Stack, work: impl FnOnce(*mut lua_State) -> T) -> T {
    let guard: &Guard = stack.shared();
    // SAFETY: the caller has seen that it is a coroutine, which the stack keeps.
    let coroutine = unsafe { ffi::lua_tothread(stack.state(), 1) };
    let before = guard.run(coroutine);
    // One after the other would have instructions of its own before the guard looks at the clock.
    period::hasten(coroutine);
    let result = work(coroutine);
    guard.run(before);
    result
}

extern "C-unwind" fn resume(state: *mut lua_State) -> c_int {
    let stack = Stack::of(state);
    let guard: &Guard = stack.shared();
    if stack.can_yield() {
        return go(stack);
    }
    // A C function has called us back: nothing below can wait.
    guard.fence();
    let results = go(stack);
    guard.unfence();
    results
}

/// Runs the coroutine at 1 until it ends or yields; how many values are returned. It raises nothing.
fn go(stack: Stack) -> c_int {
    let state = stack.state();
    let count = stack.height() - 1;
    let mut results = 0;
    // SAFETY: all arguments are moved, for which there is room; `lua_resume` catches what the coroutine raises.
    let ended = run(stack, |coroutine| unsafe {
        (ffi::lua_checkstack(coroutine, count) != 0).then(|| {
            ffi::lua_xmove(state, coroutine, count);
            (coroutine, ffi::lua_resume(coroutine, state, count, &raw mut results))
        })
    });
    let Some((coroutine, status)) = ended else { return fail(stack, "too many arguments to resume") };
    // SAFETY: the results or the error, which lie on top there, are moved where there is room.
    unsafe {
        if !matches!(status, ffi::LUA_OK | ffi::LUA_YIELD) {
            ffi::lua_xmove(coroutine, state, 1);
            return told(stack, false, 1);
        }
        if ffi::lua_checkstack(state, results + 1) == 0 {
            ffi::lua_settop(coroutine, -results - 1);
            return fail(stack, "too many results to resume");
        }
        ffi::lua_xmove(coroutine, state, results);
        told(stack, true, results)
    }
}

extern "C-unwind" fn close(state: *mut lua_State) -> c_int {
    let stack = Stack::of(state);
    // SAFETY: `lua_closethread` catches what is raised meanwhile, and leaves an error on top there.
    unsafe {
        let (coroutine, status) = run(stack, |coroutine| (coroutine, lua_closethread(coroutine, state)));
        if status == ffi::LUA_OK {
            return told(stack, true, 0);
        }
        ffi::lua_xmove(coroutine, state, 1);
        told(stack, false, 1)
    }
}

/// Returns `is_well` and the `count` values on top.
fn told(stack: Stack, is_well: bool, count: c_int) -> c_int {
    stack.push_bool(is_well);
    stack.insert(-count - 1);
    count + 1
}

fn fail(stack: Stack, words: &str) -> c_int {
    stack.push_text(words.as_bytes());
    told(stack, false, 1)
}
