//! The objects that hooks receive, put together: their methods and late facts, and the makers of their tables.

use mlua::Table;

use crate::lua::actions;
use crate::lua::api::Parts;
use crate::lua::api::client;
use crate::lua::convert::kit::Kit;
use crate::lua::convert::{message, session_facts, subject, transaction_facts};
use crate::lua::sandbox::Sandbox;

/// The makers of objects for the scripts in `sandbox`, whose methods act upon `parts`.
pub(super) fn open(sandbox: &Sandbox, parts: &Parts) -> mlua::Result<Kit> {
    let (lua, guard) = (&sandbox.lua, &sandbox.guard);
    let methods = lua.create_table()?;
    methods.raw_set("session", actions::session(lua, guard)?)?;
    methods.raw_set("mail", actions::mail(lua, guard)?)?;
    methods.raw_set("rcpt", actions::rcpt(lua, guard)?)?;
    methods.raw_set("transaction", actions::transaction(lua, guard)?)?;
    methods.raw_set("message", message::methods(lua, guard)?)?;
    methods.raw_set("client", client::methods(lua, guard, parts)?)?;
    let lazy = lua.create_table()?;
    lazy.raw_set("session", session_facts::lazy(lua, guard)?)?;
    lazy.raw_set("transaction", transaction_facts::lazy(lua, guard)?)?;
    lazy.raw_set("params", lua.create_function(subject::params)?)?;
    lazy.raw_set("network", lua.create_function(subject::network)?)?;
    lazy.raw_set("message", lua.create_function(message::later_facts)?)?;
    let prelude = include_str!("prelude/objects.lua").as_bytes();
    let prelude = sandbox.chunks.function(lua, "=gatepost", prelude, None)?;
    let make: Table = prelude.call((&sandbox.object, methods, lazy))?;
    Kit::new(lua, &make, &sandbox.view)
}
