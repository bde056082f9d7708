//! `[auth]` as it holds, and whether what stands in it fits together.

use crate::auth::config::{Config as Auth, Place};
use crate::auth::http::config::Settings as Http;
use crate::auth::ldap::config::{Search, Settings};
use crate::auth::verifier::PATIENCE;
use crate::config::Config;
use crate::config::error::Diagnostic;
use crate::config::keys::table::Table;
use crate::config::section::{ItemValue, Section};
use crate::ldap::server::Server;
use crate::lookup::http::url::Url;
use crate::proxy::config::Listener;
use crate::session::login::Demand;
use crate::smtp::mechanism::{Mechanism, Mechanisms};

/// `[auth]` with what `listener` says of its own laid over it, key by key; tables in it as a whole.
pub(super) fn laid_over(top: &Section, listener: &Section) -> Section {
    let base = top.section("auth").cloned();
    let mut section = base.unwrap_or_else(|| Section::absent(Table::Auth, "auth"));
    let Some(own) = listener.section("logins") else { return section };
    section.entries.retain(|entry| !own.has(entry.key.name));
    section.entries.extend(own.entries.iter().cloned());
    Section { path: own.path.clone(), head: own.head.clone(), ..section }
}

/// How logins are checked.
pub(super) fn auth(section: &Section) -> Auth {
    let default = Auth::default();
    let mechanisms: Option<Mechanisms> = section.list("mechanisms").map(|items| {
        let named = items.iter().filter_map(|item| match &item.value {
            ItemValue::Text(text) => Mechanism::parse(text),
            _ => None,
        });
        named.collect()
    });
    let verify = section.verifier("verify");
    let unnamed = verify.as_ref().map_or(default.mechanisms, Place::unnamed);
    Auth {
        verify,
        mechanisms: mechanisms.unwrap_or(unnamed),
        binds_to_certificate: mechanisms.is_some_and(|named| named.contains(Mechanism::ScramSha256Plus)),
        max_failures: section.count("max_failures").flatten().unwrap_or(default.max_failures),
        failure_delay: section.duration("failure_delay").flatten().unwrap_or(default.failure_delay),
        ldap: section.section("ldap").map(ldap).unwrap_or_default(),
        http: section.section("http").map(http).unwrap_or_default(),
    }
}

/// How a directory is asked. What is wanting, the check tells.
fn ldap(section: &Section) -> Settings {
    let default = Settings::default();
    let text = |name| section.text(name).map(str::to_owned);
    let account = text("search_dn").zip(section.path("search_password_file"));
    let search = text("base").zip(section.filter("filter")).map(|(base, filter)| Search {
        base,
        filter,
        is_one_level: section.choice("scope") == Some("one"),
        account,
    });
    Settings {
        bind_dn: section.user_dn("bind_dn"),
        search,
        user_attribute: text("user_attribute"),
        ca: section.path("ca"),
        starttls: section.boolean("starttls"),
        without_tls: section.boolean("without_tls").unwrap_or(default.without_tls),
        timeout: section.duration("timeout").flatten().unwrap_or(default.timeout),
        connections: section.count("connections").flatten().unwrap_or(default.connections),
    }
}

/// How a web server is asked.
fn http(section: &Section) -> Http {
    let default = Http::default();
    Http {
        token_file: section.path("token_file"),
        ca: section.path("ca"),
        without_tls: section.boolean("without_tls").unwrap_or(default.without_tls),
        timeout: section.duration("timeout").flatten().unwrap_or(default.timeout),
    }
}

