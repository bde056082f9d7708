//! `json`: encode and decode, for scripts. Bounded in depth and size; a text that is no JSON is `nil, "invalid"`.
//!
//! Arrays come back as arrays, the empty one too; `json.null` stands for null, which a Lua table can't hold.

use std::collections::BTreeMap;
use std::rc::Rc;

use mlua::{Lua, Table, Value};
use serde_json::{Map, Number};

use crate::lua::api::Parts;
use crate::lua::api::module::{Module, OrKind, When};
use crate::lua::charge::{self, Rate};
use crate::lua::guard::Guard;
use crate::lua::pool::weak_table;

/// Octets of a text, either way: what takes longer would hold up other sessions.
const SIZE: usize = 256 << 10;
/// Tables in tables.
const DEPTH: usize = 64;
/// Values of one text.
const VALUES: usize = 32 << 10;
/// Steps that each of them takes, besides what Lua itself takes note of.
const VALUE: usize = 30;
/// What is more than that.
const TOO_LARGE: &str = "too_large";

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
    let mut encoder = Encoder { arrays: &arrays(lua)?, room: SIZE, values: Values::new(lua) };
    let value = encoder.value(value, DEPTH);
    charge::octets(lua, SIZE - encoder.room, Rate::WRITTEN)?;
    let text = value.and_then(|value| serde_json::to_string(&value).map_err(|_| "invalid"));
    encoder.values.ended(text.and_then(|text| if text.len() > SIZE { Err(TOO_LARGE) } else { Ok(text) }))
}

/// The value that `text` is, or the kind why it is none.
pub(super) fn decode(lua: &Lua, text: &[u8]) -> mlua::Result<Result<Value, &'static str>> {
    if text.len() > SIZE {
        return Ok(Err(TOO_LARGE));
    }
    charge::octets(lua, text.len(), Rate::WRITTEN)?;
    let Ok(value) = serde_json::from_slice::<serde_json::Value>(text) else { return Ok(Err("invalid")) };
    let mut values = Values::new(lua);
    let built = build(lua, &arrays(lua)?, &value, DEPTH, &mut values)?;
    if values.is_full {
        // Of those until now nobody knows any more that they are arrays.
        lua.unset_named_registry_value(ARRAYS)?;
    }
    values.ended(built.ok_or(TOO_LARGE))
}

/// The empty tables that were arrays, for they don't say it themselves: remembered while they live.
fn arrays(lua: &Lua) -> mlua::Result<Table> {
    if let Some(arrays) = lua.named_registry_value(ARRAYS)? {
        return Ok(arrays);
    }
    let arrays = weak_table(lua)?;
    lua.set_named_registry_value(ARRAYS, &arrays)?;
    Ok(arrays)
}

/// Where the Lua state keeps them.
const ARRAYS: &str = "gatepost.json.arrays";

/// `value` for Lua; none if it is nested too deeply, or too much.
fn build(
    lua: &Lua,
    arrays: &Table,
    value: &serde_json::Value,
    depth: usize,
    values: &mut Values<'_>,
) -> mlua::Result<Option<Value>> {
    if values.count().is_err() {
        return Ok(None);
    }
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
                values.remember(arrays, &table);
            }
            for item in items {
                let Some(item) = build(lua, arrays, item, depth - 1, values)? else { return Ok(None) };
                table.raw_push(item)?;
            }
            Value::Table(table)
        }
        serde_json::Value::Object(entries) => {
            let table = lua.create_table_with_capacity(0, entries.len())?;
            for (key, value) in entries {
                let Some(value) = build(lua, arrays, value, depth - 1, values)? else { return Ok(None) };
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
    values: Values<'a>,
}

/// Counts values as they are made, and charges each.
struct Values<'a> {
    lua: &'a Lua,
    left: usize,
    problem: Option<mlua::Error>,
    /// Whether there was no room to remember an empty array.
    is_full: bool,
}

impl<'a> Values<'a> {
    fn new(lua: &'a Lua) -> Self {
        Values { lua, left: VALUES, problem: None, is_full: false }
    }

    /// One more.
    ///
    /// *Errors*: there are too many, or the hook has no time left for it; then that is the problem.
    fn count(&mut self) -> Result<(), &'static str> {
        self.left = self.left.checked_sub(1).ok_or(TOO_LARGE)?;
        charge::steps(self.lua, VALUE).map_err(|problem| {
            self.problem = Some(problem);
            TOO_LARGE
        })
    }

    /// Remembers that `table` is an empty array.
    fn remember(&mut self, arrays: &Table, table: &Table) {
        self.is_full = self.is_full || arrays.raw_set(table, true).is_err();
    }

    /// `result`, or the problem.
    fn ended<T>(self, result: Result<T, &'static str>) -> mlua::Result<Result<T, &'static str>> {
        self.problem.map_or(Ok(result), Err)
    }
}

impl Encoder<'_> {
    fn value(&mut self, value: &Value, depth: usize) -> Result<serde_json::Value, &'static str> {
        self.take(1)?;
        self.values.count()?;
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
                let depth = depth.checked_sub(1).ok_or(TOO_LARGE)?;
                self.table(&plain(table)?, depth)?
            }
            _ => return Err("invalid"),
        })
    }

    fn table(&mut self, table: &Table, depth: usize) -> Result<serde_json::Value, &'static str> {
        let is_array = table.raw_len() > 0 || self.arrays.raw_get::<bool>(table).unwrap_or(false);
        let (mut items, mut behind, mut entries) = (Vec::new(), BTreeMap::new(), Vec::new());
        for pair in table.pairs::<Value, Value>() {
            let (key, value) = pair.map_err(|_| "invalid")?;
            match key {
                Value::String(key) if !is_array => {
                    self.take(key.as_bytes().len())?;
                    entries
                        .push((key.to_str().map_err(|_| "invalid")?.to_owned(), self.value(&value, depth)?));
                }
                // Most come in their order; those that don't are put behind.
                Value::Integer(place) if is_array => {
                    let place = usize::try_from(place).map_err(|_| "invalid")?;
                    let value = self.value(&value, depth)?;
                    match place == items.len() + 1 {
                        true => items.push(value),
                        false => drop(behind.insert(place, value)),
                    }
                }
                // Neither an array nor an object: of both, or with holes.
                _ => return Err("invalid"),
            }
        }
        if !is_array {
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            return Ok(serde_json::Value::Object(entries.into_iter().collect::<Map<_, _>>()));
        }
        for (place, value) in behind {
            if place != items.len() + 1 {
                return Err("invalid");
            }
            items.push(value);
        }
        Ok(serde_json::Value::Array(items))
    }

    fn take(&mut self, octets: usize) -> Result<(), &'static str> {
        self.room = self.room.checked_sub(octets).ok_or(TOO_LARGE)?;
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
