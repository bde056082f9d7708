//! Maps that scripts ask: `map:get(key)` and `map:contains(key)`. One copy, however many look at it.

use std::borrow::Cow;
use std::rc::Rc;
use std::sync::Arc;

use mlua::{IntoLua, IntoLuaMulti, Lua, LuaString, MetaMethod, MultiValue, UserData, UserDataMethods, Value};

use crate::lookup::error::LookupError;
use crate::lookup::map::maps::Map;
use crate::lookup::map::remote::RemoteMap;
use crate::lookup::map::table::Table;
use crate::lua::caller::raise;
use crate::lua::charge::{self, taken};
use crate::lua::guard::Guard;
use crate::lua::or_kind::OrKind;
use crate::lua::suspend;

/// A map, as `map.get` and `map.file` give it and an option of the type `map` is.
pub enum MapObject {
    /// It answers at once.
    Table(TableObject),
    /// It waits.
    Remote(RemoteObject),
}

impl MapObject {
    /// `map`.
    pub fn new(map: &Map) -> Self {
        match map {
            Map::Table(table) => Self::table(Arc::clone(table)),
            Map::Remote(map) => Self::Remote(RemoteObject(map.clone())),
            Map::Unasked => Self::absent(),
        }
    }

    /// The map in `table`.
    pub fn table(table: Arc<Table>) -> Self {
        Self::Table(TableObject(Some(table)))
    }

    /// A map that can't be asked: for where no hook runs, as to describe a policy.
    pub fn absent() -> Self {
        Self::Table(TableObject(None))
    }
}

impl IntoLua for MapObject {
    fn into_lua(self, lua: &Lua) -> mlua::Result<Value> {
        match self {
            Self::Table(table) => table.into_lua(lua),
            Self::Remote(remote) => remote.into_lua(lua),
        }
    }
}

/// A map that was read from a file.
pub struct TableObject(Option<Arc<Table>>);

impl TableObject {
    fn get(&self, lua: &Lua, key: &LuaString) -> mlua::Result<Result<String, LookupError>> {
        let Some(table) = &self.0 else { return Ok(Err(LookupError::Unavailable)) };
        let key = taken(lua, key)?;
        let found = table.get_for(&key, |steps| charge::steps(lua, steps))?;
        Ok(found.map(Cow::into_owned))
    }
}

/// Whether there is a value. What is no address is in no network, as with a set.
fn is_there(found: Result<String, LookupError>) -> OrKind<bool> {
    OrKind::looked_up(match found {
        Ok(_) => Ok(true),
        Err(LookupError::Absent | LookupError::Invalid) => Ok(false),
        Err(error) => Err(error),
    })
}

impl UserData for TableObject {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_method("get", |lua, map, key: LuaString| Ok(OrKind::looked_up(map.get(lua, &key)?)));
        methods.add_method("contains", |lua, map, key: LuaString| Ok(is_there(map.get(lua, &key)?)));
        let length = |map: &Self| map.0.as_ref().map_or(0, |table| table.len());
        methods.add_meta_method(MetaMethod::Len, move |_, map, ()| Ok(length(map)));
        methods.add_meta_method(MetaMethod::NewIndex, |lua, _, _: (Value, Value)| -> mlua::Result<()> {
            Err(raise(lua, "a map is read-only"))
        });
    }
}

/// A map on a web server.
pub struct RemoteObject(RemoteMap);

/// Where the Lua state keeps the functions behind `map:get` and `map:contains` of such a map.
const GET: &str = "gatepost.map.get";
const CONTAINS: &str = "gatepost.map.contains";

/// Makes the methods of maps that are waited for, which go by `guard`.
pub(in crate::lua) fn open(lua: &Lua, guard: &Rc<Guard>) -> mlua::Result<()> {
    type Words = fn(Result<String, LookupError>, &Lua) -> mlua::Result<MultiValue>;
    let value: Words = |found, lua| OrKind::looked_up(found).into_lua_multi(lua);
    let is_there: Words = |found, lua| is_there(found).into_lua_multi(lua);
    for (place, answer) in [(GET, value), (CONTAINS, is_there)] {
        let watching = Rc::clone(guard);
        let ask = suspend::function(lua, guard, move |lua, (this, key): (Value, LuaString)| {
            let may_wait = suspend::may_wait(&lua, &watching);
            async move {
                may_wait?;
                let map =
                    this.as_userdata().and_then(|this| Some(this.borrow::<RemoteObject>().ok()?.0.clone()));
                let map = map.ok_or_else(|| raise(&lua, "use `:`: map:get(key), map:contains(key)"))?;
                answer(map.get(&taken(&lua, &key)?).await, &lua)
            }
        })?;
        lua.set_named_registry_value(place, ask)?;
    }
    Ok(())
}

impl UserData for RemoteObject {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        // Not methods of mlua's making: what waits goes by the guard.
        methods.add_meta_method(MetaMethod::Index, |lua, _, key: Value| match key {
            Value::String(key) if key == "get" => lua.named_registry_value(GET),
            Value::String(key) if key == "contains" => lua.named_registry_value(CONTAINS),
            _ => Ok(Value::Nil),
        });
        methods.add_meta_method(MetaMethod::NewIndex, |lua, _, _: (Value, Value)| -> mlua::Result<()> {
            Err(raise(lua, "a map is read-only"))
        });
    }
}
