//! Lists in a section that more than one table has: sockets, paths, and those that must not be empty.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::config::error::Diagnostic;
use crate::config::section::{ItemValue, Section};

/// The sockets of a list.
pub(super) fn sockets(section: &Section, name: &str) -> Option<Vec<SocketAddr>> {
    let socket = |value: &ItemValue| if let ItemValue::Socket(at) = value { Some(*at) } else { None };
    Some(section.list(name)?.iter().filter_map(|item| socket(&item.value)).collect())
}

/// The paths of a list.
pub(super) fn paths(section: &Section, name: &str) -> Option<Vec<PathBuf>> {
    let path = |value: &ItemValue| if let ItemValue::Path(path) = value { Some(path.clone()) } else { None };
    Some(section.list(name)?.iter().filter_map(|item| path(&item.value)).collect())
}

/// The texts of a list.
pub(super) fn texts(section: &Section, name: &str) -> Option<Vec<String>> {
    let text = |value: &ItemValue| if let ItemValue::Text(text) = value { Some(text.clone()) } else { None };
    Some(section.list(name)?.iter().filter_map(|item| text(&item.value)).collect())
}

/// Tells of a list that is missing or empty. One whose items were wrong has been told of.
pub(super) fn needed(section: &Section, name: &str, items: Option<usize>, problems: &mut Vec<Diagnostic>) {
    let key = section.key(name);
    if !section.has(name) {
        let message = format!("`{key}` is missing");
        problems
            .push(Diagnostic::error(&*key, message, section.head.clone()).found(format!("has no `{name}`")));
    } else if items == Some(0) && !problems.iter().any(|problem| problem.key == key) {
        let message = format!("`{key}` is empty");
        problems.push(Diagnostic::error(&*key, message, section.place(name)).found("nothing in it"));
    }
}
