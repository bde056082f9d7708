//! The coroutines in which hook calls run: kept for the next call, for a new one costs four times as much.

use std::cell::RefCell;

use mlua::{Function, LightUserData, Lua, Table, Thread};

/// The coroutines of one Lua state that no call uses now.
#[derive(Debug)]
pub(super) struct Pool {
    idle: RefCell<Vec<Thread>>,
    /// All of them, as keys: scripts can't resume or close them. A weak table.
    own: Table,
    /// What a coroutine that was closed would run; it never does.
    nothing: Function,
}

/// How many are kept.
const MOST: usize = 256;

impl Pool {
    /// A pool without coroutines yet.
    pub(super) fn new(lua: &Lua) -> mlua::Result<Pool> {
        let nothing = lua.create_function(|_, ()| Ok(()))?;
        Ok(Pool { idle: RefCell::default(), own: weak_table(lua)?, nothing })
    }

    /// Where its coroutines are noted.
    pub(super) fn own(&self) -> &Table {
        &self.own
    }

    /// A coroutine that is about to run `function`.
    pub(super) fn take(&self, lua: &Lua, function: &Function) -> mlua::Result<Thread> {
        let idle = self.idle.borrow_mut().pop();
        if let Some(thread) = idle {
            thread.reset(function.clone())?;
            return Ok(thread);
        }
        let thread = lua.create_thread(function.clone())?;
        self.own.raw_set(&thread, true)?;
        Ok(thread)
    }

    /// Ends a coroutine where it is; its `<close>` variables run.
    ///
    /// Errors: what ended it before, or what they raise.
    pub(super) fn close(&self, thread: &Thread) -> mlua::Result<()> {
        thread.reset(self.nothing.clone())
    }

    /// Keeps a coroutine that has ended well.
    pub(super) fn give(&self, thread: Thread) {
        let mut idle = self.idle.borrow_mut();
        if idle.len() < MOST {
            idle.push(thread);
        }
    }
}

/// A table that doesn't keep its keys.
pub(super) fn weak_table(lua: &Lua) -> mlua::Result<Table> {
    let (table, weak) = (lua.create_table()?, lua.create_table()?);
    // No text, as scripts would give it: tables of theirs are never weak. See vendor/lua/README.md.
    weak.raw_set("__mode", LightUserData(c"k".as_ptr().cast_mut().cast()))?;
    table.set_metatable(Some(weak))?;
    Ok(table)
}
