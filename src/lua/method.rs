//! A function that scripts call with `:`: whose it is, and that it was called as one.

use std::rc::Rc;

use mlua::{Lua, LuaString, Table, Value};

use crate::lua::caller::raise;
use crate::lua::guard::Guard;
use crate::policy::event::Stage;

/// The guard and the class of a method's object, for the functions that scripts call with `:`.
pub(super) struct Method {
    pub(super) guard: Rc<Guard>,
    pub(super) class: &'static str,
    pub(super) name: &'static str,
}

impl Method {
    /// That `this` is an object of the class; who writes `.` for `:` is told.
    pub(super) fn check(&self, lua: &Lua, this: &Value) -> mlua::Result<()> {
        let is_it = this.as_table().and_then(Table::metatable).is_some_and(|metatable| {
            metatable.raw_get::<LuaString>("__metatable").is_ok_and(|name| name == self.class)
        });
        match is_it {
            true => Ok(()),
            false => Err(raise(lua, &format!("use `:`: {}:{}(…)", self.class, self.name))),
        }
    }

    /// What is said where it may not be called: at which stages it may.
    pub(super) fn wrong_stage(&self, stages: &[Stage]) -> String {
        let names: Vec<&str> = stages.iter().map(|stage| stage.as_str()).collect();
        format!("{}:{} can be called at {} only", self.class, self.name, names.join(", "))
    }
}
