//! What must fit together between the tables: names that are meant, names that clash, what is never used.

use std::net::SocketAddr;
use std::path::Path;

use crate::auth::config::Place as Verify;
use crate::backend::config::{Address, Xclient};
use crate::config::error::Diagnostic;
use crate::config::section::{ItemValue, Section};
use crate::config::{Config, auth, logins, policy, tls, trust};
use crate::lookup::map::config::Source;
use crate::lookup::map::table::Kind;
use crate::lua::config::{Policy, Script, Span};
use crate::names::network::parse_network;
use crate::names::suggest;
use crate::session::relay::RelayDomains;

/// Tells what doesn't fit together; `built_in` are the names of the policy library.
///
/// *Changes*: `problems`.
pub(super) fn cross(top: &Section, config: &Config, built_in: &[&str], problems: &mut Vec<Diagnostic>) {
    for (name, example) in
        [("listener", "bind = \"0.0.0.0:25\""), ("backend", "address = \"127.0.0.1:10025\"")]
    {
        if !top.has(name)
            || top.entry(name).is_some_and(|entry| entry.value.is_some() && top.sections(name).is_empty())
        {
            let problem = Diagnostic::error(name, format!("there is no [[{name}]]"), None);
            problems.push(problem.help(format!("add a table [[{name}]] with at least {example}")));
        }
    }
    relay_domains(top, problems);
    open_networks(top, problems);
    trust::check(top, config, problems);
    owners(top, config, problems);
    same_names(top, config, problems);
    same_binds(top, problems);
    backends(top, config, problems);
    tls::check(top, config, problems);
    tls::check_backends(top, config, problems);
    uses(top, config, problems);
    auth::check(top, config, problems);
    logins::check(top, config, problems);
    scripts(top, config, built_in, problems);
}

/// Without `relay.domains` we would refuse all mail, or take all: it must be said which.
fn relay_domains(top: &Section, problems: &mut Vec<Diagnostic>) {
    if top.section("relay").is_some_and(|relay| relay.has("domains")) {
        return;
    }
    let has_own = |listener: &&Section| listener.section("relay").is_some_and(|relay| relay.has("domains"));
    let listeners = top.sections("listener");
    let listener = listeners.iter().find(|listener| !has_own(listener));
    if listener.is_none() && !listeners.is_empty() {
        return;
    }
    let span = top.section("relay").and_then(|relay| relay.head.clone()).or_else(|| listener?.head.clone());
    problems.push(
        Diagnostic::error("relay.domains", "`relay.domains` is missing", span)
            .found("nothing says which domains mail is received for")
            .help("list your own: [relay] domains = [\"example.org\"]; mail to all others is refused")
            .help("or leave it to a backend that speaks XCLIENT: [relay] domains = \"backend\""),
    );
}

fn open_networks(top: &Section, problems: &mut Vec<Diagnostic>) {
    let own = top.sections("listener").iter().filter_map(|listener| listener.section("relay"));
    for relay in top.section("relay").into_iter().chain(own) {
        for item in relay.list("networks").unwrap_or_default() {
            let ItemValue::Text(text) = &item.value else { continue };
            if parse_network(text).is_ok_and(|network| network.prefix_len() == 0) {
                let message = format!("`{}` lets every client relay to every domain", relay.key("networks"));
                let problem = Diagnostic::warning(relay.key("networks"), message, Some(item.span.clone()));
                problems.push(problem.found("this is everybody: an open relay"));
            }
        }
    }
}

fn same_names(top: &Section, config: &Config, problems: &mut Vec<Diagnostic>) {
    let listeners = config.listeners.iter().map(|listener| Some(listener.name.as_str()));
    clash(top.sections("listener"), listeners.collect(), problems);
    let backends = top.sections("backend");
    clash(backends, backends.iter().map(|backend| backend.text("name")).collect(), problems);
}

fn clash(sections: &[Section], names: Vec<Option<&str>>, problems: &mut Vec<Diagnostic>) {
    for (at, (section, name)) in sections.iter().zip(&names).enumerate() {
        let Some(name) = name.filter(|name| !name.is_empty()) else { continue };
        let first = names.iter().take(at).position(|earlier| *earlier == Some(name));
        let Some(first) = first.and_then(|first| sections.get(first)) else { continue };
        let key = section.key("name");
        let message = format!("two tables [[{}]] are named \"{name}\"", section.path);
        let mut problem = Diagnostic::error(key, message, section.place("name")).found("the same name");
        if let Some(place) = first.place("name") {
            problem = problem.also(place, "the first");
        }
        if !section.has("name") {
            problem = problem.help("a listener without a `name` is named after its first port");
        }
        problems.push(problem);
    }
}

