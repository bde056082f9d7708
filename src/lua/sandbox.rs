//! The Lua state of a worker: what scripts find in it, and what they don't.
//!
//! No `load`, `io`, `debug`, `package`, no bytecode, no finalizers; libraries and globals can't be written.

use std::collections::HashMap;
use std::path::PathBuf;
use std::rc::Rc;

use mlua::{Function, Lua, LuaOptions, StdLib, Table};

use crate::lua::clock::Clock;
use crate::lua::guard::Guard;
use crate::lua::native;
use crate::lua::pattern;

/// A Lua state with its guard and the engine's own Lua functions.
#[derive(Debug)]
pub struct Sandbox {
    /// The state.
    pub lua: Lua,
    /// What watches its scripts.
    pub guard: Rc<Guard>,
    /// Every policy's globals begin as a copy of this table.
    pub base: Table,
    /// `view(name, facts)`: a table that reads as `facts` and can't be written.
    pub view: Function,
    /// The same for what has no length.
    pub object: Function,
    /// `enter(hook, session, subject, options)`: calls the hook as one that the guard knows.
    pub enter: Function,
    environment: Function,
}

/// Coroutines kept for the next hook calls: a new one costs four times as much.
const COROUTINES: usize = 256;

impl Sandbox {
    /// A state without policies, measured by `clock`.
    ///
    /// `folders` are where a policy's `require` looks, by the policy's name.
    pub fn new(clock: Clock, folders: HashMap<String, Vec<PathBuf>>) -> mlua::Result<Sandbox> {
        let libraries =
            StdLib::COROUTINE | StdLib::TABLE | StdLib::OS | StdLib::STRING | StdLib::UTF8 | StdLib::MATH;
        let lua = Lua::new_with(libraries, LuaOptions::new().thread_pool_size(COROUTINES))?;
        let guard = Guard::install(&lua, clock)?;
        pattern::open(&lua, &guard)?;
        let native = native::functions(&lua, &guard, folders)?;
        let made: Table = lua.load(include_str!("prelude/sandbox.lua")).set_name("=gatepost").call(native)?;
        Ok(Sandbox {
            base: made.get("base")?,
            view: made.get("view")?,
            object: made.get("object")?,
            enter: made.get("enter")?,
            environment: made.get("environment")?,
            lua,
            guard,
        })
    }

    /// Fresh globals for one policy.
    pub fn environment(&self) -> mlua::Result<Table> {
        self.environment.call(())
    }

    /// `facts` as a table that can't be written; errors call it `name`.
    pub fn view(&self, name: &str, facts: Table) -> mlua::Result<Table> {
        self.view.call((name, facts))
    }
}
