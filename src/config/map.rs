//! Maps: every table `[map.NAME]`.

use crate::config::error::Diagnostic;
use crate::config::section::{NameAt, Section};
use crate::lookup::map::config::{MapConfig, Source};
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
    let source = Source::File(section.path("source")?);
    let kind = section.choice("kind").and_then(|word| word.parse().ok()).unwrap_or_default();
    Some(NamedMap { map: MapConfig { name: name.text.clone(), source, kind }, span: section.place("source") })
}
