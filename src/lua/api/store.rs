//! `store`: what policies remember between sessions. No judgement here: arguments in, `store::calls`, values out.

use std::rc::Rc;

use mlua::{Lua, Table, Value};

use crate::lua::api::drawer::{Drawer, Found, Owner, name_of, or_kind, positive};
use crate::lua::api::module::{Arguments, Module, OrKind};
use crate::lua::api::plain::{Kept, Unfit, encoded};
use crate::lua::api::{Parts, remember};
use crate::lua::guard::Guard;
use crate::store::error::StoreError;
use crate::store::operation::Lifetime;
use crate::store::value::{Encoded, Value as Plain};

/// Opens the module `store`, with `store.shared` in it.
pub(super) fn open(lua: &Lua, guard: &Rc<Guard>, parts: &Parts) -> mlua::Result<Table> {
    let own = calls(lua, guard, parts, Owner::Policy)?;
    own.raw_set("shared", calls(lua, guard, parts, Owner::All)?)?;
    Ok(own)
}

/// The functions for the entries of `owner`.
fn calls(lua: &Lua, guard: &Rc<Guard>, parts: &Parts, owner: Owner) -> mlua::Result<Table> {
    let drawer = Drawer::new(guard, parts, owner);
    let module = Module::new(lua, guard, drawer.module())?;
    let at = drawer.clone();
    module.waiting("get", move |arguments| Ok(get(at.find(arguments)?)))?;
    let at = drawer.clone();
    module.waiting("set", move |arguments| {
        let (found, value) = (at.find(arguments)?, value(arguments)?);
        Ok(put(found, value, lifetime(arguments)?, true))
    })?;
    let at = drawer.clone();
    module.waiting("add", move |arguments| {
        let (found, value) = (at.find(arguments)?, value(arguments)?);
        Ok(put(found, value, lifetime(arguments)?, false))
    })?;
    let at = drawer.clone();
    module.waiting("incr", move |arguments| {
        let by = match arguments.at(2) {
            Value::Nil => Plain::Integer(1),
            Value::Integer(whole) => Plain::Integer(*whole),
            Value::Number(number) if number.is_finite() => Plain::Number(*number),
            other => return Err(format!("a number to add is wanted, this is {}", other.type_name())),
        };
        Ok(incr(at.find(arguments)?, by, lifetime(arguments)?))
    })?;
    let at = drawer.clone();
    module.waiting("delete", move |arguments| Ok(delete(at.find(arguments)?)))?;
    let at = drawer.clone();
    module.waiting("count_distinct", move |arguments| {
        let member = name_of(arguments, 2, "a member")?;
        Ok(count_distinct(at.find(arguments)?, member, lifetime(arguments)?))
    })?;
    let functions = module.finish();
    functions.raw_set("remember", remember::function(lua, drawer)?)?;
    Ok(functions)
}

async fn get(found: Found) -> OrKind<Kept> {
    let value = async {
        let (store, key) = found?;
        store.get(key).await
    };
    OrKind(match value.await {
        Ok(value) => value.map(Kept).ok_or("none"),
        Err(error) => Err(error.kind()),
    })
}

async fn put(
    found: Found,
    value: Result<Encoded, StoreError>,
    lifetime: Lifetime,
    replaces: bool,
) -> OrKind<bool> {
    let done = async {
        let ((store, key), value) = (found?, value?);
        match replaces {
            true => store.set(key, value, lifetime).await,
            false => store.add(key, value, lifetime).await,
        }
    };
    or_kind(done.await)
}

async fn incr(found: Found, by: Plain, lifetime: Lifetime) -> OrKind<Kept> {
    let sum = async {
        let (store, key) = found?;
        store.incr(key, by, lifetime).await
    };
    or_kind(sum.await.map(Kept))
}

async fn delete(found: Found) -> OrKind<bool> {
    let was = async {
        let (store, key) = found?;
        store.delete(key).await
    };
    or_kind(was.await)
}

async fn count_distinct(found: Found, member: Vec<u8>, lifetime: Lifetime) -> OrKind<u64> {
    let count = async {
        let (store, key) = found?;
        store.count_distinct(key, &member, lifetime).await
    };
    or_kind(count.await)
}

/// The value at the second place, which is to be kept.
fn value(arguments: &Arguments) -> Result<Result<Encoded, StoreError>, String> {
    match arguments.at(2) {
        Value::Nil => Err("a value is wanted; store.delete(key) takes one away".to_owned()),
        value => match encoded(arguments.lua(), value) {
            Ok(value) => Ok(Ok(value)),
            Err(Unfit::TooLarge) => Ok(Err(StoreError::TooLarge)),
            Err(Unfit::Misuse(message)) => Err(message),
        },
    }
}

/// How long, by the third argument; none: until it is taken away.
fn lifetime(arguments: &Arguments) -> Result<Lifetime, String> {
    match arguments.at(3) {
        Value::Nil => Ok(None),
        value => positive("ttl", value).map(Some),
    }
}
