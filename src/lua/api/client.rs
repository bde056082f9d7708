//! `client:name()` and `client:ptr()`: the names of the client's address. No judgement here.

use std::rc::Rc;

use mlua::{Function, Lua, Table, Value};

use crate::lookup::client_name::{self, ClientName, ClientNames};
use crate::lookup::error::LookupError;
use crate::lua::api::{Parts, may_wait, raise};
use crate::lua::capability::Need;
use crate::lua::guard::Guard;
use crate::lua::method::Method;
use crate::lua::suspend;
use crate::smtp::particulars::Value as Told;

/// The methods of `client`, which may wait in any hook.
pub(in crate::lua) fn methods(lua: &Lua, guard: &Rc<Guard>, parts: &Parts) -> mlua::Result<Table> {
    let methods = lua.create_table()?;
    for (name, which) in [
        (NAME, (|names: &ClientNames| names.verified.clone()) as fn(&ClientNames) -> ClientName),
        ("ptr", |names| names.ptr.clone()),
    ] {
        let method = Method { guard: Rc::clone(guard), class: "client", name };
        methods.raw_set(name, lookup(lua, Rc::new(method), parts.clone(), which)?)?;
    }
    Ok(methods)
}

const NAME: &str = "name";

/// What XCLIENT has told of the name, as the method gives it; nothing if it has not.
fn told(name: Told<String>) -> Option<(Option<String>, Option<&'static str>)> {
    match name {
        Told::Known(name) => Some((Some(name), None)),
        Told::Unavailable => Some((None, Some(LookupError::Absent.kind()))),
        Told::TemporarilyUnavailable => Some((None, Some(LookupError::ServFail.kind()))),
        Told::Untold => None,
    }
}

/// One of the two names, or `nil, kind`.
fn lookup(
    lua: &Lua,
    method: Rc<Method>,
    parts: Parts,
    which: fn(&ClientNames) -> ClientName,
) -> mlua::Result<Function> {
    let guard = Rc::clone(&method.guard);
    suspend::function(lua, &guard, move |lua, this: Value| {
        let (method, parts) = (Rc::clone(&method), parts.clone());
        async move {
            method.check(&lua, &this)?;
            may_wait(&lua, &method.guard)?;
            let call = method.guard.call();
            let refusal = call.as_ref().and_then(|call| call.allow(&Need::Dns).err());
            if let Some(refusal) = refusal {
                return Err(raise(&lua, &format!("client:{}: {refusal}", method.name)));
            }
            let session = call.and_then(|call| call.session.clone());
            let Some(session) = session else { return Err(raise(&lua, "client is gone")) };
            let address = session.client_address();
            if let (NAME, Some(told)) = (method.name, told(session.told_name())) {
                return Ok(told);
            }
            // Asked anew each time: the resolver's cache knows how long an answer is good for.
            let found = match parts.resolver() {
                Ok(resolver) => which(&client_name::find(resolver, address).await),
                Err(error) => ClientName::NotKnown(error),
            };
            Ok(match found.as_result() {
                Ok(name) => (Some(name.to_owned()), None),
                Err(error) => (None, Some(error.kind())),
            })
        }
    })
}
