//! Maps that scripts ask: `map:get(key)` and `map:contains(key)`. One copy, however many look at it.

use std::sync::Arc;

use mlua::{LuaString, MetaMethod, UserData, UserDataMethods, Value};

use crate::lookup::error::LookupError;
use crate::lookup::map::table::Table;
use crate::lua::caller::raise;
use crate::lua::or_kind::OrKind;

/// A map, as `map.get` and `map.file` give it and an option of the type `map` is.
#[derive(Clone, Debug)]
pub struct MapObject(Option<Arc<Table>>);

impl MapObject {
    /// The map in `table`.
    pub fn new(table: Arc<Table>) -> Self {
        Self(Some(table))
    }

    /// A map that can't be asked: for where no hook runs, as to describe a policy.
    pub fn absent() -> Self {
        Self(None)
    }

    fn get(&self, key: &LuaString) -> Result<String, LookupError> {
        let table = self.0.as_ref().ok_or(LookupError::Unavailable)?;
        table.get(&key.to_string_lossy()).map(std::borrow::Cow::into_owned)
    }
}

impl UserData for MapObject {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_method("get", |_, map, key: LuaString| Ok(OrKind::looked_up(map.get(&key))));
        methods.add_method("contains", |_, map, key: LuaString| {
            Ok(OrKind::looked_up(match map.get(&key) {
                Ok(_) => Ok(true),
                // What is no address is in no network, as with a set.
                Err(LookupError::Absent | LookupError::Invalid) => Ok(false),
                Err(error) => Err(error),
            }))
        });
        methods
            .add_meta_method(MetaMethod::Len, |_, map, ()| Ok(map.0.as_ref().map_or(0, |table| table.len())));
        methods.add_meta_method(MetaMethod::NewIndex, |lua, _, _: (Value, Value)| -> mlua::Result<()> {
            Err(raise(lua, "a map is read-only"))
        });
    }
}
