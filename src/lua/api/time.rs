//! `time`: the clock on the wall, for scripts.

use std::rc::Rc;

use mlua::{Lua, Table};

use crate::lua::api::Parts;
use crate::lua::api::module::{Module, When};
use crate::lua::guard::Guard;

/// Opens the module `time`.
pub(super) fn open(lua: &Lua, guard: &Rc<Guard>, parts: &Parts) -> mlua::Result<Table> {
    let time = Module::new(lua, guard, "time")?;
    let wall = parts.wall();
    time.function("now", When::Always, move |_, _| Ok(wall.now().as_secs_f64()))?;
    Ok(time.finish())
}
