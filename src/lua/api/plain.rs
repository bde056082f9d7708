//! Plain data between Lua and the store: what can be kept, and what it is when it comes back.

use bytes::Bytes;
use mlua::{IntoLua, Lua, Value};

use crate::lua::charge;
use crate::store::error::StoreError;
use crate::store::value::{DEPTH, Encoded, VALUE, Value as Plain};

/// Steps that each part of a value takes.
const PART: usize = 40;

/// Why a Lua value can't be kept.
pub(super) enum Unfit {
    /// It is no plain data: misuse, in words.
    Misuse(String),
    /// It is more than is kept.
    TooLarge,
}

/// `value` in octets.
pub(super) fn encoded(lua: &Lua, value: &Value) -> Result<Encoded, Unfit> {
    plain(lua, value, DEPTH, &mut 0)?.encode().map_err(|_| Unfit::TooLarge)
}

/// `value` as plain data; `octets` grows by what it takes at least.
fn plain(lua: &Lua, value: &Value, depth: usize, octets: &mut usize) -> Result<Plain, Unfit> {
    *octets += match value {
        Value::String(text) => text.as_bytes().len(),
        _ => 1,
    };
    if *octets > VALUE {
        return Err(Unfit::TooLarge);
    }
    charge::steps(lua, PART).map_err(|error| Unfit::Misuse(error.to_string()))?;
    Ok(match value {
        Value::Boolean(truth) => Plain::Boolean(*truth),
        Value::Integer(whole) => Plain::Integer(*whole),
        Value::Number(number) => Plain::Number(*number),
        Value::String(text) => Plain::Text(Bytes::copy_from_slice(&text.as_bytes())),
        Value::Table(table) => {
            if table.metatable().is_some() {
                return Err(Unfit::Misuse("it holds an object; only plain data can be kept".to_owned()));
            }
            let depth = depth
                .checked_sub(1)
                .ok_or_else(|| Unfit::Misuse("its tables are nested too deeply".to_owned()))?;
            let mut pairs = Vec::new();
            for pair in table.pairs::<Value, Value>() {
                let (key, value) = pair.map_err(|error| Unfit::Misuse(error.to_string()))?;
                if key.is_table() {
                    return Err(Unfit::Misuse("a table is a key in it".to_owned()));
                }
                pairs.push((plain(lua, &key, 0, octets)?, plain(lua, &value, depth, octets)?));
            }
            Plain::Table(pairs)
        }
        other => {
            let kind = other.type_name();
            return Err(Unfit::Misuse(format!("it holds a {kind}; only plain data can be kept")));
        }
    })
}

/// What was kept, as Lua has it.
pub(super) struct Kept(pub(super) Plain);

impl Kept {
    /// What octets say.
    ///
    /// *Errors*: `Invalid`: nothing.
    pub(super) fn decode(octets: &Encoded) -> Result<Self, StoreError> {
        octets.decode().map(Self).ok_or(StoreError::Invalid)
    }
}

impl IntoLua for Kept {
    fn into_lua(self, lua: &Lua) -> mlua::Result<Value> {
        Ok(match self.0 {
            Plain::Boolean(truth) => Value::Boolean(truth),
            Plain::Integer(whole) => Value::Integer(whole),
            Plain::Number(number) => Value::Number(number),
            Plain::Text(text) => Value::String(lua.create_string(&text)?),
            Plain::Table(pairs) => {
                let table = lua.create_table()?;
                for (key, value) in pairs {
                    table.raw_set(Kept(key), Kept(value))?;
                }
                Value::Table(table)
            }
        })
    }
}
