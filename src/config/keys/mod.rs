//! The one description of every key; the reader, `check`, the docs page and the suggestions come from it.

pub mod key;
pub mod markdown;
pub mod table;

mod auth;
mod backend;
mod directory;
mod listener;
mod map;
mod policy;
mod process;
mod store;
mod tls;

use key::Key;
use table::Table;

/// Every key, table after table, in the order in which they are documented.
pub fn all() -> impl Iterator<Item = &'static Key> {
    let tables = [process::TOP, listener::LISTENER, listener::RELAY, listener::LIMITS, backend::BACKEND];
    let rest = [
        tls::TLS,
        auth::AUTH,
        auth::LDAP,
        auth::HTTP,
        policy::POLICIES,
        policy::POLICY,
        map::MAP,
        store::STORE,
        process::PROCESS,
    ];
    tables.into_iter().chain(rest).flatten()
}

/// The keys of one table.
pub fn of(table: Table) -> impl Iterator<Item = &'static Key> {
    all().filter(move |key| key.table == table)
}

/// One key of one table.
pub fn find(table: Table, name: &str) -> Option<&'static Key> {
    of(table).find(|key| key.name == name)
}

#[cfg(test)]
mod tests;
