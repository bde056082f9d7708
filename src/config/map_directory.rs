//! A map in a directory: what `[map.NAME]` says of it beside its `source`, and whether that fits together.

use crate::config::error::Diagnostic;
use crate::config::section::Section;
use crate::ldap::access::Access;
use crate::ldap::server::{Security, Server};
use crate::lookup::map::config::Source;
use crate::lookup::map::directory::Directory;

/// The keys of such a map alone.
pub(super) const KEYS: [&str; 9] = [
    "base",
    "filter",
    "attribute",
    "scope",
    "search_dn",
    "search_password_file",
    "ca",
    "starttls",
    "without_tls",
];

/// The map in the directory at `server`; nothing where something is missing or wrong.
///
/// *Changes*: `problems`.
pub(super) fn source(section: &Section, server: Server, problems: &mut Vec<Diagnostic>) -> Option<Source> {
    let security = Security {
        ca: section.path("ca"),
        starttls: section.boolean("starttls"),
        without_tls: section.boolean("without_tls").unwrap_or(false),
    };
    missing(section, problems);
    private(section, &server, &security, problems);
    let account = section.text("search_dn").map(str::to_owned).zip(section.path("search_password_file"));
    Some(Source::Ldap(Box::new(Directory {
        access: Access { server, account, security },
        base: section.text("base")?.to_owned(),
        filter: section.filter("filter")?,
        is_one_level: section.choice("scope") == Some("one"),
        attribute: section.text("attribute")?.to_owned(),
    })))
}

/// Tells of keys that are missing.
fn missing(section: &Section, problems: &mut Vec<Diagnostic>) {
    let dn = "base = \"ou=people,dc=example,dc=org\"";
    for (name, other, help) in [
        ("base", "source", dn),
        ("filter", "source", "filter = \"(mail={key})\""),
        ("attribute", "source", "attribute = \"mail\": whose values are the map's"),
        ("search_password_file", "search_dn", "the password of search_dn is in its first line"),
        ("search_dn", "search_password_file", "it says whose password that is"),
    ] {
        if section.has(other) && !section.has(name) {
            let key = section.key(name);
            let problem = Diagnostic::error(&*key, format!("`{key}` is missing"), section.place(other));
            problems.push(problem.found("says nothing without it").help(help));
        }
    }
}

/// Tells where TLS is wanted and can't be, or is wanting.
fn private(section: &Section, server: &Server, security: &Security, problems: &mut Vec<Diagnostic>) {
    let mut wrong = |name: &str, message: String, found: &str, help: &str| {
        let span = section.entry(name).map(|entry| entry.span.clone()).or_else(|| section.place("source"));
        problems.push(Diagnostic::error(section.key(name), message, span).found(found).help(help));
    };
    if security.is_overheard(server) {
        let message = format!("what is asked would go to {server} in clear text");
        let help = "leave `starttls` out, or source = \"ldaps://…\"; without_tls = true if that is meant";
        wrong("starttls", message, "others can read and change it on the way", help);
    }
    let has_own_tls = !matches!(server, Server::Tcp { is_ldaps: false, .. });
    if security.starttls == Some(true) && has_own_tls {
        wrong("starttls", format!("there is no STARTTLS with {server}"), "no use", "leave it out");
    }
    if section.has("ca") && !server.is_ldaps() && !security.uses_starttls(server) {
        let key = section.key("ca");
        let message = format!("`{key}` says nothing here: no TLS is spoken to {server}");
        wrong("ca", message, "no use", "starttls = true");
    }
}
