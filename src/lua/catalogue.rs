//! Every name that a policy can write: hooks, globals, functions of modules, fields and methods of what hooks receive.
//!
//! The tests hold it to what is really there, and the docs to it.

use std::collections::HashMap;

use crate::lua::actions;
use crate::lua::api::{self, Parts};
use crate::lua::clock::Clock;
use crate::lua::engine;
use crate::lua::globals::{Globals, keys};
use crate::lua::types;
use crate::lua::types::class::{Class, Kind};
use crate::policy::event::Stage;

/// All names, as a policy writes them: `connect`, `reject`, `dns.mx`, `session.id`, `session:delay`.
///
/// *Errors*: no Lua state can be made.
pub fn names() -> mlua::Result<Vec<String>> {
    let parts = Parts::offline();
    let (sandbox, _) = engine::open(HashMap::new(), &parts, Clock::monotonic())?;
    let (lua, guard) = (&sandbox.lua, &sandbox.guard);
    let mut names: Vec<String> = Stage::ALL.iter().map(|stage| stage.as_str().to_owned()).collect();
    let globals = Globals::of(&sandbox.base)?;
    for global in globals.names() {
        match globals.members(global).filter(|_| api::is_module(global)) {
            Some(members) => names.extend(members.iter().map(|name| format!("{global}.{name}"))),
            None => names.push(global.to_owned()),
        }
    }
    for (class, methods) in [
        ("session", actions::session(lua, guard)?),
        ("mail", actions::mail(lua, guard)?),
        ("rcpt", actions::rcpt(lua, guard)?),
        ("transaction", actions::transaction(lua, guard)?),
        ("client", api::client::methods(lua, guard, &parts)?),
    ] {
        names.extend(keys(&methods)?.iter().map(|name| format!("{class}:{name}")));
    }
    for class in types::all().filter(|class| class.kind == Kind::Object) {
        names.extend(class.fields().map(|name| format!("{}.{name}", class.shown())));
    }
    let message = types::find("Message").into_iter().flat_map(Class::functions);
    names.extend(message.filter(|one| !one.is_later()).map(|one| format!("message:{}", one.name)));
    names.sort();
    Ok(names)
}
