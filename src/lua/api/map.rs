//! `map`: the configuration's maps by name, and maps in files, for scripts.

use std::rc::Rc;

use mlua::{Lua, Table};

use crate::lookup::map::field::Field;
use crate::lookup::map::maps::Maps;
use crate::lookup::map::table::Kind;
use crate::lua::api::Parts;
use crate::lua::api::module::{Arguments, Module, When};
use crate::lua::capability::Need;
use crate::lua::convert::map::{self, MapObject};
use crate::lua::guard::Guard;
use crate::names::suggest;

/// Opens the module `map`, which knows the maps of `parts`.
pub(super) fn open(lua: &Lua, guard: &Rc<Guard>, parts: &Parts) -> mlua::Result<Table> {
    map::open(lua, guard)?;
    let map = Module::new(lua, guard, "map")?;
    let maps = parts.maps().cloned();
    map.function("get", When::Always, move |_, arguments| {
        let name = arguments.text(1, "the name of a map")?;
        arguments.allow(&Need::Map(&name))?;
        maps.as_ref().map_or(Ok(MapObject::absent()), |maps| named(maps, &name))
    })?;
    let maps = parts.maps().cloned();
    map.function("file", When::Loading, move |_, arguments| {
        arguments.allow(&Need::MapFile)?;
        let name = arguments.text(1, "the path of a file")?;
        let kind = kind(arguments)?;
        let field = field(arguments, kind)?;
        let Some(maps) = &maps else { return Ok(MapObject::absent()) };
        let folder = arguments.call().and_then(|call| call.folder.clone());
        let path = folder.map_or_else(|| name.clone().into(), |folder| folder.join(&name));
        maps.file(&path, kind, field).map(MapObject::table).map_err(|error| error.to_string())
    })?;
    Ok(map.finish())
}

/// The map `[map.NAME]`.
///
/// *Errors*: there is none, in words.
pub(in crate::lua) fn named(maps: &Maps, name: &str) -> Result<MapObject, String> {
    maps.get(name).map(MapObject::new).ok_or_else(|| {
        let meant = suggest::nearest(name, maps.names());
        let meant = meant.map(|meant| format!("; did you mean \"{meant}\"?")).unwrap_or_default();
        format!("the configuration has no [map.{name}]{meant}")
    })
}

/// The second argument, a kind; `hash` where there is none.
fn kind(arguments: &Arguments) -> Result<Kind, String> {
    if arguments.at(2).is_nil() {
        return Ok(Kind::default());
    }
    let word = arguments.text(2, "a kind of map")?;
    let known = Kind::ALL.map(Kind::as_str).join(", ");
    word.parse().map_err(|_| format!("'{word}' is none of {known}"))
}

/// The third argument, a field of a MaxMind DB's records.
fn field(arguments: &Arguments, kind: Kind) -> Result<Option<Field>, String> {
    if arguments.at(3).is_nil() {
        return Ok(None);
    }
    if kind != Kind::Mmdb {
        return Err(format!("a {} map has no fields; only mmdb has", kind.as_str()));
    }
    let text = arguments.text(3, "a field")?;
    text.parse().map(Some).map_err(|error| format!("'{text}': {error}"))
}
