//! `store.remember(key, terms, ask)`: one hook asks a source for all that want to know. The asking itself is done in
//! Lua, within the hook's own coroutine, so that it can wait and is held to the hook's budget.

use std::rc::Rc;
use std::time::Duration;

use mlua::{Function, IntoLuaMulti, Lua, MultiValue, Value, Variadic};

use crate::lua::api::drawer::{Drawer, Found, positive};
use crate::lua::api::module::Arguments;
use crate::lua::api::plain::{Kept, Unfit, encoded};
use crate::lua::api::raise;
use crate::lua::charge;
use crate::lua::suspend::{self, may_wait};
use crate::store::error::StoreError;
use crate::store::flight::Landing;
use crate::store::remember::{Heard, Terms, Turn};

/// Octets of a kind that is passed on.
const KIND: usize = 64;

/// The function, for the entries of `drawer`.
pub(super) fn function(lua: &Lua, drawer: Drawer) -> mlua::Result<Function> {
    let drawer = Rc::new(drawer);
    let (at, guard) = (Rc::clone(&drawer), Rc::clone(drawer.guard()));
    let inquire = suspend::function(lua, &guard, move |lua, values: Variadic<Value>| {
        let at = Rc::clone(&at);
        async move {
            may_wait(&lua, at.guard())?;
            let module = at.module();
            let misuse = |message: String| raise(&lua, &format!("{module}.remember: {message}"));
            let arguments = Arguments::new(&lua, module, at.guard().call(), values).map_err(misuse)?;
            let terms = terms(&arguments).map_err(misuse)?;
            if !arguments.at(3).is_function() {
                return Err(misuse("the third argument is a function that asks the source".to_owned()));
            }
            let found = at.find(&arguments).map_err(misuse)?;
            inquire(&lua, &at, found, terms).await
        }
    })?;
    let settle = suspend::function(lua, &guard, move |lua, (number, has_ended, value, kind): Settled| {
        let at = Rc::clone(&drawer);
        async move { settle(&lua, &at, number, has_ended, &value, &kind).await }
    })?;
    lua.load(include_str!("remember.lua")).set_name("=gatepost").call((inquire, settle))
}

type Settled = (u64, bool, Value, Value);

/// The number of the question to ask; or nothing, and what is known.
async fn inquire(lua: &Lua, at: &Drawer, found: Found, terms: Terms) -> mlua::Result<MultiValue> {
    let (store, key) = match found {
        Ok(found) => found,
        Err(error) => return (Value::Nil, Value::Nil, error.kind()).into_lua_multi(lua),
    };
    let Some(call) = at.guard().call() else { return (Value::Nil, Value::Nil).into_lua_multi(lua) };
    let asks: Vec<u64> = call.asking.borrow().iter().map(|question| question.number()).collect();
    match store.inquire(&key, terms, &asks).await {
        Turn::Told(landing) => {
            let mut told = told(lua, landing)?;
            told.push_front(Value::Nil);
            Ok(told)
        }
        Turn::Ask(question) => {
            let number = question.number();
            call.asking.borrow_mut().push(question);
            number.into_lua_multi(lua)
        }
        Turn::Own => Err(raise(lua, "store.remember: this key is being asked for already, by this function")),
    }
}

/// What is known now that the source has been asked.
async fn settle(
    lua: &Lua,
    at: &Drawer,
    number: u64,
    has_ended: bool,
    value: &Value,
    kind: &Value,
) -> mlua::Result<MultiValue> {
    let question = at.guard().call().and_then(|call| {
        let mut asking = call.asking.borrow_mut();
        let place = asking.iter().position(|question| question.number() == number)?;
        Some(asking.swap_remove(place))
    });
    let (Some(question), Ok(store)) = (question, at.store()) else {
        return (Value::Nil, StoreError::Unavailable.kind()).into_lua_multi(lua);
    };
    let kind = kind.as_string().map(charge::name);
    let heard = match (has_ended, value, kind) {
        (false, ..) => Heard::NotKnown(StoreError::Unavailable.kind().to_owned()),
        (true, Value::Nil, Some(mut kind)) if kind != "none" => {
            kind.truncate(kind.floor_char_boundary(KIND));
            Heard::NotKnown(kind)
        }
        (true, Value::Nil, _) => Heard::Known(None),
        (true, value, _) => match encoded(lua, value) {
            Ok(value) => Heard::Known(Some(value)),
            Err(Unfit::TooLarge) => Heard::NotKnown(StoreError::TooLarge.kind().to_owned()),
            Err(Unfit::Misuse(message)) => {
                return Err(raise(
                    lua,
                    &format!("store.remember: what the function gave can't be kept: {message}"),
                ));
            }
        },
    };
    told(lua, store.settle(question, heard).await)
}

/// A value, with "stale" if it is; or nil and a kind.
fn told(lua: &Lua, landing: Landing) -> mlua::Result<MultiValue> {
    let (value, note) = match landing {
        Landing::Known(value) => (value, None),
        Landing::Stale(value) => (value, Some("stale")),
        Landing::NotKnown(kind) => return (Value::Nil, kind).into_lua_multi(lua),
    };
    match value.as_ref().map(Kept::decode) {
        None => (Value::Nil, "none").into_lua_multi(lua),
        Some(Ok(value)) => (value, note).into_lua_multi(lua),
        Some(Err(error)) => (Value::Nil, error.kind()).into_lua_multi(lua),
    }
}

/// The second argument: `{ ttl, negative_ttl, stale }`.
fn terms(arguments: &Arguments) -> Result<Terms, String> {
    let mut terms = Terms { fresh: Duration::ZERO, negative: None, stale: Duration::ZERO };
    for (name, value) in arguments.named(2, "the second argument")? {
        match name.as_str() {
            "ttl" => terms.fresh = positive("ttl", &value)?,
            "negative_ttl" => terms.negative = Some(positive("negative_ttl", &value)?),
            "stale" => terms.stale = positive("stale", &value)?,
            other => return Err(format!("'{other}' is none of ttl, negative_ttl, stale")),
        }
    }
    if terms.fresh.is_zero() { Err("{ ttl = … } is wanted".to_owned()) } else { Ok(terms) }
}