fn same_binds(top: &Section, problems: &mut Vec<Diagnostic>) {
    let mut seen: Vec<(SocketAddr, Span)> = Vec::new();
    for listener in top.sections("listener") {
        for item in listener.list("bind").unwrap_or_default() {
            let ItemValue::Socket(bind) = item.value else { continue };
            match seen.iter().find(|(other, _)| *other == bind && bind.port() != 0) {
                Some((_, first)) => problems.push(
                    Diagnostic::error(
                        "listener.bind",
                        format!("{bind} is bound twice"),
                        Some(item.span.clone()),
                    )
                    .found("the same address and port")
                    .also(first.clone(), "the first"),
                ),
                None => seen.push((bind, item.span.clone())),
            }
        }
    }
}

fn backends(top: &Section, config: &Config, problems: &mut Vec<Diagnostic>) {
    let names: Vec<&str> = config.backends.iter().map(|backend| backend.name.as_str()).collect();
    for (listener, section) in config.listeners.iter().zip(top.sections("listener")) {
        if !section.has("backend") {
            if names.len() > 1 {
                let problem = Diagnostic::error(
                    "listener.backend",
                    "`listener.backend` is missing",
                    section.head.clone(),
                );
                let problem = problem.found("names no backend").possible(names.join(", "));
                problems.push(problem.help("where there are several backends, each listener names its own"));
            }
            continue;
        }
        if section.text("backend").is_some() && !names.contains(&&*listener.backend) {
            let message = format!("there is no backend \"{}\"", listener.backend);
            let problem = Diagnostic::error("listener.backend", message, section.place("backend"));
            let nearest = suggest::nearest(&listener.backend, names.iter().copied());
            problems.push(problem.found("not known").possible(names.join(", ")).nearest(nearest));
        }
    }
    for (listener, section) in config.listeners.iter().zip(top.sections("listener")) {
        let Some(backend) = config.backends.iter().find(|backend| backend.name == listener.backend) else {
            continue;
        };
        let is_blind = backend.xclient == Xclient::Off
            || backend.addresses.iter().any(|address| matches!(address, Address::Maildir(_)));
        if matches!(listener.relay.domains, RelayDomains::Backend) && is_blind {
            let own = section.section("relay").and_then(|relay| relay.entry("domains"));
            let general = top.section("relay").and_then(|relay| relay.entry("domains"));
            let span = own.or(general).map(|entry| entry.span.clone());
            let message = format!(
                "`relay.domains = \"backend\"` needs XCLIENT, which backend \"{}\" is not told",
                backend.name
            );
            problems.push(
                Diagnostic::error("relay.domains", message, span)
                    .found("the backend would take every client for us")
                    .help("give the backend xclient = \"required\", or list the domains"),
            );
        }
    }
    let unused = |name: &str| !config.listeners.iter().any(|listener| listener.backend == name);
    for (backend, section) in config.backends.iter().zip(top.sections("backend")) {
        if names.len() > 1 && section.has("name") && unused(&backend.name) {
            let message = format!("no listener uses backend \"{}\"", backend.name);
            problems.push(Diagnostic::warning("backend", message, section.place("name")).found("never used"));
        }
    }
}

fn uses(top: &Section, config: &Config, problems: &mut Vec<Diagnostic>) {
    for (listener, section) in config.listeners.iter().zip(top.sections("listener")) {
        if section.list("policies").is_some_and(<[_]>::is_empty) || !section.has("policies") {
            let message = format!("listener \"{}\" has no policies", listener.name);
            let problem = Diagnostic::warning("listener.policies", message, section.place("policies"));
            problems.push(problem.found("only the relay guard and the limits judge its mail"));
        }
        let mut seen: Vec<&str> = Vec::new();
        for item in section.list("policies").unwrap_or_default() {
            let ItemValue::PolicyUse(used) = &item.value else { continue };
            if seen.contains(&&*used.name) {
                let message = format!("listener \"{}\" names policy \"{}\" twice", listener.name, used.name);
                let problem = Diagnostic::error("listener.policies", message, Some(item.span.clone()));
                problems.push(problem.found("named again"));
            }
            seen.push(&used.name);
        }
    }
    for (name, section) in top.named("policy") {
        let used = config.listeners.iter().flat_map(|listener| &listener.policies);
        let verify = Some(Verify::Policy(name.text.clone()));
        let verifies = config.auth.verify == verify
            || config.listeners.iter().any(|listener| listener.auth.verify == verify);
        if !verifies && !used.into_iter().any(|used| used.name == name.text) {
            let problem = Diagnostic::warning(
                &*section.path,
                format!("no listener uses policy \"{}\"", name.text),
                section.head.clone(),
            );
            problems.push(problem.found("never used").help("name it in a listener's `policies`"));
        }
    }
}

