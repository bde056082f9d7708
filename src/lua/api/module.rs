//! How a module is put together: each function with its name, when it may be called, and what it is given.
//!
//! Misuse is told at the caller's line, with the function's name before it.

use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use mlua::{Function, IntoLua, IntoLuaMulti, Lua, LuaString, Table, Value, Variadic};

use crate::lua::actions;
use crate::lua::api::raise;
use crate::lua::call::Call;
use crate::lua::capability::Need;
use crate::lua::charge::{self, Rate, given};
use crate::lua::guard::Guard;
pub(super) use crate::lua::or_kind::OrKind;
use crate::lua::suspend::{self, may_wait};

/// When a function may be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// While the policy is loaded, in `setup`, and in every hook.
    Always,
    /// While the policy is loaded and in `setup`: it makes something that is made once.
    Loading,
    /// In every hook, and not while the policy is loaded.
    Hooks,
}

/// A module that is being put together.
pub(super) struct Module<'a> {
    lua: &'a Lua,
    guard: &'a Rc<Guard>,
    name: &'static str,
    table: Table,
    rate: Rate,
}

/// Entries of a table that is an argument.
const NAMED: usize = 1000;

impl<'a> Module<'a> {
    /// An empty module.
    pub(super) fn new(lua: &'a Lua, guard: &'a Rc<Guard>, name: &'static str) -> mlua::Result<Self> {
        Ok(Module { lua, guard, name, table: lua.create_table()?, rate: Rate::COPIED })
    }

    /// The same; each octet that its functions are given takes so long.
    pub(super) fn taking(self, rate: Rate) -> Self {
        Module { rate, ..self }
    }

    /// `module.name(…)`, which gives what `act` makes of its arguments. An `Err` of `act` is misuse, in words.
    pub(super) fn function<R: IntoLuaMulti>(
        &self,
        name: &'static str,
        when: When,
        act: impl Fn(&Lua, &Arguments) -> Result<R, String> + 'static,
    ) -> mlua::Result<()> {
        let (module, guard, rate) = (self.name, Rc::clone(self.guard), self.rate);
        let call = move |lua: &Lua, values: Variadic<Value>| {
            guard.charge(lua, given(&values), rate)?;
            let is_loading = guard.call().is_none_or(|call| call.stage.is_none());
            if when == When::Loading && !is_loading {
                let message = "is made once, at the top of the file or in setup, not in a hook";
                return Err(raise(lua, &format!("{module}.{name} {message}")));
            }
            if when == When::Hooks && is_loading {
                return Err(raise(
                    lua,
                    &format!("{module}.{name} is for hooks: nothing is asked while a policy is loaded"),
                ));
            }
            let arguments = Arguments::new(lua, module, guard.call(), values);
            let result = arguments.and_then(|arguments| act(lua, &arguments));
            result.map_err(|message| raise(lua, &format!("{module}.{name}: {message}")))
        };
        self.set(name, self.lua.create_function(call)?)
    }

    /// `module.name(…)`, which waits: for hooks only. `ask` reads the arguments and gives the future of the answer.
    pub(super) fn waiting<F, R>(
        &self,
        name: &'static str,
        ask: impl Fn(&Arguments) -> Result<F, String> + 'static,
    ) -> mlua::Result<()>
    where
        F: Future<Output = R> + 'static,
        R: IntoLuaMulti,
    {
        let (module, guard, rate) = (self.name, Rc::clone(self.guard), self.rate);
        let call = move |lua: Lua, values: Variadic<Value>| {
            let charged = || guard.charge(&lua, given(&values), rate);
            let asked = may_wait(&lua, &guard).and_then(|()| charged()).and_then(|()| {
                let arguments = Arguments::new(&lua, module, guard.call(), values);
                let result = arguments.and_then(|arguments| ask(&arguments));
                result.map_err(|message| raise(&lua, &format!("{module}.{name}: {message}")))
            });
            async move { asked?.await.into_lua_multi(&lua) }
        };
        self.set(name, suspend::function(self.lua, self.guard, call)?)
    }

    /// `module.name`, a constant.
    pub(super) fn constant(&self, name: &'static str, value: Value) -> mlua::Result<()> {
        self.table.raw_set(name, value)
    }

    /// The module's table.
    pub(super) fn finish(self) -> Table {
        self.table
    }

    fn set(&self, name: &str, function: Function) -> mlua::Result<()> {
        self.table.raw_set(name, function)
    }
}

/// What a script gave to a function. Places count from 1, as people do.
pub(super) struct Arguments {
    lua: Lua,
    values: Variadic<Value>,
    /// On whose behalf.
    call: Option<Rc<Call>>,
}

