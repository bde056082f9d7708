//! The set-up as it holds: every key with its value and where that comes from, for `gatepost check`.

use serde_json::{Value as Json, json};

use crate::config::Config;
use crate::config::keys;
use crate::config::keys::key::{Default, Key, Kind};
use crate::config::keys::table::Table;
use crate::config::section::Section;
use crate::config::sources::Sources;
use crate::lua::config::Span;
use crate::proxy::config::Listener;
use crate::session::login::Demand;

/// The set-up, table after table.
#[derive(Clone, Debug)]
pub struct Effective {
    /// The tables, in the order in which they are documented.
    pub tables: Vec<Listing>,
}

/// One table.
#[derive(Clone, Debug)]
pub struct Listing {
    /// As it is written in the file; empty for the keys above the first table.
    pub head: String,
    /// Its keys.
    pub rows: Vec<Row>,
}

/// One key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its name, below its table.
    pub key: String,
    /// Its value as it would be written; empty where only words can say it.
    pub value: String,
    /// "FILE:LINE", or "default", or what holds where nothing is said.
    pub origin: String,
}

impl Effective {
    pub(super) fn of(top: &Section, config: &Config, sources: &Sources) -> Self {
        let mut first = Listing { head: String::new(), rows: rows(top, sources) };
        resolve(&mut first, "hostname", &config.hostname);
        if let Some(row) = first.rows.iter_mut().find(|row| row.key == "workers") {
            row.value = config.workers.to_string();
        }
        let mut tables = vec![first];
        for key in keys::of(Table::Top).filter(|key| !key.later) {
            let head = |text: String, section: &Section| Listing { head: text, rows: rows(section, sources) };
            match key.kind {
                Kind::Section(table) => {
                    let section = top.section(key.name).cloned();
                    let section = section.unwrap_or_else(|| Section::absent(table, key.name));
                    tables.push(head(format!("[{}]", key.name), &section));
                }
                Kind::Sections(_) => {
                    let sections = top.sections(key.name).iter();
                    tables.extend(sections.map(|section| head(format!("[[{}]]", key.name), section)));
                }
                Kind::Named(_) => {
                    let sections = top.named(key.name).iter();
                    tables.extend(sections.map(|(_, section)| head(format!("[{}]", section.path), section)));
                }
                _ => {}
            }
        }
        let mut effective = Self { tables };
        effective.resolve(config);
        effective
    }

    /// Puts in what the defaults in words have come to.
    fn resolve(&mut self, config: &Config) {
        let of = |head: &'static str| move |table: &&mut Listing| table.head == head;
        let relay = self.tables.iter().find(|table| table.head == "[relay]");
        let relay = relay.and_then(|table| table.rows.iter().find(|row| row.key == "authenticated")).cloned();
        for (table, listener) in self.tables.iter_mut().filter(of("[[listener]]")).zip(&config.listeners) {
            resolve(table, "name", &listener.name);
            resolve(table, "backend", &listener.backend);
            resolve(table, "tls", listener.tls.as_str());
            resolve(table, "auth", listener.logins.demand.as_str());
            relaying(table, relay.as_ref(), listener);
            resolve(table, "banner", &format!("{} ESMTP", config.hostname));
        }
        for (table, backend) in self.tables.iter_mut().filter(of("[[backend]]")).zip(&config.backends) {
            resolve(table, "name", &backend.name);
            resolve(table, "ehlo", &config.hostname);
        }
    }

    /// The set-up as a TOML file, with the origin of each value as a comment.
    pub fn text(&self) -> String {
        let mut out = String::new();
        for table in self.tables.iter().filter(|table| !table.rows.is_empty()) {
            if !table.head.is_empty() {
                out.push_str(&format!("\n{}\n", table.head));
            }
            for row in &table.rows {
                let setting = match row.value.as_str() {
                    "" => format!("# {}", row.key),
                    value => format!("{} = {value}", row.key),
                };
                out.push_str(&format!("{setting:<44} # {}\n", row.origin));
            }
        }
        out
    }

