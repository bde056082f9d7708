//! What a look-up gives a script: a value, or nil and the kind why there is none.

use mlua::{IntoLua, IntoLuaMulti, Lua, MultiValue, Value};

use crate::lookup::error::LookupError;

/// A value, or `nil, kind`.
pub(super) struct OrKind<T>(pub(super) Result<T, &'static str>);

impl<T> OrKind<T> {
    /// What a look-up gave.
    pub(super) fn looked_up(found: Result<T, LookupError>) -> Self {
        OrKind(found.map_err(LookupError::kind))
    }
}

impl<T: IntoLua> IntoLuaMulti for OrKind<T> {
    fn into_lua_multi(self, lua: &Lua) -> mlua::Result<MultiValue> {
        match self.0 {
            Ok(value) => value.into_lua_multi(lua),
            Err(kind) => (Value::Nil, kind).into_lua_multi(lua),
        }
    }
}