/// Where clients log in, somebody must check that; and nobody listens in unless that is said.
///
/// *Changes*: `problems`.
pub(super) fn check(top: &Section, config: &Config, problems: &mut Vec<Diagnostic>) {
    let mut found = Vec::new();
    let listeners = || config.listeners.iter().zip(top.sections("listener"));
    for (listener, section) in listeners() {
        let auth = laid_over(top, section);
        let is_logging_in = listener.logins.demand != Demand::Off;
        if is_logging_in && !auth.has("verify") {
            let message = format!("listener \"{}\" takes logins that nobody checks", listener.name);
            let problem = Diagnostic::error("listener.auth", message, section.place("auth"));
            found.push(problem.found("there is no `auth.verify`").help(
                "say who knows the users: [auth] verify = \"file:users\", and make its lines with gatepost passwd",
            ));
        }
        if let Some(own) = section.section("logins") {
            if !is_logging_in {
                let message = format!("listener \"{}\" takes no logins", listener.name);
                let problem = Diagnostic::warning(&*own.path, message, own.head.clone());
                found.push(problem.found("says nothing").help("auth = \"optional\""));
            }
            fitting(&auth, own, &[&listener.auth], &mut found);
        }
    }
    if let Some(section) = top.section("auth") {
        let is_asked = |(listener, own): (&Listener, &Section)| {
            let has_own = own.section("logins").is_some_and(|own| own.has("verify"));
            listener.logins.demand != Demand::Off && !has_own
        };
        if config.auth.verify.is_some() && !listeners().any(is_asked) {
            let problem =
                Diagnostic::warning("auth.verify", "no listener takes logins", section.place("verify"));
            found.push(problem.found("never asked").help("say auth = \"optional\" in a listener"));
        }
        // Where every listener has something of its own, that was looked at with this.
        if listeners().any(|(_, own)| !own.has("logins")) {
            let own = config.listeners.iter().map(|listener| &listener.auth);
            let all: Vec<&Auth> = [&config.auth].into_iter().chain(own).collect();
            fitting(section, section, &all, &mut found);
        }
    }
    patience(top, &mut found);
    for problem in found {
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }
}

/// Tells of verifiers that are waited for longer than clients are kept waiting.
fn patience(top: &Section, problems: &mut Vec<Diagnostic>) {
    let own = top.sections("listener").iter().filter_map(|listener| listener.section("logins"));
    let tables = top.section("auth").into_iter().chain(own);
    for table in tables.flat_map(|auth| ["ldap", "http"].into_iter().filter_map(|name| auth.section(name))) {
        if table.duration("timeout").flatten().is_some_and(|timeout| timeout > PATIENCE) {
            let key = table.key("timeout");
            let message = format!("`{key}` can be at most {} s", PATIENCE.as_secs());
            let problem = Diagnostic::error(key, message, table.place("timeout"));
            problems.push(problem.found("clients don't wait that long").help("timeout = \"25s\""));
        }
    }
}

/// Tells what doesn't fit together in `section`, which comes to the first of `all`; and of tables in `own` that none of
/// `all` uses.
fn fitting(section: &Section, own: &Section, all: &[&Auth], problems: &mut Vec<Diagnostic>) {
    let Some(auth) = all.first() else { return };
    let unused = |name: &str, is_used: bool, message: &str, help: &str| {
        let table = own.section(name).filter(|_| !is_used && section.has("verify"))?;
        let problem = Diagnostic::warning(&*table.path, message, table.head.clone());
        Some(problem.found("never used").help(help))
    };
    let asked =
        |is_meant: fn(&Place) -> bool| all.iter().any(|auth| auth.verify.as_ref().is_some_and(is_meant));
    let is_ldap = asked(|place| matches!(place, Place::Ldap(_)));
    let is_http = asked(|place| matches!(place, Place::Http(_)));
    problems.extend(unused("ldap", is_ldap, "no directory is asked", "verify = \"ldap://HOST\""));
    problems.extend(unused("http", is_http, "no web server is asked", "verify = \"https://HOST/PATH\""));
    match &auth.verify {
        Some(Place::Ldap(server)) => directory(section, server, auth, problems),
        Some(Place::Http(url)) => web_server(section, url, auth, problems),
        _ => {}
    }
    offered(section, auth, problems);
}

