//! `vars` and `shared`: what policies remember of a session and of a transaction. Plain data, 64 KiB each.

use mlua::{Lua, Table, Value};

use crate::lua::charge;
use crate::lua::period;
use crate::lua::tasks::Task;
use crate::policy::event::Stage;
use crate::session::effects::PolicyName;

/// A table for each policy that has asked for one.
#[derive(Debug, Default)]
pub(in crate::lua) struct Tables(Vec<(PolicyName, Table)>);

/// The tables of one session.
#[derive(Debug, Default)]
pub(in crate::lua) struct Vars {
    own: Tables,
    shared: Option<Table>,
    /// What observing policies have in the place of `shared`.
    observed: Tables,
    /// The transaction whose tables these are, by its number.
    transaction: (u64, Tables),
}

/// Octets that one table may hold.
const LIMIT: usize = 64 << 10;
/// Steps that copying one pair takes.
const PAIR: usize = 100;
/// Tables in tables.
const DEPTH: usize = 16;

impl Vars {
    /// The policy's own table for the session.
    pub(super) fn own(&mut self, lua: &Lua, policy: &PolicyName) -> mlua::Result<Table> {
        self.own.of(lua, policy)
    }

    /// The policy's own table for the transaction of this number.
    pub(super) fn of_transaction(
        &mut self,
        lua: &Lua,
        policy: &PolicyName,
        number: u64,
    ) -> mlua::Result<Table> {
        if self.transaction.0 != number {
            self.transaction = (number, Tables::default());
        }
        self.transaction.1.of(lua, policy)
    }

    /// The tables of the transaction that has ended.
    pub(super) fn end_transaction(&mut self) -> Tables {
        std::mem::take(&mut self.transaction).1
    }

    /// The table that is common to all policies; an observing one has a copy, and sees what is new in the original.
    pub(super) fn shared(
        &mut self,
        lua: &Lua,
        policy: &PolicyName,
        is_observing: bool,
    ) -> mlua::Result<Table> {
        let shared = match &self.shared {
            Some(shared) => shared.clone(),
            None => self.shared.insert(lua.create_table()?).clone(),
        };
        if !is_observing {
            return Ok(shared);
        }
        let copy = self.observed.of(lua, policy)?;
        for pair in shared.pairs::<Value, Value>() {
            charge::steps(lua, PAIR)?;
            let (key, value) = pair?;
            if copy.raw_get::<Value>(&key)?.is_nil() {
                copy.raw_set(key, copied(lua, &value, DEPTH)?)?;
            }
        }
        Ok(copy)
    }

    /// Checks what the ended hook of `policy` has left in its tables; a table that breaks the rules is emptied.
    ///
    /// `past` are the tables of the transaction that has ended, if the hook was about one. *Errors*: what is wrong, as
    /// a sentence.
    pub(in crate::lua) fn check(
        &self,
        lua: &Lua,
        policy: &PolicyName,
        is_observing: bool,
        past: Option<&Tables>,
    ) -> Result<(), String> {
        let shared = if is_observing { self.observed.find(policy) } else { self.shared.clone() };
        let transaction = past.unwrap_or(&self.transaction.1).find(policy);
        let tables = [
            ("session.vars", self.own.find(policy)),
            ("session.shared", shared),
            ("transaction.vars", transaction),
        ];
        let mut result = Ok(());
        period::take_spent(lua.state());
        for (name, table) in tables {
            let Some(table) = table else { continue };
            if let Err(problem) = weigh(lua, &Value::Table(table.clone()), DEPTH, &mut 0) {
                // Nothing remains that the engine would have to carry along.
                let _ = table.clear();
                result = result.and(Err(format!("{name} {problem}")));
            }
        }
        result
    }

    /// What ends with the call of `stage`.
    pub(in crate::lua) fn finish(&mut self, stage: Stage) {
        if stage == Stage::Closed {
            *self = Vars::default();
        }
    }
}

impl Tables {
    /// The table of `policy`.
    pub(super) fn of(&mut self, lua: &Lua, policy: &PolicyName) -> mlua::Result<Table> {
        if let Some(table) = self.find(policy) {
            return Ok(table);
        }
        let table = lua.create_table()?;
        self.0.push((policy.clone(), table.clone()));
        Ok(table)
    }

    fn find(&self, policy: &PolicyName) -> Option<Table> {
        self.0.iter().find(|(name, _)| name == policy).map(|(_, table)| table.clone())
    }
}

/// A deep copy of plain data; what is not plain is left out.
fn copied(lua: &Lua, value: &Value, depth: usize) -> mlua::Result<Value> {
    match value {
        Value::Table(table) if depth > 0 => {
            let copy = lua.create_table()?;
            for pair in table.pairs::<Value, Value>() {
                charge::steps(lua, PAIR)?;
                let (key, value) = pair?;
                copy.raw_set(key, copied(lua, &value, depth - 1)?)?;
            }
            Ok(Value::Table(copy))
        }
        Value::Nil | Value::Boolean(_) | Value::Integer(_) | Value::Number(_) | Value::String(_) => {
            Ok(value.clone())
        }
        _ => Ok(Value::Nil),
    }
}

/// Adds the octets of `value` to `octets`; says what is wrong with it.
fn weigh(lua: &Lua, value: &Value, depth: usize, octets: &mut usize) -> Result<(), String> {
    *octets += match value {
        Value::Nil | Value::Boolean(_) | Value::Integer(_) | Value::Number(_) => 8,
        Value::String(text) => 16 + text.as_bytes().len(),
        Value::Table(table) if depth > 0 => {
            if table.metatable().is_some() {
                return Err("holds an object; only plain data can be kept".to_owned());
            }
            for pair in table.pairs::<Value, Value>() {
                let (key, value) = pair.map_err(|error| error.to_string())?;
                weigh(lua, &key, 0, octets)?;
                weigh(lua, &value, depth - 1, octets)?;
            }
            // Places that are empty now are held as well.
            16 + period::take_spent(lua.state())
        }
        Value::Table(_) => return Err("is nested too deeply".to_owned()),
        // Started in one hook, waited for in a later one.
        value if Task::of(value).is_some() => 64,
        other => return Err(format!("holds a {}; only plain data can be kept", other.type_name())),
    };
    if *octets > LIMIT { Err("is larger than 64 KiB".to_owned()) } else { Ok(()) }
}
