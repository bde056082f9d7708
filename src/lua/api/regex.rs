//! `regex`: patterns that take no more time than the text is long, for scripts.
//!
//! Compiled once for all workers, at load: a hook has them ready, and no text that a client sent becomes a pattern.

use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use mlua::{Lua, LuaString, MetaMethod, Table, UserData, UserDataMethods, Value};
use parking_lot::Mutex;
use regex::bytes::{Regex, RegexBuilder};

use crate::lookup::effort::{self, CACHE, COMPILED, Effort};
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
        let compiled = compiled.map_err(|error| effort::words(&error))?;
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
    /// Where it is found in `text` first; a kind if that would take too long.
    fn find(&self, text: &[u8]) -> Result<Option<Range<usize>>, &'static str> {
        if text.len() > LONGEST {
            return Err("too_large");
        }
        let search = || self.regex.find(text).map(|found| found.range());
        self.effort.find(text, search).map_err(|_| "too_large")
    }

    /// Charges a search of `text`, before it: how long it really takes, the guard sees at once when it is at an end.
    fn charge(&self, lua: &Lua, text: &LuaString) -> mlua::Result<()> {
        let octets = text.as_bytes().len();
        charge::octets(lua, octets, Rate::READ)?;
        charge::steps(lua, self.effort.steps(octets))
    }
}

impl UserData for RegexObject {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_method("matches", |lua, regex, text: LuaString| {
            regex.charge(lua, &text)?;
            Ok(OrKind(regex.find(&text.as_bytes()).map(|found| found.is_some())))
        });
        methods.add_method("find", |lua, regex, text: LuaString| {
            regex.charge(lua, &text)?;
            match regex.find(&text.as_bytes()).and_then(|found| found.ok_or("none")) {
                Ok(found) => lua.pack_multi((found.start + 1, found.end)),
                Err(kind) => lua.pack_multi((Value::Nil, kind)),
            }
        });
        methods.add_method("captures", |lua, regex, text: LuaString| {
            regex.charge(lua, &text)?;
            let octets = text.as_bytes();
            // The groups are looked for in what was found, which takes longer than finding it.
            let caught = regex.find(&octets).and_then(|found| {
                let found = found.ok_or("none")?;
                if !regex.effort.bears_groups(found.len()) {
                    return Err("too_large");
                }
                regex.regex.captures_at(&octets, found.start).ok_or("none")
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