/// Who owns which address a map says, which must be there.
fn owners(top: &Section, config: &Config, problems: &mut Vec<Diagnostic>) {
    for (listener, section) in config.listeners.iter().zip(top.sections("listener")) {
        let Some(name) = &listener.owners else { continue };
        if !top.named("map").iter().any(|(known, _)| known.text == *name) {
            let key = section.key("sender_login");
            let problem =
                Diagnostic::error(key, format!("there is no map \"{name}\""), section.place("sender_login"));
            problems.push(problem.found("not known").help(format!(
                "say where it is: [map.{name}] source = \"file:PATH\", with lines as \"ann@example.org ann\""
            )));
        }
        let map = config.maps.iter().find(|map| map.map.name == *name).map(|map| &map.map);
        if map.is_some_and(|map| map.kind == Kind::Cidr || matches!(map.source, Source::Mmdb(..))) {
            let message = format!("map \"{name}\" knows addresses of hosts, and of no mail");
            let problem =
                Diagnostic::error(section.key("sender_login"), message, section.place("sender_login"));
            problems.push(
                problem.found("lists no owners").help("a map of kind \"hash\" does, or one on a server"),
            );
        }
    }
}

/// Every policy must have a script; what is in it, the engine says.
fn scripts(top: &Section, config: &Config, built_in: &[&str], problems: &mut Vec<Diagnostic>) {
    for policy in &config.policy {
        let section = top.named("policy").iter().find(|(name, _)| name.text == policy.name);
        match (&policy.script, section) {
            (Script::File(path), _) if path.is_file() => {}
            (Script::Name(name), _) if built_in.contains(&&**name) || in_paths(config, name) => {}
            (Script::File(path), section) => {
                let span = section.and_then(|(_, section)| section.place("script"));
                let message = format!("{} doesn't exist", path.display());
                let key = format!("policy.{}.script", policy.name);
                problems.push(Diagnostic::error(key, message, span).found("not found"));
            }
            (Script::Name(name), Some((_, section))) => {
                let problem = no_script(policy, name, section.place("script"), config, built_in);
                problems.push(problem.help("if the script is a file of yours: script = \"NAME.lua\""));
            }
            (Script::Name(name), None) => {
                let uses = top.sections("listener").iter().map(|listener| policy::use_span(listener, name));
                let mut uses: Vec<Span> = uses.filter(|span| *span != Span::default()).collect();
                let verifies = uses.is_empty().then(|| format!("[policy.{name}] script = \"{name}.lua\""));
                if verifies.is_some() {
                    uses.push(policy.span.clone()); // `verify` names it
                }
                for span in uses {
                    let problem = no_script(policy, name, Some(span), config, built_in);
                    problems.push(verifies.iter().fold(problem, |problem, table| {
                        problem.help(format!("say where its script with a verify hook is: {table}"))
                    }));
                }
            }
        }
    }
}

fn no_script(
    policy: &Policy,
    name: &str,
    span: Option<Span>,
    config: &Config,
    built_in: &[&str],
) -> Diagnostic {
    let tables =
        config.policy.iter().map(|policy| policy.name.as_str()).filter(|known| *known != policy.name);
    let mut names: Vec<&str> = built_in.iter().copied().chain(tables).collect();
    names.sort_unstable();
    names.dedup();
    let nearest = suggest::nearest(name, names.iter().copied());
    Diagnostic::error(format!("policy.{}", policy.name), format!("there is no policy \"{name}\""), span)
        .found("not known")
        .possible(built_in.join(", "))
        .nearest(nearest)
}

fn in_paths(config: &Config, name: &str) -> bool {
    let file = |folder: &Path| folder.join(format!("{name}.lua")).is_file();
    config.policies.paths.iter().any(|folder| file(folder))
}
