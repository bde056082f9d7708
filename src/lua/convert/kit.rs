//! The makers of the tables that hooks receive, one set a Lua state.

use mlua::{Function, Lua, Table};

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
    /// The makers in `make`, as `prelude/objects.lua` gives them; `view` makes a table that can't be written.
    pub(in crate::lua) fn new(lua: &Lua, make: &Table, view: &Function) -> mlua::Result<Kit> {
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
            view: view.clone(),
        })
    }

    /// `facts` as a table that can't be written.
    pub(super) fn view(&self, name: &str, facts: Table) -> mlua::Result<Table> {
        self.view.call((name, facts))
    }
}
