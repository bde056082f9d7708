//! The makers of the tables that hooks receive, one set a Lua state.

use std::rc::Rc;

use mlua::{Function, Lua, Table, Value};

use crate::lua::actions;
use crate::lua::api::Parts;
use crate::lua::api::client;
use crate::lua::caller::raise;
use crate::lua::convert::{message, session, subject, transaction};
use crate::lua::guard::Guard;
use crate::lua::sandbox::Sandbox;

/// Makers of tables, in Lua: a table made there costs a fraction of one made from here.
#[derive(Debug)]
pub struct Kit {
    pub(super) lua: Lua,
    pub(super) session: Function,
    pub(super) peer: Function,
    pub(super) server: Function,
    pub(super) ehlo: Function,
    pub(super) mail: Function,
    pub(super) rcpt: Function,
    pub(super) transaction: Function,
    pub(super) message: Function,
    pub(super) view: Function,
}

impl Kit {
    /// The makers for `sandbox`.
    pub fn new(sandbox: &Sandbox, parts: &Parts) -> mlua::Result<Kit> {
        let lua = &sandbox.lua;
        let methods = lua.create_table()?;
        methods.raw_set("session", actions::session(lua, &sandbox.guard)?)?;
        methods.raw_set("mail", actions::mail(lua, &sandbox.guard)?)?;
        methods.raw_set("rcpt", actions::rcpt(lua, &sandbox.guard)?)?;
        methods.raw_set("transaction", actions::transaction(lua, &sandbox.guard)?)?;
        methods.raw_set("message", message::methods(lua, &sandbox.guard)?)?;
        methods.raw_set("client", client::methods(lua, &sandbox.guard, parts)?)?;
        let lazy = lua.create_table()?;
        lazy.raw_set("session", session::lazy(lua, &sandbox.guard)?)?;
        lazy.raw_set("transaction", transaction::lazy(lua, &sandbox.guard)?)?;
        lazy.raw_set("params", lua.create_function(subject::params)?)?;
        lazy.raw_set("network", lua.create_function(subject::network)?)?;
        lazy.raw_set("message", lua.create_function(later_facts)?)?;
        let make: Table = lua.load(include_str!("../prelude/objects.lua")).set_name("=gatepost").call((
            &sandbox.view,
            methods,
            lazy,
        ))?;
        Ok(Kit {
            lua: lua.clone(),
            session: make.get("session")?,
            peer: make.get("peer")?,
            server: make.get("server")?,
            ehlo: make.get("ehlo")?,
            mail: make.get("mail")?,
            rcpt: make.get("rcpt")?,
            transaction: make.get("transaction")?,
            message: make.get("message")?,
            view: sandbox.view.clone(),
        })
    }

    /// `facts` as a table that can't be written.
    pub(super) fn view(&self, name: &str, facts: Table) -> mlua::Result<Table> {
        self.view.call((name, facts))
    }
}

/// Fields of a message that a later version brings raise; others are nil.
fn later_facts(lua: &Lua, (_, key): (Table, Value)) -> mlua::Result<Value> {
    const LATER: &[&str] = &["from", "to", "cc", "reply_to", "subject", "message_id", "date", "limits_hit"];
    let key = key.as_string().map(mlua::LuaString::to_string_lossy).unwrap_or_default();
    match LATER.contains(&key.as_str()) {
        true => Err(raise(lua, &format!("message.{key} is not in this version"))),
        false => Ok(Value::Nil),
    }
}

/// The guard and the class of a method's object, for the functions that scripts call with `:`.
pub(in crate::lua) struct Method {
    pub(in crate::lua) guard: Rc<Guard>,
    pub(in crate::lua) class: &'static str,
    pub(in crate::lua) name: &'static str,
}

impl Method {
    /// That `this` is an object of the class; who writes `.` for `:` is told.
    pub(in crate::lua) fn check(&self, lua: &Lua, this: &Value) -> mlua::Result<()> {
        let is_it = this.as_table().and_then(Table::metatable).is_some_and(|metatable| {
            metatable.raw_get::<mlua::LuaString>("__metatable").is_ok_and(|name| name == self.class)
        });
        match is_it {
            true => Ok(()),
            false => Err(raise(lua, &format!("use `:`: {}:{}(…)", self.class, self.name))),
        }
    }
}
