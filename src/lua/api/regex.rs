//! `regex`: patterns that take no more time than the text is long, for scripts.
//!
//! Compiled once for all workers, at load: a hook has them ready, and no text that a client sent becomes a pattern.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use mlua::{Lua, LuaString, MetaMethod, Table, UserData, UserDataMethods, Value};
use parking_lot::Mutex;
use regex::bytes::{Regex, RegexBuilder};

use crate::lookup::effort::{CACHE, COMPILED, Effort};
use crate::lua::api::Parts;
use crate::lua::api::module::{Module, When};
use crate::lua::caller::raise;
use crate::lua::charge::{self, Rate};
use crate::lua::guard::Guard;
use crate::lua::or_kind::OrKind;

/// Patterns that were compiled, so that each worker need not do it again. A clone means the same.
#[derive(Clone, Debug, Default)]
pub(in crate::lua) struct Patterns {
    compiled: Arc<Mutex<HashMap<String, Compiled>>>,
}

/// A pattern, and what searching for it takes.
type Compiled = (Regex, Arc<Effort>);

/// Octets of a text that is searched: what takes longer would hold up other sessions.
const LONGEST: usize = 256 << 10;

/// Opens the module `regex`.
pub(super) fn open(lua: &Lua, guard: &Rc<Guard>, parts: &Parts) -> mlua::Result<Table> {
    let regex = Module::new(lua, guard, "regex")?;
    let patterns = parts.patterns().clone();
    regex.function("new", When::Loading, move |_, arguments| {
        let (regex, effort) = patterns.compile(&arguments.text(1, "a pattern")?)?;
        Ok(RegexObject { regex, effort })
    })?;
    Ok(regex.finish())
}

impl Patterns {
    /// The pattern `source`.
    ///
    /// *Errors*: it is none, in words.
    fn compile(&self, source: &str) -> Result<Compiled, String> {
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
        let compiled = (compiled, Arc::new(Effort::of(source)));
        self.compiled.lock().insert(source.to_owned(), compiled.clone());
        Ok(compiled)
    }
}

/// A pattern as scripts have it.
struct RegexObject {
    regex: Regex,
    effort: Arc<Effort>,
}

impl RegexObject {
    /// `text`, if searching it takes no longer than one call may.
    fn bounded<'t>(&self, text: &'t [u8]) -> Result<&'t [u8], &'static str> {
        let is_bounded = text.len() <= LONGEST && self.effort.bears(text);
        is_bounded.then_some(text).ok_or("too_large")
    }
}

impl UserData for RegexObject {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_method("matches", |lua, regex, text: LuaString| {
            charged(lua, &text)?;
            Ok(OrKind(regex.bounded(&text.as_bytes()).map(|text| regex.regex.is_match(text))))
        });
        methods.add_method("find", |lua, regex, text: LuaString| {
            charged(lua, &text)?;
            let octets = text.as_bytes();
            match regex.bounded(&octets).and_then(|text| regex.regex.find(text).ok_or("none")) {
                Ok(found) => lua.pack_multi((found.start() + 1, found.end())),
                Err(kind) => lua.pack_multi((Value::Nil, kind)),
            }
        });
        methods.add_method("captures", |lua, regex, text: LuaString| {
            charged(lua, &text)?;
            let octets = text.as_bytes();
            let caught = regex.bounded(&octets).and_then(|text| {
                // The groups are looked for in what was found, which takes longer than finding it.
                let found = regex.regex.find(text).ok_or("none")?;
                if !regex.effort.bears_groups(found.len()) {
                    return Err("too_large");
                }
                regex.regex.captures_at(text, found.start()).ok_or("none")
            });
            let caught = match caught {
                Ok(caught) => caught,
                Err(kind) => return Ok(OrKind(Err(kind))),
            };
            let groups = lua.create_table()?;
            for (at, name) in regex.regex.capture_names().enumerate() {
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
