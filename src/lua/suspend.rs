//! Functions that wait for something of the world, and suspend their hook call until it is there.

use std::future::Future;
use std::rc::Rc;

use mlua::{FromLuaMulti, Function, IntoLuaMulti, Lua};

use crate::lua::caller::raise;
use crate::lua::guard::Guard;
use crate::lua::waits::Wait;

/// A Lua function that suspends the hook call until the future that `body` makes of the arguments has its answer.
///
/// The future is dropped at once when the call ends before it: the client has gone, or time is over.
pub fn function<A, F, W, R>(lua: &Lua, guard: &Rc<Guard>, body: F) -> mlua::Result<Function>
where
    A: FromLuaMulti,
    F: Fn(Lua, A) -> W + 'static,
    W: Future<Output = mlua::Result<R>> + 'static,
    R: IntoLuaMulti,
{
    let guard = Rc::clone(guard);
    lua.create_async_function(move |lua, arguments: A| {
        let wait = Wait::new(body(lua, arguments));
        if let Some(call) = guard.call() {
            call.waits.add(&wait);
        }
        wait
    })
}

/// Raises unless the script may wait here: in a hook, and not below a C function that called back into Lua.
///
/// Every function that waits begins with it, and is made by `suspend::function`.
pub fn may_wait(lua: &Lua, guard: &Guard) -> mlua::Result<()> {
    match guard.call() {
        Some(call) if call.stage.is_none() => {
            Err(raise(lua, "calls that wait can't be made while a policy is loaded"))
        }
        Some(_) if !guard.can_wait(lua) => Err(raise(
            lua,
            "calls that wait can't be made inside a callback of tostring, xpcall and the like",
        )),
        _ => Ok(()),
    }
}
