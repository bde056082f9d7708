//! A table of the file as it was read: values of the right kind, each with its place.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::auth::config::Place as Verify;
use crate::backend::config::Address;
use crate::config::error::Diagnostic;
use crate::config::keys::key::Key;
use crate::config::keys::table::Table;
use crate::ldap::filter::Filter;
use crate::ldap::server::Server;
use crate::ldap::template::Template;
use crate::lookup::map::config::Source;
use crate::lookup::map::field::Field;
use crate::lua::capability::Capability;
use crate::lua::config::{OptionEntry, Script, Span};
use crate::policy::mode::PolicyUse;
use crate::store::config::Place;

/// One table as it was read.
#[derive(Clone, Debug)]
pub(super) struct Section {
    /// Which table it is.
    pub(super) table: Table,
    /// Its full name, as `listener.limits`.
    pub(super) path: String,
    /// Its head, or the whole of it where it stands within a line; `None` where the file doesn't have it.
    pub(super) head: Option<Span>,
    /// Its keys, in the order of the file.
    pub(super) entries: Vec<Entry>,
    /// A policy's own options, in the order of the file.
    pub(super) options: Vec<OptionEntry>,
}

/// One key of a table.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// What there is to know of it.
    pub(super) key: &'static Key,
    /// Where its value stands.
    pub(super) span: Span,
    /// Its value; `None` if it was wrong, which has been told.
    pub(super) value: Option<Value>,
}

/// A value of the right kind.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Text(String),
    Boolean(bool),
    /// A count or a size; `None` is `"none"`.
    Number(Option<u64>),
    /// `None` is `"none"`.
    Duration(Option<Duration>),
    Choice(&'static str),
    Path(PathBuf),
    Script(Script),
    MapSource(Source),
    /// A directory, of which other keys say more.
    MapServer(Server),
    Field(Field),
    StorePlace(Place),
    Verifier(Verify),
    UserDn(Template),
    Filter(Filter),
    /// `None` is `"off"`.
    Socket(Option<SocketAddr>),
    List(Vec<ItemAt>),
    /// `relay.domains = "backend"`.
    Backend,
    Section(Section),
    Sections(Vec<Section>),
    Named(Vec<(NameAt, Section)>),
}

/// One item of a list and where it stands.
#[derive(Clone, Debug)]
pub(super) struct ItemAt {
    pub(super) value: ItemValue,
    pub(super) span: Span,
}

/// One item of a list.
#[derive(Clone, Debug)]
pub(super) enum ItemValue {
    Path(PathBuf),
    Socket(SocketAddr),
    Address(Address),
    /// A network, a domain or a local part, known to be well-formed.
    Text(String),
    PolicyUse(PolicyUse),
    Capability(Capability),
}

/// A name and where it stands.
#[derive(Clone, Debug)]
pub(super) struct NameAt {
    pub(super) text: String,
    pub(super) span: Span,
}

impl Section {
    /// A table that the file doesn't have.
    pub(super) fn absent(table: Table, path: &str) -> Self {
        Self { table, path: path.to_owned(), head: None, entries: Vec::new(), options: Vec::new() }
    }

    /// Whether a key stands there, rightly or wrongly.
    pub(super) fn has(&self, name: &str) -> bool {
        self.entry(name).is_some()
    }