/// Tells of a directory in which nobody is found, or to which passwords would go in clear text.
fn directory(section: &Section, server: &Server, auth: &Auth, problems: &mut Vec<Diagnostic>) {
    let table = section.section("ldap");
    let empty = Section::absent(Table::Ldap, &section.key("ldap"));
    let table = table.unwrap_or(&empty);
    let place = |name: &str| table.place(name).or_else(|| section.place("verify"));
    let mut wrong = |name: &str, message: String, found: &str, help: &str| {
        let problem = Diagnostic::error(table.key(name), message, place(name)).found(found);
        problems.push(problem.help(help));
    };
    let both = "users are searched by both together";
    for (name, other, help) in [
        ("base", "filter", both),
        ("filter", "base", both),
        ("search_dn", "search_password_file", "the password of search_dn is in its first line"),
        ("search_password_file", "search_dn", "it says whose password that is"),
    ] {
        if table.has(name) && !table.has(other) {
            let message = format!("`{}` is missing", table.key(other));
            wrong(name, message, "says nothing without it", help);
        }
    }
    match (table.has("bind_dn"), table.has("filter") || table.has("base")) {
        (false, false) => {
            let message = format!("nothing says how users are found in {server}");
            let help = "bind_dn = \"uid={user},ou=people,dc=example,dc=org\", or base and filter = \"(mail={user})\" to search";
            wrong("bind_dn", message, "asked there", help);
        }
        (true, true) => {
            let message = "users are either searched, or have a DN that follows from the name".to_owned();
            wrong("bind_dn", message, "the other way stands there too", "leave one of them out");
        }
        (true, false) => {
            for name in ["scope", "search_dn"].into_iter().filter(|name| table.has(name)) {
                wrong(
                    name,
                    format!("`{}` says nothing here", table.key(name)),
                    "no use",
                    "users are not searched",
                );
            }
        }
        (false, true) => {}
    }
    if auth.ldap.search.as_ref().is_some_and(|search| !search.filter.says_who())
        && auth.ldap.user_attribute.is_none()
    {
        let message = "who is found may be another than who was typed".to_owned();
        let help =
            "user_attribute = \"mail\": the entry says whose it is; or find all by {user}, or all by {local}";
        wrong("filter", message, "fits by more than one part of the name, or by half of it", help);
    }
    private(table, server, &auth.ldap, &mut wrong);
}

/// Tells of a web server to which passwords would go in clear text.
fn web_server(section: &Section, url: &Url, auth: &Auth, problems: &mut Vec<Diagnostic>) {
    let table = section.section("http");
    if auth.http.is_overheard(url) {
        let message = format!("passwords would go to {} in clear text", url.origin());
        let problem = Diagnostic::error(section.key("verify"), message, section.place("verify"));
        let help = "verify = \"https://…\"; [auth.http] without_tls = true if that is meant";
        problems.push(problem.found("others can read them on the way").help(help));
    }
    if let Some(table) = table.filter(|table| table.has("ca") && !url.is_secure()) {
        let key = table.key("ca");
        let message = format!("`{key}` says nothing here: no TLS is spoken to {}", url.origin());
        problems.push(Diagnostic::error(key, message, table.place("ca")).found("no use"));
    }
}

/// Tells where TLS is wanted and can't be, or is wanting.
fn private(
    table: &Section,
    server: &Server,
    settings: &Settings,
    wrong: &mut impl FnMut(&str, String, &str, &str),
) {
    if settings.security().is_overheard(server) {
        let message = format!("passwords would go to {server} in clear text");
        let help = "leave `starttls` out, or verify = \"ldaps://…\"; without_tls = true if that is meant";
        wrong("starttls", message, "others can read them on the way", help);
    }
    let has_own_tls = !matches!(server, Server::Tcp { is_ldaps: false, .. });
    if table.boolean("starttls") == Some(true) && has_own_tls {
        wrong("starttls", format!("there is no STARTTLS with {server}"), "no use", "leave it out");
    }
    if table.has("ca") && !server.is_ldaps() && !settings.uses_starttls(server) {
        let message = format!("`{}` says nothing here: no TLS is spoken to {server}", table.key("ca"));
        wrong("ca", message, "no use", "starttls = true");
    }
}

/// Tells where nothing would be offered.
fn offered(section: &Section, auth: &Auth, problems: &mut Vec<Diagnostic>) {
    let Some(known) = auth.verify.as_ref().and_then(Place::mechanisms) else { return };
    if known.intersect(auth.mechanisms.without(Mechanism::External)).is_empty() {
        let names: Vec<&str> = known.iter().map(Mechanism::as_str).collect();
        let key = section.key("mechanisms");
        let problem = Diagnostic::error(key, "there is no way to log in", section.place("mechanisms"));
        problems.push(problem.found("`verify` can check none of these").possible(names.join(", ")));
    }
}
