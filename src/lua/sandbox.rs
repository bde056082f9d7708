//! The Lua state of a worker: what scripts find in it, and what they don't.
//!
//! No `load`, `io`, `debug`, `package`, no bytecode, no finalizers; libraries and globals can't be written.

use std::collections::HashMap;
use std::path::PathBuf;
use std::rc::Rc;

use mlua::{Function, Lua, LuaOptions, StdLib, Table, Value};

use crate::lua::clock::Clock;
use crate::lua::guard::Guard;
use crate::lua::later;
use crate::lua::script;

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
        let native = native(&lua, &guard, folders)?;
        let made: Table = lua
            .load(include_str!("prelude/sandbox.lua"))
            .set_name("=gatepost")
            .call(native)?;
        Ok(Sandbox {
            base: made.get("base")?,
            view: made.get("view")?,
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

/// The functions that the prelude calls.
fn native(lua: &Lua, guard: &Rc<Guard>, folders: HashMap<String, Vec<PathBuf>>) -> mlua::Result<Table> {
    let native = lua.create_table()?;
    native.set("name_of", lua.create_function(|_, view: Table| of_view(&view, "__name"))?)?;
    native.set("facts_of", lua.create_function(|_, view: Table| of_view(&view, "__index"))?)?;
    let is_view = |_: &Lua, object: Table| {
        Ok(object.metatable().is_some_and(|metatable| metatable.raw_get("__metatable").is_ok_and(|v: Value| !v.is_nil())))
    };
    native.set("is_view", lua.create_function(is_view)?)?;
    native.set("is_later", lua.create_function(|_, name: Value| {
        Ok(name.as_string().is_some_and(|name| name.to_str().is_ok_and(|name| later::is_later(&name))))
    })?)?;
    let watching = Rc::clone(guard);
    native.set("mark_top", lua.create_function(move |lua, ()| {
        watching.mark_top(lua);
        Ok(())
    })?)?;
    let watching = Rc::clone(guard);
    native.set("is_killed", lua.create_function(move |_, ()| Ok(watching.is_killed()))?)?;
    let watching = Rc::clone(guard);
    let is_loading = move |_: &Lua, ()| Ok(watching.call().is_none_or(|call| call.stage.is_none()));
    native.set("is_loading", lua.create_function(is_loading)?)?;
    let watching = Rc::clone(guard);
    native.set("print", lua.create_function(move |_, text: mlua::LuaString| {
        if let Some(call) = watching.call() {
            tracing::info!(policy = %call.policy, text = %text.to_string_lossy(), "print");
        }
        Ok(())
    })?)?;
    let watching = Rc::clone(guard);
    native.set("find_module", lua.create_function(move |lua, (name, env): (mlua::LuaString, Table)| {
        let call = watching.call().filter(|call| call.stage.is_none());
        let Some(call) = call else { return Err(raise(lua, "require stands at the top of the file, not in a hook")) };
        let folders = folders.get(&*call.policy).map(Vec::as_slice).unwrap_or_default();
        let name = name.to_string_lossy();
        let source = script::find_module(&name, folders).map_err(|problem| raise(lua, &problem))?;
        if let Some((line, later)) = later::find(&source.text) {
            return Err(mlua::Error::runtime(format!("{}:{line}: '{later}' is not in this version", source.name)));
        }
        source.compile(lua, env)
    })?)?;
    Ok(native)
}

/// What a view's metatable holds under `key`.
fn of_view(view: &Table, key: &str) -> mlua::Result<Value> {
    view.metatable().map_or(Ok(Value::Nil), |metatable| metatable.raw_get(key))
}

/// An error with the file and line of the script that is running.
pub fn raise(lua: &Lua, message: &str) -> mlua::Error {
    match line_of_script(lua) {
        Some((file, line)) => mlua::Error::runtime(format!("{file}:{line}: {message}")),
        None => mlua::Error::runtime(message),
    }
}

/// The file and line of the script that called into the engine.
pub(super) fn line_of_script(lua: &Lua) -> Option<(String, usize)> {
    // Level 0 is the engine's function itself; frames between are the prelude's and mlua's own.
    (0..16).find_map(|level| {
        lua.inspect_stack(level, |frame| {
            let source = frame.source();
            let file = source.source.as_deref()?.strip_prefix('@')?.to_owned();
            Some((file, frame.current_line()?))
        })
        .flatten()
    })
}
