//! The globals that a policy finds, and what is in each of them.

use std::collections::BTreeMap;

use mlua::{Table, Value};

/// Names of globals, with the names in them.
#[derive(Debug)]
pub(super) struct Globals(BTreeMap<String, Vec<String>>);

impl Globals {
    /// Those in `base`, which every policy finds, and `require`, of which each has its own.
    pub(super) fn of(base: &Table) -> mlua::Result<Self> {
        let mut globals = BTreeMap::from([("require".to_owned(), Vec::new())]);
        for pair in base.pairs::<String, Value>() {
            let (name, value) = pair?;
            let members = value.as_table().map_or(Ok(Vec::new()), |view| keys(&shown(view)))?;
            globals.insert(name, members);
        }
        Ok(Globals(globals))
    }

    /// Their names.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// What is in the global `name`: nothing if it is no table. `None` if there is no such global.
    pub(super) fn members(&self, name: &str) -> Option<&[String]> {
        self.0.get(name).map(Vec::as_slice)
    }
}

/// What a read-only table shows.
fn shown(view: &Table) -> Table {
    let facts = view.metatable().and_then(|metatable| metatable.raw_get::<Table>("__index").ok());
    facts.unwrap_or_else(|| view.clone())
}

/// The names in `table`.
pub(super) fn keys(table: &Table) -> mlua::Result<Vec<String>> {
    table.pairs::<String, Value>().map(|pair| Ok(pair?.0)).collect()
}