    /// The set-up as a list of tables, each with its head and its keys.
    pub fn json(&self) -> Json {
        let row = |row: &Row| json!({ "key": row.key, "value": row.value, "origin": row.origin });
        let table = |table: &Listing| json!({ "table": table.head, "keys": table.rows.iter().map(row).collect::<Vec<Json>>() });
        self.tables.iter().map(table).collect()
    }
}

/// Gives a key its value where the file gives none.
fn resolve(table: &mut Listing, key: &str, value: &str) {
    if let Some(row) = table.rows.iter_mut().find(|row| row.key == key && row.value.is_empty()) {
        row.value = format!("\"{value}\"");
    }
}

/// Tells of a listener where clients log in whether that lets them relay, if no table says so.
fn relaying(table: &mut Listing, general: Option<&Row>, listener: &Listener) {
    let key = "relay.authenticated";
    let is_said = table.rows.iter().any(|row| row.key == key);
    let Some(general) = general.filter(|row| row.value.is_empty() && !is_said) else { return };
    if listener.logins.demand != Demand::Off {
        let value = listener.relay.authenticated.to_string();
        table.rows.push(Row { key: key.to_owned(), value, origin: general.origin.clone() });
    }
}

fn rows(section: &Section, sources: &Sources) -> Vec<Row> {
    let mut rows = Vec::new();
    for key in keys::of(section.table).filter(|key| !key.later && !key.help.is_empty()) {
        rows.extend(match (key.kind, section.entry(key.name)) {
            (Kind::Section(Table::Timeouts), None) => {
                below(key, &Section::absent(Table::Timeouts, key.name), sources)
            }
            (Kind::Section(Table::Budget), None) if section.table == Table::Policies => {
                below(key, &Section::absent(Table::Budget, key.name), sources)
            }
            (Kind::Section(_), None) => Vec::new(),
            (Kind::Section(table), Some(_)) => {
                let mut rows =
                    section.section(key.name).map(|inner| below(key, inner, sources)).unwrap_or_default();
                if matches!(
                    (table, section.table),
                    (Table::Relay | Table::Limits, _) | (_, Table::Policy | Table::Listener)
                ) {
                    rows.retain(|row| row.origin.contains(':')); // the rest is the common table's
                }
                rows
            }
            (_, Some(entry)) => vec![row(key.name, &entry.span, sources)],
            (_, None) => vec![by_default(key)],
        });
    }
    rows.extend(section.options.iter().map(|option| match is_secret(&option.key) {
        true => Row { value: "\"…\"".into(), ..row(&option.key, &option.value.span, sources) },
        false => row(&option.key, &option.value.span, sources),
    }));
    rows
}

fn below(key: &Key, inner: &Section, sources: &Sources) -> Vec<Row> {
    let mut rows = rows(inner, sources);
    rows.iter_mut().for_each(|row| row.key = format!("{}.{}", key.name, row.key));
    rows
}

fn row(name: &str, span: &Span, sources: &Sources) -> Row {
    let written = sources.slice(span).unwrap_or_default();
    let mut value = written.split_whitespace().collect::<Vec<&str>>().join(" ");
    if written.contains('#') && written.contains('\n') || value.chars().count() > LONGEST {
        value = String::new(); // a list over many lines stands where the origin says
    }
    Row { key: name.to_owned(), value, origin: sources.place(span) }
}

fn by_default(key: &Key) -> Row {
    let (value, origin) = match key.default {
        Default::Is(value) => (value, "default"),
        Default::Words(words) => ("", words),
        Default::Needed => ("", "not set"),
    };
    Row { key: key.name.to_owned(), value: value.to_owned(), origin: origin.to_owned() }
}

/// Whether an option's name says that its value isn't for everybody's eyes.
fn is_secret(name: &str) -> bool {
    ["password", "secret", "token", "key"].iter().any(|word| name.contains(word))
}

const LONGEST: usize = 200;
