//! Maps: every table `[map.NAME]`.

use crate::config::error::Diagnostic;
use crate::config::map_directory;
use crate::config::section::{NameAt, Section};
use crate::lookup::map::bounds::Bounds;
use crate::lookup::map::config::{MapConfig, Source, Times};
use crate::lookup::map::table::Kind;
use crate::lua::config::Span;

/// A map, and where the configuration says what it is.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedMap {
    /// What it is.
    pub map: MapConfig,
    /// Where its source stands.
    pub span: Option<Span>,
}

/// Every map whose source is known.
///
/// *Changes*: `problems` gets those that have none.
pub(super) fn all(top: &Section, problems: &mut Vec<Diagnostic>) -> Vec<NamedMap> {
    top.named("map").iter().filter_map(|(name, section)| one(name, section, problems)).collect()
}

fn one(name: &NameAt, section: &Section, problems: &mut Vec<Diagnostic>) -> Option<NamedMap> {
    if !section.has("source") {
        let key = section.key("source");
        let message = format!("`{key}` is missing");
        let span = section.head.clone().or_else(|| Some(name.span.clone()));
        problems.push(Diagnostic::error(key, message, span).found("has no `source`"));
    }
    let kind = section.choice("kind").and_then(|word| word.parse().ok()).unwrap_or_default();
    let source = match (section.map_server("source"), section.map_source("source")) {
        (Some(server), _) => map_directory::source(section, server, problems)?,
        (None, Some(Source::File(path))) if kind == Kind::Mmdb => Source::Mmdb(path, None),
        (None, source) => source?,
    };
    misplaced(section, &source, kind, problems);
    let source = match source {
        Source::Mmdb(path, _) => Source::Mmdb(path, section.field("field")),
        source => source,
    };
    let default = Times::default();
    let time = |key, default| section.duration(key).flatten().unwrap_or(default);
    let times = Times {
        ttl: time("ttl", default.ttl),
        negative_ttl: time("negative_ttl", default.negative_ttl),
        stale: time("stale", default.stale),
    };
    let default = Bounds::default();
    let bounds = Bounds {
        timeout: time("timeout", default.timeout),
        connections: section.count("connections").flatten().unwrap_or(default.connections),
    };
    let map = MapConfig { name: name.text.clone(), source, kind, times, bounds };
    Some(NamedMap { map, span: section.place("source") })
}

/// The keys of a map on a server.
const SERVER: [&str; 4] = ["ttl", "negative_ttl", "stale", "timeout"];

/// Tells of keys that say nothing about a map from `source`.
fn misplaced(section: &Section, source: &Source, kind: Kind, problems: &mut Vec<Diagnostic>) {
    let takes = |name: &str| match source {
        Source::File(_) => name == "kind",
        Source::Mmdb(..) => name == "field" || name == "kind" && kind == Kind::Mmdb,
        Source::Http(_) => SERVER.contains(&name),
        Source::Socketmap(_) => SERVER.contains(&name) || name == "connections",
        Source::Ldap(_) => {
            SERVER.contains(&name) || name == "connections" || map_directory::KEYS.contains(&name)
        }
    };
    for entry in section.entries.iter().filter(|entry| entry.key.name != "source") {
        let name = entry.key.name;
        if takes(name) {
            continue;
        }
        let why = match name {
            "ttl" | "negative_ttl" | "stale" | "timeout" => {
                "a file is read on reload, and holds until the next"
            }
            "kind" if matches!(source, Source::Mmdb(..)) => "an address is looked for in the file's own tree",
            "kind" => "a server compares keys as it likes",
            "field" => "it is for maps from mmdb:",
            "connections" => "it is for maps from ldap: and socketmap:",
            _ => "it is for maps from ldap:",
        };
        let key = section.key(name);
        let problem =
            Diagnostic::error(&*key, format!("`{key}` says nothing here"), Some(entry.span.clone()));
        problems.push(problem.found("no use").help(why));
    }
}
