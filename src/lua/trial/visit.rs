//! The table that `session` is given, read: who comes, and to what.

use std::net::IpAddr;

use mlua::{Lua, LuaSerdeExt as _, Table, Value};
use serde_json::{Map, Value as Json};

use crate::lua::problem::did_you_mean;
use crate::lua::trial::secured;
use crate::lua::trial::world::{Place, Used, Visit};
use crate::names::network::parse_address;

/// The keys that there are.
const KEYS: &[&str] = &["ip", "port", "tls", "listener", "policies", "options", "config"];
/// Where a client comes from of whom nothing is said.
const IP: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 9));
const PORT: u16 = 4711;

/// The visit that `table` describes.
///
/// *Errors*: what is wrong with it, as a sentence.
pub(super) fn read(lua: &Lua, table: &Table) -> Result<Visit, String> {
    let mut visit = Visit { ip: IP, port: PORT, tls: None, listener: None, place: Place::default() };
    for pair in table.pairs::<Value, Value>() {
        let (key, value) = pair.map_err(|error| error.to_string())?;
        let Some(key) = key.as_string().map(mlua::LuaString::to_string_lossy) else {
            return Err("session takes a table of names, such as session { ip = \"203.0.113.9\" }".to_owned());
        };
        match (key.as_str(), &value) {
            ("ip", Value::String(text)) => {
                let text = text.to_string_lossy();
                visit.ip = parse_address(&text).ok_or_else(|| format!("ip: '{text}' is no address"))?;
            }
            ("port", Value::Integer(port)) => {
                visit.port = u16::try_from(*port).map_err(|_| format!("port: {port} is none"))?;
            }
            ("tls", Value::Table(table)) => visit.tls = Some(secured::tls(lua, table)?),
            ("listener", Value::String(name)) => visit.listener = Some(name.to_string_lossy()),
            ("policies", Value::Table(list)) => visit.place.policies = Some(policies(lua, list)?),
            ("options", Value::Table(_)) => visit.place.options = Some(map(lua, "options", &value)?),
            ("config", Value::Table(_)) => visit.place.config = Some(map(lua, "config", &value)?),
            (key, value) if KEYS.contains(&key) => {
                return Err(format!("{key}: this is {}, which it can't be", article(value.type_name())));
            }
            (key, _) => {
                let nearest = did_you_mean(key, KEYS.iter().copied());
                let nearest = nearest.unwrap_or_else(|| format!("it takes {}", KEYS.join(", ")));
                return Err(format!("session takes no '{key}'; {nearest}"));
            }
        }
    }
    Ok(visit)
}

/// `{ "access", { "dnsbl", zones = { … } } }`.
fn policies(lua: &Lua, list: &Table) -> Result<Vec<Used>, String> {
    let mut found = Vec::new();
    for item in list.sequence_values::<Value>() {
        match item.map_err(|error| error.to_string())? {
            Value::String(name) => found.push((name.to_string_lossy(), Map::new())),
            Value::Table(table) => {
                let Ok(Value::String(name)) = table.raw_get::<Value>(1) else {
                    return Err(
                        "policies: a table begins with the policy's name: { \"dnsbl\", … }".to_owned()
                    );
                };
                let settings = lua.create_table().map_err(|error| error.to_string())?;
                for (key, value) in table.pairs::<Value, Value>().flatten() {
                    if key.is_string() {
                        settings.raw_set(key, value).map_err(|error| error.to_string())?;
                    }
                }
                let settings = map(lua, "policies", &Value::Table(settings))?;
                found.push((name.to_string_lossy(), settings));
            }
            other => {
                return Err(format!("policies: names or tables, this is {}", article(other.type_name())));
            }
        }
    }
    Ok(found)
}

/// A table of names.
fn map(lua: &Lua, what: &str, value: &Value) -> Result<Map<String, Json>, String> {
    match lua.from_value(value.clone()) {
        Ok(Json::Object(map)) => Ok(map),
        // An empty table says not which it was.
        Ok(Json::Array(list)) if list.is_empty() => Ok(Map::new()),
        Ok(_) => Err(format!("{what}: a table of names, such as {{ limit = \"10 MB\" }}")),
        Err(error) => Err(format!("{what}: {error}")),
    }
}

/// A type's name with its article.
pub(super) fn article(kind: &str) -> String {
    match kind.chars().next() {
        Some('a' | 'e' | 'i' | 'o' | 'u') => format!("an {kind}"),
        _ => format!("a {kind}"),
    }
}
