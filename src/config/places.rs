//! Where keys stand in the file, for what shows only when the files that they name are read.

use crate::config::keys::table::Table;
use crate::config::section::Section;
use crate::lua::config::Span;

/// The places of all keys of a configuration.
#[derive(Clone, Debug)]
pub struct Places {
    top: Section,
}

/// A key by its full name, and where it stands; nowhere if the file doesn't have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyAt {
    /// As `auth.ldap.ca`.
    pub key: String,
    /// Where its value stands, else its table's head.
    pub span: Option<Span>,
}

impl Places {
    pub(super) fn of(top: Section) -> Places {
        Places { top }
    }

    /// `key`, perhaps of a table as `ldap.ca`, of what says how the logins of the listener of this number are checked.
    pub fn login(&self, listener: usize, key: &str) -> KeyAt {
        let first = key.split('.').next().unwrap_or(key);
        let own = self.top.sections("listener").get(listener).and_then(|listener| listener.section("logins"));
        let table = own.filter(|own| own.has(first)).or_else(|| self.top.section("auth"));
        below(table.or(own).unwrap_or(&Section::absent(Table::Auth, "auth")), key)
    }

    /// Where the key `name` of the table `table` stands; nowhere if the file doesn't have it.
    pub fn of_key(&self, table: &str, name: &str) -> Option<Span> {
        self.top.section(table)?.entry(name).map(|entry| entry.span.clone())
    }

    /// A key of `[tls]`.
    pub fn tls(&self, key: &str) -> KeyAt {
        below(self.top.section("tls").unwrap_or(&Section::absent(Table::Tls, "tls")), key)
    }

    /// A key of the `[[tls.host]]` of this number.
    pub fn host(&self, number: usize, key: &str) -> KeyAt {
        let hosts = self.top.section("tls").map(|tls| tls.sections("host")).unwrap_or_default();
        below(hosts.get(number).unwrap_or(&Section::absent(Table::TlsHost, "tls.host")), key)
    }

    /// A key of the `[[backend]]` of this number.
    pub fn backend(&self, number: usize, key: &str) -> KeyAt {
        let backends = self.top.sections("backend");
        below(backends.get(number).unwrap_or(&Section::absent(Table::Backend, "backend")), key)
    }
}

/// `key` of `table`, or of a table in it.
fn below(table: &Section, key: &str) -> KeyAt {
    match key.split_once('.') {
        Some((name, rest)) => match table.section(name) {
            Some(inner) => below(inner, rest),
            None => KeyAt { key: table.key(key), span: table.place(name) },
        },
        None => KeyAt { key: table.key(key), span: table.place(key) },
    }
}