impl Arguments {
    /// The arguments of a function of `module`.
    pub(super) fn new(
        lua: &Lua,
        module: &str,
        call: Option<Rc<Call>>,
        values: Variadic<Value>,
    ) -> Result<Self, String> {
        let is_module = |table: &Table| {
            let name =
                table.metatable().and_then(|metatable| metatable.raw_get::<LuaString>("__metatable").ok());
            name.is_some_and(|name| name == module)
        };
        match values.first().and_then(Value::as_table).is_some_and(is_module) {
            true => Err(format!("use `.`: it is a function of {module}, not a method")),
            false => Ok(Arguments { lua: lua.clone(), values, call }),
        }
    }

    /// The Lua state.
    pub(super) fn lua(&self) -> &Lua {
        &self.lua
    }

    /// The call on whose behalf the function is called.
    pub(super) fn call(&self) -> Option<&Rc<Call>> {
        self.call.as_ref()
    }

    /// Nothing, if the policy may reach `need`.
    ///
    /// *Errors*: in words, which capability is missing.
    pub(super) fn allow(&self, need: &Need<'_>) -> Result<(), String> {
        self.call.as_ref().map_or(Ok(()), |call| call.allow(need))
    }

    /// Charges work on so many octets, besides those of the arguments themselves.
    ///
    /// *Errors*: the hook has not so much left.
    pub(super) fn charge(&self, octets: usize, rate: Rate) -> Result<(), String> {
        charge::octets(&self.lua, octets, rate).map_err(|error| error.to_string())
    }

    /// The argument at `place`; nil where there is none.
    pub(super) fn at(&self, place: usize) -> &Value {
        place.checked_sub(1).and_then(|at| self.values.get(at)).unwrap_or(&Value::Nil)
    }

    /// The text at `place`, which is to be `what`. What is no UTF-8 in it is replaced: no name holds such octets.
    pub(super) fn text(&self, place: usize, what: &str) -> Result<String, String> {
        match self.at(place) {
            Value::String(text) => Ok(charge::name(text)),
            other => Err(wanted(what, other)),
        }
    }

    /// The octets at `place`.
    pub(super) fn octets(&self, place: usize, what: &str) -> Result<Vec<u8>, String> {
        match self.at(place) {
            Value::String(text) => Ok(text.as_bytes().to_vec()),
            other => Err(wanted(what, other)),
        }
    }

    /// The texts of the list at `place`, at most `most`; a single text is a list of one.
    pub(super) fn texts(&self, place: usize, what: &str, most: usize) -> Result<Vec<String>, String> {
        let table = match self.at(place) {
            Value::String(text) => return Ok(vec![charge::name(text)]),
            Value::Table(table) => table,
            other => return Err(wanted(what, other)),
        };
        let mut texts = Vec::new();
        // `get` reads read-only lists too, an option for one. What a list says of its length is not believed.
        for at in 1.. {
            match table.get(at).map_err(|error| error.to_string())? {
                Value::Nil => break,
                Value::String(_) if texts.len() >= most => return Err(format!("at most {most} of them")),
                Value::String(text) => texts.push(charge::name(&text)),
                other => return Err(wanted(what, &other)),
            }
        }
        Ok(texts)
    }

    /// The whole number at `place`, from 0 to `most`; `absent` where there is none.
    pub(super) fn bits(&self, place: usize, most: u8, absent: u8) -> Result<u8, String> {
        let bits = match self.at(place) {
            Value::Nil => Some(absent),
            Value::Integer(bits) => u8::try_from(*bits).ok(),
            Value::Number(bits) if bits.fract() == 0.0 => u8::try_from(*bits as i64).ok(),
            _ => None,
        };
        bits.filter(|bits| *bits <= most).ok_or_else(|| format!("a prefix of 0 to {most} bits is wanted"))
    }

    /// The entries of the table at `place`, each with its name; none where there is no table.
    pub(super) fn named(&self, place: usize, what: &str) -> Result<Vec<(String, Value)>, String> {
        let table = match self.at(place) {
            Value::Nil => return Ok(Vec::new()),
            Value::Table(table) => table,
            other => return Err(wanted(what, other)),
        };
        let mut entries = Vec::new();
        for (key, value) in table.pairs::<Value, Value>().flatten() {
            if entries.len() >= NAMED {
                return Err(format!("{what} has more than {NAMED} entries"));
            }
            self.charge(given(std::slice::from_ref(&value)), Rate::COPIED)?;
            match key {
                Value::String(key) => entries.push((charge::name(&key), value)),
                _ => return Err(format!("{what} is a table of names")),
            }
        }
        Ok(entries)
    }
}

/// What an error says of an argument that is something else.
fn wanted(what: &str, found: &Value) -> String {
    format!("{what} is wanted, this is {}", found.type_name())
}

/// A duration that is an argument's `name`.
pub(super) fn duration(name: &str, value: &Value) -> Result<Duration, String> {
    actions::duration(value)
        .ok_or_else(|| format!("{name} is a number of seconds, or a duration such as \"5s\""))
}

/// Octets that become a Lua string.
pub(super) struct Octets(pub(super) Vec<u8>);

impl IntoLua for Octets {
    fn into_lua(self, lua: &Lua) -> mlua::Result<Value> {
        lua.create_string(self.0).map(Value::String)
    }
}
