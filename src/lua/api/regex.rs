//! `regex`: patterns that take no more time than the text is long, for scripts.
//!
//! Compiled once for all workers, at load: a hook has them ready, and no text that a client sent becomes a pattern.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use mlua::{Lua, LuaString, MetaMethod, Table, UserData, UserDataMethods, Value};
use parking_lot::Mutex;
use regex::bytes::{Regex, RegexBuilder};

use crate::lua::api::Parts;
use crate::lua::api::module::{Module, When};
use crate::lua::caller::raise;
use crate::lua::charge::{self, Rate};
use crate::lua::guard::Guard;
use crate::lua::or_kind::OrKind;

/// Patterns that were compiled, so that each worker need not do it again. A clone means the same.
#[derive(Clone, Debug, Default)]
pub(in crate::lua) struct Patterns {
    compiled: Arc<Mutex<HashMap<String, Regex>>>,
}

/// Octets of a text that is searched: what takes longer would hold up other sessions.
const LONGEST: usize = 256 << 10;
/// Octets of one compiled pattern, and of what its search may keep.
const COMPILED: usize = 256 << 10;
const CACHE: usize = 1 << 20;

/// Opens the module `regex`.
pub(super) fn open(lua: &Lua, guard: &Rc<Guard>, parts: &Parts) -> mlua::Result<Table> {
    let regex = Module::new(lua, guard, "regex")?;
    let patterns = parts.patterns().clone();
    regex.function("new", When::Loading, move |_, arguments| {
        patterns.compile(&arguments.text(1, "a pattern")?).map(RegexObject)
    })?;
    Ok(regex.finish())
}

impl Patterns {
    /// The pattern `source`.
    ///
    /// *Errors*: it is none, in words.
    fn compile(&self, source: &str) -> Result<Regex, String> {
        if let Some(known) = self.compiled.lock().get(source) {
            return Ok(known.clone());
        }
        let compiled = RegexBuilder::new(source).size_limit(COMPILED).dfa_size_limit(CACHE).build();
        let compiled = compiled.map_err(|error| {
            // The last line says what is wrong; those above draw the pattern.
            let words = error.to_string();
            let last = words.lines().last().unwrap_or_default();
            last.strip_prefix("error: ").unwrap_or(last).to_owned()
        })?;
        self.compiled.lock().insert(source.to_owned(), compiled.clone());
        Ok(compiled)
    }
}

/// A pattern as scripts have it.
struct RegexObject(Regex);

impl UserData for RegexObject {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_method("matches", |lua, regex, text: LuaString| {
            charged(lua, &text)?;
            Ok(OrKind(bounded(&text.as_bytes()).map(|text| regex.0.is_match(text))))
        });
        methods.add_method("find", |lua, regex, text: LuaString| {
            charged(lua, &text)?;
            let octets = text.as_bytes();
            match bounded(&octets).and_then(|text| regex.0.find(text).ok_or("none")) {
                Ok(found) => lua.pack_multi((found.start() + 1, found.end())),
                Err(kind) => lua.pack_multi((Value::Nil, kind)),
            }
        });
        methods.add_method("captures", |lua, regex, text: LuaString| {
            charged(lua, &text)?;
            let octets = text.as_bytes();
            let caught = match bounded(&octets).and_then(|text| regex.0.captures(text).ok_or("none")) {
                Ok(caught) => caught,
                Err(kind) => return Ok(OrKind(Err(kind))),
            };
            let groups = lua.create_table()?;
            for (at, name) in regex.0.capture_names().enumerate() {
                let Some(group) = caught.get(at) else { continue };
                let group = lua.create_string(group.as_bytes())?;
                groups.raw_set(at, &group)?;
                if let Some(name) = name {
                    groups.raw_set(name, group)?;
                }
            }
            Ok(OrKind(Ok(groups)))
        });
        methods.add_meta_method(MetaMethod::NewIndex, |lua, _, _: (Value, Value)| -> mlua::Result<()> {
            Err(raise(lua, "a pattern is read-only"))
        });
    }
}

/// Charges a search of `text`, before it: how long it really takes, the guard sees at once when it is at an end.
fn charged(lua: &Lua, text: &LuaString) -> mlua::Result<()> {
    charge::octets(lua, text.as_bytes().len(), Rate::READ)
}

/// `text`, if it isn't too long.
fn bounded(text: &[u8]) -> Result<&[u8], &'static str> {
    if text.len() > LONGEST { Err("too_large") } else { Ok(text) }
}
