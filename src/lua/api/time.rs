//! `time`: the clock on the wall, for scripts.

use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

use mlua::{Lua, Table};

use crate::lua::api::Parts;
use crate::lua::api::module::{Module, When};
use crate::lua::guard::Guard;

/// Opens the module `time`.
pub(super) fn open(lua: &Lua, guard: &Rc<Guard>, _: &Parts) -> mlua::Result<Table> {
    let time = Module::new(lua, guard, "time")?;
    time.function("now", When::Always, |_, _| {
        // A clock before 1970 is set wrong, and 0 says so as well as anything.
        Ok(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64())
    })?;
    Ok(time.finish())
}
