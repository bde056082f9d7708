//! `string.find`, `match`, `gmatch` and `gsub` as Lua 5.4 has them, but for the time they may take: a pattern that
//! explodes is made to wait for other sessions and ends with its hook's budget.

mod calls;
mod class;
mod error;
mod find;
mod gsub;
mod matcher;
mod plain;
mod replacement;
mod search;
mod state;

use std::rc::Rc;

use mlua::ffi::lua_CFunction;
use mlua::{Lua, Table};

use crate::lua::guard::Guard;
use crate::lua::paused;
use crate::lua::stack;
use state::Patterns;

/// Puts the four functions into Lua's own `string`, in the place of its own.
pub(super) fn open(lua: &Lua, guard: &Rc<Guard>) -> mlua::Result<()> {
    paused::keep_paused(lua)?;
    let string: Table = lua.globals().get("string")?;
    let patterns = Rc::new(Patterns::new(guard));
    let functions: [(&str, lua_CFunction); 4] =
        [("find", find::find), ("match", find::match_), ("gmatch", find::gmatch), ("gsub", gsub::gsub)];
    for (name, function) in functions {
        string.raw_set(name, stack::function(lua, &patterns, function, ())?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
