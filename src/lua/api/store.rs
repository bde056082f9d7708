//! `store`: what policies remember between sessions. No judgement here: arguments in, `store::calls`, values out.

use std::rc::Rc;
use std::time::Duration;

use mlua::{Lua, Table, Value};

use crate::lua::api::module::{Arguments, Module, OrKind, duration};
use crate::lua::api::plain::{Kept, Unfit, encoded};
use crate::lua::api::{Parts, remember};
use crate::lua::capability::Need;
use crate::lua::guard::Guard;
use crate::session::effects::PolicyName;
use crate::store::calls::Store;
use crate::store::error::StoreError;
use crate::store::key::{Key, Space};
use crate::store::operation::Lifetime;
use crate::store::value::{Encoded, Value as Plain};

/// Opens the module `store`, with `store.shared` in it.
pub(super) fn open(lua: &Lua, guard: &Rc<Guard>, parts: &Parts) -> mlua::Result<Table> {
    let own = calls(lua, guard, parts, Owner::Policy)?;
    own.raw_set("shared", calls(lua, guard, parts, Owner::All)?)?;
    Ok(own)
}

/// Whose entries a call is about.
#[derive(Clone, Copy, Debug)]
pub(super) enum Owner {
    /// The policy's that makes it.
    Policy,
    /// Everybody's.
    All,
}

/// Where a call acts: the store of this worker's parts, seen by the policy that runs.
#[derive(Clone)]
pub(super) struct Drawer {
    guard: Rc<Guard>,
    parts: Parts,
    owner: Owner,
}

/// The store and the whole key, or why there is none.
pub(super) type Found = Result<(Store, Key), StoreError>;

impl Drawer {
    /// The drawer of `owner`.
    pub(super) fn new(guard: &Rc<Guard>, parts: &Parts, owner: Owner) -> Self {
        Self { guard: Rc::clone(guard), parts: parts.clone(), owner }
    }

    /// The module that its functions are in.
    pub(super) fn module(&self) -> &'static str {
        match self.owner {
            Owner::Policy => "store",
            Owner::All => "store.shared",
        }
    }

    /// What watches the scripts.
    pub(super) fn guard(&self) -> &Rc<Guard> {
        &self.guard
    }

    /// The store.
    ///
    /// *Errors*: `Unavailable` when offline.
    pub(super) fn store(&self) -> Result<&Store, StoreError> {
        self.parts.store()
    }

    /// The policy that runs.
    pub(super) fn policy(&self) -> PolicyName {
        self.guard.call().map_or_else(|| "".into(), |call| call.policy.clone())
    }

    /// Where the first argument says.
    pub(super) fn find(&self, arguments: &Arguments) -> Result<Found, String> {
        let octets = name_of(arguments, 1, "a key")?;
        let key = String::from_utf8_lossy(&octets);
        arguments.allow(&match self.owner {
            Owner::Policy => Need::Store(&key),
            Owner::All => Need::SharedStore(&key),
        })?;
        let policy = self.policy();
        let space = match self.owner {
            Owner::Policy => Space::Policy(&policy),
            Owner::All => Space::Shared,
        };
        Ok(self.parts.store().and_then(|store| Ok((store.clone(), store.key(space, &octets)?))))
    }
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

/// What a call of the store gave, for scripts.
pub(super) fn or_kind<T>(result: Result<T, StoreError>) -> OrKind<T> {
    OrKind(result.map_err(StoreError::kind))
}

/// The octets at `place`: a string, or a whole number written out.
pub(super) fn name_of(arguments: &Arguments, place: usize, what: &str) -> Result<Vec<u8>, String> {
    match arguments.at(place) {
        Value::Integer(whole) => Ok(whole.to_string().into_bytes()),
        _ => arguments.octets(place, what),
    }
}

/// The value at the second place, which is to be kept.
fn value(arguments: &Arguments) -> Result<Result<Encoded, StoreError>, String> {
    match arguments.at(2) {
        Value::Nil => Err("a value is wanted; store.delete(key) takes one away".to_owned()),
        value => match encoded(value) {
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

/// A duration that is more than nothing.
pub(super) fn positive(name: &str, value: &Value) -> Result<Duration, String> {
    let length = duration(name, value)?;
    if length.is_zero() { Err(format!("{name} is more than 0")) } else { Ok(length) }
}
