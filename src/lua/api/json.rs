//! `json`: encode and decode, for scripts. Bounded in depth and size; a text that is no JSON is `nil, "invalid"`.
//!
//! Arrays come back as arrays, the empty one too; `json.null` stands for null, which a Lua table can't hold.

use std::rc::Rc;

use mlua::{Lua, Table, Value};
use serde_json::{Map, Number};

use crate::lua::api::Parts;
use crate::lua::api::module::{Module, OrKind, When};
use crate::lua::guard::Guard;

/// Octets of a text, either way: what takes longer would hold up other sessions.
const SIZE: usize = 256 << 10;
/// Tables in tables.
const DEPTH: usize = 64;

/// Opens the module `json`.
pub(super) fn open(lua: &Lua, guard: &Rc<Guard>, _: &Parts) -> mlua::Result<Table> {
    let json = Module::new(lua, guard, "json")?;
    json.constant("null", Value::NULL)?;
    json.function("encode", When::Always, |lua, arguments| {
        Ok(OrKind(encode(lua, arguments.at(1)).map_err(|error| error.to_string())?))
    })?;
    json.function("decode", When::Always, |lua, arguments| {
        let text = arguments.octets(1, "a text")?;
        Ok(OrKind(decode(lua, &text).map_err(|error| error.to_string())?))
    })?;
    Ok(json.finish())
}

/// The text of `value`, or the kind why it has none.
pub(in crate::lua) fn encode(lua: &Lua, value: &Value) -> mlua::Result<Result<String, &'static str>> {
    let mut encoder = Encoder { arrays: &arrays(lua)?, room: SIZE };
    let value = encoder.value(value, DEPTH);
    let text = value.and_then(|value| serde_json::to_string(&value).map_err(|_| "invalid"));
    Ok(text.and_then(|text| if text.len() > SIZE { Err("too_large") } else { Ok(text) }))
}

/// The value that `text` is, or the kind why it is none.
pub(super) fn decode(lua: &Lua, text: &[u8]) -> mlua::Result<Result<Value, &'static str>> {
    if text.len() > SIZE {
        return Ok(Err("too_large"));
    }
    let Ok(value) = serde_json::from_slice::<serde_json::Value>(text) else { return Ok(Err("invalid")) };
    Ok(build(lua, &arrays(lua)?, &value, DEPTH)?.ok_or("too_large"))
}

/// The empty tables that were arrays, for they don't say it themselves: remembered while they live.
fn arrays(lua: &Lua) -> mlua::Result<Table> {
    if let Some(arrays) = lua.named_registry_value(ARRAYS)? {
        return Ok(arrays);
    }
    let arrays = lua.create_table()?;
    let weak = lua.create_table()?;
    weak.raw_set("__mode", "k")?;
    arrays.set_metatable(Some(weak))?;
    lua.set_named_registry_value(ARRAYS, &arrays)?;
    Ok(arrays)
}

/// Where the Lua state keeps them.
const ARRAYS: &str = "gatepost.json.arrays";

/// `value` for Lua; none if it is nested too deeply.
fn build(lua: &Lua, arrays: &Table, value: &serde_json::Value, depth: usize) -> mlua::Result<Option<Value>> {
    Ok(Some(match value {
        serde_json::Value::Null => Value::NULL,
        serde_json::Value::Bool(truth) => Value::Boolean(*truth),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(whole) => Value::Integer(whole),
            None => Value::Number(number.as_f64().unwrap_or(f64::INFINITY)),
        },
        serde_json::Value::String(text) => Value::String(lua.create_string(text)?),
        _ if depth == 0 => return Ok(None),
        serde_json::Value::Array(items) => {
            let table = lua.create_table_with_capacity(items.len(), 0)?;
            if items.is_empty() {
                arrays.raw_set(&table, true)?;
            }
            for item in items {
                let Some(item) = build(lua, arrays, item, depth - 1)? else { return Ok(None) };
                table.raw_push(item)?;
            }
            Value::Table(table)
        }
        serde_json::Value::Object(entries) => {
            let table = lua.create_table_with_capacity(0, entries.len())?;
            for (key, value) in entries {
                let Some(value) = build(lua, arrays, value, depth - 1)? else { return Ok(None) };
                table.raw_set(key.as_str(), value)?;
            }
            Value::Table(table)
        }
    }))
}

/// Makes JSON of Lua's values; objects by key, so that equal tables give equal texts.
struct Encoder<'a> {
    arrays: &'a Table,
    /// Octets that may still come; counted as it goes, for a table may hold itself many times over.
    room: usize,
}

impl Encoder<'_> {
    fn value(&mut self, value: &Value, depth: usize) -> Result<serde_json::Value, &'static str> {
        self.take(1)?;
        Ok(match value {
            Value::LightUserData(null) if null.0.is_null() => serde_json::Value::Null,
            Value::Boolean(truth) => serde_json::Value::Bool(*truth),
            Value::Integer(whole) => serde_json::Value::Number((*whole).into()),
            // Not a number and infinity have no JSON.
            Value::Number(number) => serde_json::Value::Number(Number::from_f64(*number).ok_or("invalid")?),
            Value::String(text) => {
                self.take(text.as_bytes().len())?;
                serde_json::Value::String(text.to_str().map_err(|_| "invalid")?.to_owned())
            }
            Value::Table(table) => {
                let depth = depth.checked_sub(1).ok_or("too_large")?;
                self.table(&plain(table)?, depth)?
            }
            _ => return Err("invalid"),
        })
    }

    fn table(&mut self, table: &Table, depth: usize) -> Result<serde_json::Value, &'static str> {
        let length = table.raw_len();
        let is_array = length > 0 || self.arrays.raw_get::<bool>(table).unwrap_or(false);
        let mut items = Vec::new();
        for item in table.sequence_values::<Value>() {
            items.push(self.value(&item.map_err(|_| "invalid")?, depth)?);
        }
        let mut entries = Vec::new();
        let mut count = 0_usize;
        for pair in table.pairs::<Value, Value>() {
            let (key, value) = pair.map_err(|_| "invalid")?;
            count += 1;
            match key {
                Value::String(key) if !is_array => {
                    self.take(key.as_bytes().len())?;
                    entries
                        .push((key.to_str().map_err(|_| "invalid")?.to_owned(), self.value(&value, depth)?));
                }
                Value::Integer(_) if is_array => {}
                // Neither an array nor an object: of both, or with holes.
                _ => return Err("invalid"),
            }
        }
        if is_array {
            return if count == items.len() { Ok(serde_json::Value::Array(items)) } else { Err("invalid") };
        }
        entries.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(serde_json::Value::Object(entries.into_iter().collect::<Map<_, _>>()))
    }

    fn take(&mut self, octets: usize) -> Result<(), &'static str> {
        self.room = self.room.checked_sub(octets).ok_or("too_large")?;
        Ok(())
    }
}

/// The table itself, or what a read-only view of plain data shows. An object with methods is no data.
fn plain(table: &Table) -> Result<Table, &'static str> {
    let Some(metatable) = table.metatable() else { return Ok(table.clone()) };
    match metatable.raw_get::<Value>("__index") {
        Ok(Value::Table(facts)) if facts.metatable().is_none() => Ok(facts),
        _ => Err("invalid"),
    }
}
