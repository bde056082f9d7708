//! One TOML text, read by the table of keys: what is right becomes a `Section`, what is wrong is told.

use std::sync::Arc;

use serde_spanned::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use crate::config::error::Diagnostic;
use crate::config::keys;
use crate::config::keys::key::{Item, Key, Kind};
use crate::config::keys::table::Table;
use crate::config::reader::{Given, Reader};
use crate::config::scalar;
use crate::config::section::{Entry, NameAt, Section, Value};
use crate::lua::config::OptionEntry;
use crate::names::suggest;

impl Reader<'_> {
    /// The whole file, or `None` if it isn't TOML.
    ///
    /// *Changes*: `problems`.
    pub(super) fn document(&mut self, text: &str) -> Option<Section> {
        let (document, errors) = DeTable::parse_recoverable(text);
        if errors.is_empty() {
            let mut top = self.table(Table::Top, "", document.get_ref());
            top.head = None;
            return Some(top);
        }
        let mut told = Vec::new();
        for error in errors {
            let span = error.span().map(|range| self.span(range));
            let line = span.as_ref().and_then(|span| self.sources.line_and_column(span)).map(|place| place.0);
            if !told.contains(&line) {
                told.push(line);
                let (message, found) = error.message().split_once(", ").unwrap_or((error.message(), ""));
                self.problems.push(Diagnostic::error("", message, span).found(found));
            }
        }
        None
    }

    fn table(&mut self, table: Table, path: &str, toml: &DeTable) -> Section {
        let mut section = Section::absent(table, path);
        let mut pairs: Vec<_> = toml.iter().collect();
        pairs.sort_by_key(|(name, _)| name.span().start);
        for (name, value) in pairs {
            let text = name.get_ref();
            let path = section.key(text);
            let given = Given { path: &path, toml: value };
            match keys::find(table, text) {
                Some(key) if key.later => self.later(&path, &format!("`{path}`"), self.span(name.span())),
                Some(key) => {
                    let value = self.value(key, &given);
                    section.entries.push(Entry { key, span: self.span(given.toml.span()), value });
                }
                None if table == Table::Policy => section.options.extend(self.option(name, &given)),
                None => self.unknown(table, name, &path),
            }
        }
        section
    }

    fn option(&mut self, name: &Spanned<DeString>, given: &Given) -> Option<OptionEntry> {
        Some(OptionEntry {
            key: name.get_ref().to_string(),
            key_span: self.span(name.span()),
            value: self.option_value(given)?,
            directory: Arc::clone(&self.directory),
        })
    }

    fn unknown(&mut self, table: Table, name: &Spanned<DeString>, path: &str) {
        let names: Vec<&str> = keys::of(table).filter(|key| !key.later).map(|key| key.name).collect();
        let nearest = suggest::nearest(name.get_ref(), names.iter().copied());
        let home = keys::all().find(|key| key.name == name.get_ref() && !key.later && !key.help.is_empty());
        let owner =
            if table == Table::Top { "known here".to_owned() } else { format!("a key of {}", table.head()) };
        let mut problem =
            Diagnostic::error(path, format!("unknown key `{path}`"), Some(self.span(name.span())))
                .found(format!("not {owner}"))
                .possible(names.join(", "))
                .nearest(nearest);
        if let (None, Some(home)) = (nearest, home) {
            problem = problem.help(match home.table {
                Table::Top => format!("`{}` stands above the first table", home.name),
                table => format!("`{}` is a key of {}", home.name, table.head()),
            });
        }
        self.problems.push(problem);
    }

    fn value(&mut self, key: &Key, given: &Given) -> Option<Value> {
        match key.kind {
            Kind::Section(table) => self.section(table, given).map(Value::Section),
            Kind::Sections(table) => self.sections(table, key, given),
            Kind::Named(table) => self.named(table, key, given),
            Kind::List(item) => self.list(item, &key.kind, given).map(Value::List),
            Kind::Domains if given.toml.get_ref().as_str() == Some("backend") => Some(Value::Backend),
            Kind::Domains => self.list(Item::Domain, &key.kind, given).map(Value::List),
            _ => scalar::read(self, key, given),
        }
    }

    fn section(&mut self, table: Table, given: &Given) -> Option<Section> {
        let DeValue::Table(toml) = given.toml.get_ref() else {
            self.wrong(given, "must be a table", format!("the keys of {}", table.head()));
            return None;
        };
        let mut section = self.table(table, given.path, toml);
        section.head = Some(self.span(given.toml.span()));
        Some(section)
    }

    fn sections(&mut self, table: Table, key: &Key, given: &Given) -> Option<Value> {
        let DeValue::Array(items) = given.toml.get_ref() else {
            self.wrong(given, &format!("must be written {}", table.head()), key.kind.possible());
            return None;
        };
        let given = items.iter().map(|toml| Given { path: given.path, toml });
        Some(Value::Sections(given.filter_map(|given| self.section(table, &given)).collect()))
    }

    fn named(&mut self, table: Table, key: &Key, given: &Given) -> Option<Value> {
        let DeValue::Table(toml) = given.toml.get_ref() else {
            self.wrong(given, &format!("must be written {}", table.head()), key.kind.possible());
            return None;
        };
        let mut pairs: Vec<_> = toml.iter().collect();
        pairs.sort_by_key(|(name, _)| name.span().start);
        let mut sections = Vec::new();
        for (name, toml) in pairs {
            let span = self.span(name.span());
            let path = format!("{}.{}", given.path, name.get_ref());
            if !scalar::is_name(name.get_ref()) {
                let problem = Diagnostic::error(&*path, "this is no name", Some(span.clone()));
                self.problems.push(problem.found("not a name").possible(Kind::Name.possible()));
            }
            let named = self.section(table, &Given { path: &path, toml });
            sections
                .extend(named.map(|section| (NameAt { text: name.get_ref().to_string(), span }, section)));
        }
        Some(Value::Named(sections))
    }
}