    pub(super) fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key.name == name)
    }

    fn value(&self, name: &str) -> Option<&Value> {
        self.entry(name)?.value.as_ref()
    }

    /// Where a key's value stands, else the table's head.
    pub(super) fn place(&self, name: &str) -> Option<Span> {
        self.entry(name).map(|entry| entry.span.clone()).or_else(|| self.head.clone())
    }

    /// The full name of one of its keys.
    pub(super) fn key(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        if let Value::Text(text) = self.value(name)? { Some(text) } else { None }
    }

    pub(super) fn boolean(&self, name: &str) -> Option<bool> {
        if let Value::Boolean(boolean) = self.value(name)? { Some(*boolean) } else { None }
    }

    /// The outer `None`: not there. The inner: `"none"`.
    pub(super) fn number(&self, name: &str) -> Option<Option<u64>> {
        if let Value::Number(number) = self.value(name)? { Some(*number) } else { None }
    }

    /// The outer `None`: not there. The inner: `"none"`.
    pub(super) fn count(&self, name: &str) -> Option<Option<usize>> {
        Some(self.number(name)?.map(|number| usize::try_from(number).unwrap_or(usize::MAX)))
    }

    /// The outer `None`: not there. The inner: `"none"`.
    pub(super) fn duration(&self, name: &str) -> Option<Option<Duration>> {
        if let Value::Duration(duration) = self.value(name)? { Some(*duration) } else { None }
    }

    pub(super) fn choice(&self, name: &str) -> Option<&'static str> {
        if let Value::Choice(word) = self.value(name)? { Some(word) } else { None }
    }

    pub(super) fn path(&self, name: &str) -> Option<PathBuf> {
        if let Value::Path(path) = self.value(name)? { Some(path.clone()) } else { None }
    }

    pub(super) fn script(&self, name: &str) -> Option<Script> {
        if let Value::Script(script) = self.value(name)? { Some(script.clone()) } else { None }
    }

    pub(super) fn store_place(&self, name: &str) -> Option<Place> {
        if let Value::StorePlace(place) = self.value(name)? { Some(place.clone()) } else { None }
    }

    pub(super) fn map_source(&self, name: &str) -> Option<Source> {
        if let Value::MapSource(source) = self.value(name)? { Some(source.clone()) } else { None }
    }

    pub(super) fn map_server(&self, name: &str) -> Option<Server> {
        if let Value::MapServer(server) = self.value(name)? { Some(server.clone()) } else { None }
    }

    pub(super) fn field(&self, name: &str) -> Option<Field> {
        if let Value::Field(field) = self.value(name)? { Some(field.clone()) } else { None }
    }

    pub(super) fn verifier(&self, name: &str) -> Option<Verify> {
        if let Value::Verifier(verify) = self.value(name)? { Some(verify.clone()) } else { None }
    }

    pub(super) fn user_dn(&self, name: &str) -> Option<Template> {
        if let Value::UserDn(template) = self.value(name)? { Some(template.clone()) } else { None }
    }

    pub(super) fn filter(&self, name: &str) -> Option<Filter> {
        if let Value::Filter(filter) = self.value(name)? { Some(filter.clone()) } else { None }
    }

    pub(super) fn socket(&self, name: &str) -> Option<SocketAddr> {
        if let Value::Socket(socket) = self.value(name)? { *socket } else { None }
    }

    pub(super) fn list(&self, name: &str) -> Option<&[ItemAt]> {
        if let Value::List(items) = self.value(name)? { Some(items) } else { None }
    }

    pub(super) fn is_backend(&self, name: &str) -> bool {
        matches!(self.value(name), Some(Value::Backend))
    }

    pub(super) fn section(&self, name: &str) -> Option<&Self> {
        if let Value::Section(section) = self.value(name)? { Some(section) } else { None }
    }

    pub(super) fn sections(&self, name: &str) -> &[Self] {
        if let Some(Value::Sections(sections)) = self.value(name) { sections } else { &[] }
    }

    pub(super) fn named(&self, name: &str) -> &[(NameAt, Self)] {
        if let Some(Value::Named(sections)) = self.value(name) { sections } else { &[] }
    }

    /// Takes in the same table of an included file.
    ///
    /// *Changes*: tables are laid together, lists of tables joined; `problems` gets each key that is set twice.
    pub(super) fn merge(&mut self, other: Self, problems: &mut Vec<Diagnostic>) {
        for entry in other.entries {
            let known = self.entries.iter_mut().find(|known| known.key.name == entry.key.name);
            let Some(known) = known else {
                self.entries.push(entry);
                continue;
            };
            match (&mut known.value, entry.value) {
                (Some(Value::Section(known)), Some(Value::Section(section))) => {
                    known.merge(section, problems)
                }
                (Some(Value::Sections(known)), Some(Value::Sections(sections))) => known.extend(sections),
                (Some(Value::Named(known)), Some(Value::Named(sections))) => {
                    merge_named(known, sections, problems);
                }
                _ if entry.key.name == "include" => {}
                _ => problems.push(twice(&self.path, entry.key.name, entry.span, known.span.clone())),
            }
        }
        for option in other.options {
            match self.options.iter().find(|known| known.key == option.key) {
                Some(known) => {
                    problems.push(twice(&self.path, &option.key, option.key_span, known.key_span.clone()));
                }
                None => self.options.push(option),
            }
        }
    }
}

fn merge_named(
    known: &mut Vec<(NameAt, Section)>,
    sections: Vec<(NameAt, Section)>,
    problems: &mut Vec<Diagnostic>,
) {
    for (name, section) in sections {
        match known.iter_mut().find(|(known, _)| known.text == name.text) {
            Some((_, known)) => known.merge(section, problems),
            None => known.push((name, section)),
        }
    }
}

fn twice(path: &str, name: &str, span: Span, first: Span) -> Diagnostic {
    let key = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    Diagnostic::error(key.clone(), format!("`{key}` is set twice"), Some(span))
        .found("set again")
        .also(first, "set first")
        .help("a key may be set in one file only; only lists of tables are joined")
}
