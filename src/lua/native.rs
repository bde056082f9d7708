//! The engine's functions that the Lua part of the sandbox calls; scripts never see them.

use std::collections::HashMap;
use std::path::PathBuf;
use std::rc::Rc;

use mlua::{Function, IntoLuaMulti, Lua, LuaString, Table, Value, Variadic};

use crate::lua::caller::raise;
use crate::lua::chunks::Chunks;
use crate::lua::guard::Guard;
use crate::lua::later;
use crate::lua::problem::{first_words, is_hunger};
use crate::lua::script;
use crate::lua::threads;

/// Octets of what one `print` writes.
const PRINTED: usize = 4096;

/// The functions by their names; `folders` are where a policy's `require` looks, by the policy's name.
pub(super) fn functions(
    lua: &Lua,
    guard: &Rc<Guard>,
    folders: HashMap<String, Vec<PathBuf>>,
    chunks: &Chunks,
) -> mlua::Result<Table> {
    let native = lua.create_table()?;
    native.set("name_of", lua.create_function(|_, view: Table| of_view(&view, "__metatable"))?)?;
    native.set("facts_of", lua.create_function(|_, view: Table| of_view(&view, "__index"))?)?;
    let is_view = |_: &Lua, object: Table| Ok(!of_view(&object, "__metatable")?.is_nil());
    native.set("is_view", lua.create_function(is_view)?)?;
    let is_later = |_: &Lua, name: LuaString| Ok(later::is_later(&name.to_string_lossy()));
    native.set("is_later", lua.create_function(is_later)?)?;
    let raise_here = |lua: &Lua, words: String| -> mlua::Result<()> { Err(raise(lua, &words)) };
    native.set("raise", lua.create_function(raise_here)?)?;
    let is_loading = asking(lua, guard, |guard| guard.call().is_none_or(|call| call.stage.is_none()))?;
    native.set("is_loading", is_loading)?;
    let watching = Rc::clone(guard);
    let print = move |_: &Lua, text: LuaString| {
        if let Some(call) = watching.call() {
            let octets = text.as_bytes();
            let text = String::from_utf8_lossy(octets.get(..PRINTED).unwrap_or(&octets));
            let hook = call.stage.map(|stage| stage.as_str());
            let id = call.session.as_ref().map(|view| view.session.borrow().identity().id);
            let session = id.as_ref().map(|id| id.as_str());
            tracing::info!(policy = %call.policy, hook, session, text = %text, "print");
        }
        Ok(())
    };
    native.set("print", lua.create_function(print)?)?;
    native.set("find_module", find_module(lua, guard, folders, chunks)?)?;
    coroutines(lua, guard, &native)?;
    Ok(native)
}

/// What `pcall`, `xpcall` and coroutines ask the guard.
fn coroutines(lua: &Lua, guard: &Rc<Guard>, native: &Table) -> mlua::Result<()> {
    // The coroutines in which hooks run.
    native.set("own", guard.pool().own())?;
    let [resume, close] = threads::functions(lua, guard)?;
    native.set("resume", resume)?;
    native.set("close", close)?;
    // What a coroutine yields when something below it waits.
    native.set("pending", Lua::poll_pending())?;
    native.set("is_killed", asking(lua, guard, Guard::is_killed)?)?;
    native.set("is_suspending", asking(lua, guard, Guard::is_suspending)?)?;
    let watching = Rc::clone(guard);
    let out_of_memory = move |lua: &Lua, ()| {
        watching.kill(lua, watching.hunger());
        Ok(())
    };
    native.set("out_of_memory", lua.create_function(out_of_memory)?)?;
    let watching = Rc::clone(guard);
    let words_of = move |lua: &Lua, problem: Value| match &problem {
        Value::Error(error) => {
            if is_hunger(error) {
                watching.kill(lua, watching.hunger());
            }
            Ok(Value::String(lua.create_string(first_words(error))?))
        }
        _ => Ok(problem),
    };
    native.set("words_of", lua.create_function(words_of)?)
}

/// A function without arguments that asks or tells the guard something.
fn asking<R: IntoLuaMulti + 'static>(
    lua: &Lua,
    guard: &Rc<Guard>,
    ask: fn(&Guard) -> R,
) -> mlua::Result<Function> {
    let guard = Rc::clone(guard);
    lua.create_function(move |_, _: Variadic<Value>| Ok(ask(&guard)))
}

/// `find_module(name, env)`: the module's chunk, compiled.
fn find_module(
    lua: &Lua,
    guard: &Rc<Guard>,
    folders: HashMap<String, Vec<PathBuf>>,
    chunks: &Chunks,
) -> mlua::Result<Function> {
    let (guard, chunks) = (Rc::clone(guard), chunks.clone());
    lua.create_function(move |lua, (name, env): (LuaString, Table)| {
        let Some(call) = guard.call().filter(|call| call.stage.is_none()) else {
            return Err(raise(lua, "require stands at the top of the file, not in a hook"));
        };
        let folders = folders.get(&*call.policy).map(Vec::as_slice).unwrap_or_default();
        let name = name.to_string_lossy();
        let source = script::find_module(&name, folders);
        let source = source.map_err(|problem| raise(lua, &problem))?;
        if let Some((line, later)) = later::find(&source.text) {
            let file = &source.name;
            return Err(mlua::Error::runtime(format!("{file}:{line}: '{later}' is not in this version")));
        }
        guard.listing().note_module(&call.policy, &name, &source);
        source.compile(lua, env, &chunks)
    })
}

/// What a view's metatable holds under `key`; nil for what is no view.
fn of_view(view: &Table, key: &str) -> mlua::Result<Value> {
    view.metatable().map_or(Ok(Value::Nil), |metatable| metatable.raw_get(key))
}
