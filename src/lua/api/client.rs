//! `client:name()` and `client:ptr()`: the names of the client's address. No judgement here.

use std::rc::Rc;

use mlua::{Lua, Table};

use crate::lua::api::Parts;
use crate::lua::guard::Guard;

/// The methods of `client`.
pub(in crate::lua) fn methods(lua: &Lua, _guard: &Rc<Guard>, _parts: &Parts) -> mlua::Result<Table> {
    lua.create_table()
}
