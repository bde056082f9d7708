//! The parts' own configurations, made from the tables as they were read.

use crate::backend::config::{Address, Backend, ConnectAt, Downgrade, Timeouts, Xclient, Xforward};
use crate::config::Config;
use crate::config::error::Diagnostic;
use crate::config::keys::table::Table;
use crate::config::section::{ItemValue, Section};
use crate::config::service::Service;
use crate::config::{auth, listener, lists, map, policy, scalar, tls};
use crate::lookup::config::Config as Dns;
use crate::message::config::Spool;
use crate::observe::config::{Format, Level, Log, Metrics};
use crate::store::config::Config as Store;

/// The whole set-up. What was wrong or is missing has its default; the check between the parts comes after.
///
/// *Changes*: `problems` gets what is missing.
pub(super) fn config(top: &Section, problems: &mut Vec<Diagnostic>) -> Config {
    let several = top.sections("backend").len() > 1;
    let backends: Vec<_> =
        top.sections("backend").iter().map(|section| backend(top, section, several, problems)).collect();
    let auth = auth::auth(&section(top, "auth", Table::Auth));
    let listeners = listener::all(top, &backends, problems);
    let policies = policy::policies(&section(top, "policies", Table::Policies));
    let log = log(&section(top, "log", Table::Log));
    Config {
        hostname: hostname(top, problems),
        workers: top.count("workers").flatten().unwrap_or_else(cores),
        policy: policy::all(top, &policies, &listeners, &auth),
        limits: listener::limits(Default::default(), top.section("limits")),
        listeners,
        auth,
        backends,
        tls: tls::tls(top, problems),
        policies,
        store: store(&section(top, "store", Table::Store)),
        maps: map::all(top, problems),
        dns: dns(&section(top, "dns", Table::Dns)),
        spool: spool(&section(top, "spool", Table::Spool)),
        log,
        metrics: Metrics { listen: section(top, "metrics", Table::Metrics).socket("listen") },
        service: service(&section(top, "service", Table::Service)),
    }
}

/// A table, or one without keys if the file doesn't have it.
pub(super) fn section(top: &Section, name: &str, table: Table) -> Section {
    top.section(name).cloned().unwrap_or_else(|| Section::absent(table, name))
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

fn hostname(top: &Section, problems: &mut Vec<Diagnostic>) -> String {
    if let Some(name) = top.text("hostname") {
        return name.to_owned();
    }
    let system = rustix::system::uname().nodename().to_string_lossy().into_owned();
    if let Some(name) = scalar::host(&system) {
        return name;
    }
    if !top.has("hostname") {
        let message = format!("the system's name, \"{system}\", is no full host name");
        let problem = Diagnostic::warning("hostname", message, None);
        problems.push(problem.help("set it: hostname = \"mx.example.org\""));
    }
    scalar::host_or_label(&system).unwrap_or_else(|| "localhost".to_owned())
}

fn backend(top: &Section, section: &Section, several: bool, problems: &mut Vec<Diagnostic>) -> Backend {
    let address =
        |value: &ItemValue| if let ItemValue::Address(at) = value { Some(at.clone()) } else { None };
    let addresses: Option<Vec<Address>> =
        section.list("address").map(|items| items.iter().filter_map(|item| address(&item.value)).collect());
    lists::needed(section, "address", addresses.as_ref().map(Vec::len), problems);
    if several && !section.has("name") {
        let problem = Diagnostic::error("backend.name", "a backend has no name", section.head.clone());
        problems.push(problem.found("this one").help("where there are several, each needs a `name`"));
    }
    let mut backend = Backend::new(section.text("name").unwrap_or("backend"), addresses.unwrap_or_default());
    backend.xclient = match section.choice("xclient") {
        Some("required") => Xclient::Required,
        Some("off") => Xclient::Off,
        _ => Xclient::Auto,
    };
    backend.xforward = if section.choice("xforward") == Some("off") { Xforward::Off } else { Xforward::Auto };
    backend.relay_login = section.text("relay_login").map(str::to_owned);
    backend.ehlo = section.text("ehlo").map(str::to_owned);
    backend.connect = match section.choice("connect") {
        Some("mail") => ConnectAt::Mail,
        Some("session") => ConnectAt::Session,
        _ => ConnectAt::Rcpt,
    };
    backend.connections = section.count("connections").flatten().unwrap_or(backend.connections);
    backend.timeouts = timeouts(section.section("timeouts"));
    let downgrade = section.choice("downgrade") == Some("pass");
    backend.tls = tls::back(section, top);
    backend.downgrade = if downgrade { Downgrade::Pass } else { Downgrade::Refuse };
    backend
}

fn timeouts(section: Option<&Section>) -> Timeouts {
    let default = Timeouts::default();
    let Some(section) = section else { return default };
    let of = |name, default| section.duration(name).flatten().unwrap_or(default);
    Timeouts {
        connect: of("connect", default.connect),
        greeting: of("greeting", default.greeting),
        command: of("command", default.command),
        data: of("data", default.data),
        r#final: of("final", default.r#final),
    }
}

fn store(section: &Section) -> Store {
    let default = Store::default();
    Store {
        place: section.store_place("backend").unwrap_or(default.place),
        prefix: section.text("prefix").map_or(default.prefix, str::to_owned),
        timeout: section.duration("timeout").flatten().unwrap_or(default.timeout),
    }
}

fn dns(section: &Section) -> Dns {
    let default = Dns::default();
    Dns {
        servers: lists::sockets(section, "servers").unwrap_or_default(),
        timeout: section.duration("timeout").flatten().unwrap_or(default.timeout),
        attempts: section.count("attempts").flatten().unwrap_or(default.attempts),
        cache: section.number("cache").flatten().unwrap_or(default.cache),
        in_flight: section.count("in_flight").flatten().unwrap_or(default.in_flight),
    }
}

fn spool(section: &Section) -> Spool {
    let default = Spool::default();
    Spool {
        directory: section.path("directory"),
        memory: section.number("memory").flatten().unwrap_or(default.memory),
        limit: section.number("limit").flatten().unwrap_or(default.limit),
    }
}

fn log(section: &Section) -> Log {
    let format = match section.choice("format") {
        Some("json") => Format::Json,
        Some("journald") => Format::Journald,
        _ => Format::Text,
    };
    let level = match section.choice("level") {
        Some("error") => Level::Error,
        Some("warn") => Level::Warn,
        Some("debug") => Level::Debug,
        Some("trace") => Level::Trace,
        _ => Level::Info,
    };
    Log { format, level, file: section.path("file") }
}

fn service(section: &Section) -> Service {
    Service {
        user: section.text("user").map(str::to_owned),
        group: section.text("group").map(str::to_owned),
        drain: section.duration("drain").flatten().unwrap_or(Service::default().drain),
        state_directory: section.path("state_directory"),
    }
}
