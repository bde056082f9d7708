//! The Lua state of a worker: what scripts find in it, and what they don't.
//!
//! No `load`, `io`, `debug`, `package`, no bytecode, no finalizers; libraries and globals can't be written.

use std::collections::HashMap;
use std::path::PathBuf;
use std::rc::Rc;

use mlua::{Function, Lua, LuaOptions, StdLib, Table};

use crate::lua::chunks::Chunks;
use crate::lua::clock::{Clock, Wall};
use crate::lua::guard::Guard;
use crate::lua::measured;
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
    /// Compiled scripts.
    pub chunks: Chunks,
    environment: Function,
}

impl Sandbox {
    /// A state without policies, measured by `clock`.
    ///
    /// `folders` are where a policy's `require` looks, by the policy's name; `chunks` has what was compiled before.
    pub fn new(
        clock: Clock,
        folders: HashMap<String, Vec<PathBuf>>,
        chunks: &Chunks,
    ) -> mlua::Result<Sandbox> {
        let libraries =
            StdLib::COROUTINE | StdLib::TABLE | StdLib::OS | StdLib::STRING | StdLib::UTF8 | StdLib::MATH;
        let lua = Lua::new_with(libraries, LuaOptions::new())?;
        let guard = Guard::install(&lua, clock)?;
        pattern::open(&lua, &guard)?;
        let less = measured::open(&lua, &guard)?;
        let native = native::functions(&lua, &guard, folders, chunks)?;
        let load = |text: &str| chunks.function(&lua, "=gatepost", text.as_bytes(), None);
        native.set("less", less)?;
        native.set("sort", load(include_str!("prelude/sort.lua"))?)?;
        native.set("coroutines", load(include_str!("prelude/coroutines.lua"))?)?;
        let made: Table = load(include_str!("prelude/sandbox.lua"))?.call(native)?;
        Ok(Sandbox {
            base: made.get("base")?,
            view: made.get("view")?,
            object: made.get("object")?,
            environment: made.get("environment")?,
            chunks: chunks.clone(),
            lua,
            guard,
        })
    }

    /// Fresh globals for one policy.
    pub fn environment(&self) -> mlua::Result<Table> {
        self.environment.call(())
    }

    /// Lets `os.time` and `os.date` read `wall` where they read the machine's clock, for tests.
    pub fn play_time(&self, wall: Wall) -> mlua::Result<()> {
        let now = self.lua.create_function(move |_, ()| Ok(wall.now().as_secs()))?;
        let played = self.chunks.function(&self.lua, "=gatepost", PLAYED_TIME.as_bytes(), None)?;
        played.call((&self.base, &self.view, now))
    }

    /// `facts` as a table that can't be written; errors call it `name`.
    pub fn view(&self, name: &str, facts: Table) -> mlua::Result<Table> {
        self.view.call((name, facts))
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.guard.memory().leave();
    }
}

/// `os` with another clock.
const PLAYED_TIME: &str = r#"
local base, view, now = ...
local clock, date, time = base.os.clock, base.os.date, base.os.time
base.os = view("os", {
  clock = clock,
  date = function(format, at) return date(format or "%c", at or now()) end,
  time = function(at) if at == nil then return now() end return time(at) end,
})
"#;
