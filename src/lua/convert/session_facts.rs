//! `session`, as scripts see it while a hook runs: facts that last, and those that change.

use std::rc::Rc;

use mlua::{Function, IntoLua, Lua, LuaString, Table, Value};

use crate::lua::call::Call;
use crate::lua::caller::raise;
use crate::lua::convert::session::SessionView;
use crate::lua::convert::transaction_facts;
use crate::lua::guard::Guard;
use crate::policy::event::Stage;

/// The function behind `session`: makes a fact when it is first asked for, and keeps it if it lasts.
pub(in crate::lua) fn lazy(lua: &Lua, guard: &Rc<Guard>) -> mlua::Result<Function> {
    let guard = Rc::clone(guard);
    lua.create_function(move |lua, (facts, key): (Table, Value)| {
        let Value::String(key) = key else { return Ok(Value::Nil) };
        let call = guard.call();
        let Some((call, view)) = call.as_ref().and_then(|call| Some((call, call.session.as_ref()?))) else {
            return Err(raise(lua, "session is gone"));
        };
        if !view.reads(&facts) {
            return Err(raise(lua, "this session is not the one that the hook was called for"));
        }
        fact(view, call, &guard, &facts, &key)
    })
}

fn fact(
    view: &SessionView,
    call: &Call,
    guard: &Guard,
    facts: &Table,
    key: &LuaString,
) -> mlua::Result<Value> {
    let name = key.as_bytes();
    match view.lasting(&name)? {
        Some(value) => {
            facts.raw_set(key, &value)?;
            Ok(value)
        }
        None => passing(view, call, guard, &name),
    }
}

/// A fact that changes, by its name; nil for what there is not.
fn passing(view: &SessionView, call: &Call, guard: &Guard, key: &[u8]) -> mlua::Result<Value> {
    let lua = &view.kit.lua;
    match key {
        b"ehlo" => match (call.stage, &*view.provisional.borrow()) {
            (Some(Stage::Ehlo), Some(subject)) => return Ok(Value::Table(subject.clone())),
            _ => return view.ehlo(),
        },
        b"tls" => return view.tls(),
        b"auth" => match (call.stage, &*view.provisional.borrow()) {
            (Some(Stage::Auth), Some(subject)) => return Ok(Value::Table(subject.clone())),
            _ => return view.auth(),
        },
        b"transaction" => return transaction_facts::current(view, call),
        b"vars" => return view.vars.borrow_mut().own(lua, call.touch_vars()).map(Value::Table),
        b"shared" => {
            return view
                .vars
                .borrow_mut()
                .shared(lua, call.touch_vars(), call.is_observing)
                .map(Value::Table);
        }
        b"symbols" => return view.symbols(),
        _ => {}
    }
    let session = view.session.borrow();
    let counters = session.counters();
    match key {
        b"may_relay" => session.may_relay().into_lua(lua),
        b"talked_early" => counters.talked_early.into_lua(lua),
        b"pipelining_violations" => counters.pipelining_violations.into_lua(lua),
        b"command_errors" => counters.command_errors.into_lua(lua),
        b"recipients_refused" => counters.recipients_refused.into_lua(lua),
        b"refused_by_backend" => counters.refused_by_backend.into_lua(lua),
        b"auth_failures" => counters.auth_failures.into_lua(lua),
        b"messages" => counters.messages.into_lua(lua),
        b"octets" => counters.octets.into_lua(lua),
        b"commands" => counters.commands.into_lua(lua),
        b"seconds" => guard.now().saturating_sub(view.opened).as_secs_f64().into_lua(lua),
        b"score" => (session.score() + call.points()).into_lua(lua),
        _ => Ok(Value::Nil),
    }
}
