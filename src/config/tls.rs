//! `[tls]` as it holds, and whether the listeners have in it what they need.

use crate::backend::config::Address;
use crate::config::Config;
use crate::config::error::Diagnostic;
use crate::config::lists;
use crate::config::section::Section;
use crate::net::tls::config::{BackTls, ClientCertificates, Host, Level, Pair, Tls, Version};
use crate::session::tls::TlsUse;

/// Our certificates, and whose we trust.
///
/// *Changes*: `problems` gets what is missing.
pub(super) fn tls(top: &Section, problems: &mut Vec<Diagnostic>) -> Tls {
    let Some(section) = top.section("tls") else { return Tls::default() };
    for key in ["key", "host"] {
        if section.has(key) && !section.has("certificate") {
            let problem =
                Diagnostic::error("tls.certificate", "`tls.certificate` is missing", section.place(key));
            problems.push(problem.found("needs one").help("clients that ask for no name are shown this one"));
            break;
        }
    }
    let hosts = section.sections("host").iter().filter_map(|host| {
        lists::needed(host, "certificate", host.has("certificate").then_some(1), problems);
        Some(Host { names: lists::texts(host, "name").unwrap_or_default(), pair: pair(host)? })
    });
    Tls {
        hosts: hosts.collect(),
        own: pair(section),
        client_ca: section.path("client_ca"),
        min_version: min_version(section),
    }
}

fn min_version(section: &Section) -> Version {
    if section.choice("min_version") == Some("1.3") { Version::Tls13 } else { Version::Tls12 }
}

/// TLS towards the backend in `section`.
pub(super) fn back(section: &Section, top: &Section) -> BackTls {
    let shown = section.path("client_certificate");
    let fingerprints = lists::texts(section, "fingerprint").unwrap_or_default();
    BackTls {
        level: match section.choice("tls") {
            Some("opportunistic") => Level::Opportunistic,
            Some("required") => Level::Required,
            Some("verified") => Level::Verified,
            _ => Level::None,
        },
        is_implicit: section.choice("tls_mode") == Some("implicit"),
        ca: section.path("ca"),
        server_name: section.text("server_name").map(str::to_owned),
        fingerprints: fingerprints.iter().filter_map(|text| text.parse().ok()).collect(),
        client_certificate: shown.map(|path| Pair { certificate: path.clone(), key: path }),
        min_version: top.section("tls").map_or(Version::default(), min_version),
    }
}

fn pair(section: &Section) -> Option<Pair> {
    let certificate = section.path("certificate")?;
    Some(Pair { key: section.path("key").unwrap_or_else(|| certificate.clone()), certificate })
}

/// Where TLS comes with the first octet. Source: RFC 8314 §7.3.
const SUBMISSIONS: u16 = 465;

/// Tells of listeners that want more than `[tls]` has.
///
/// *Changes*: `problems`.
pub(super) fn check(top: &Section, config: &Config, problems: &mut Vec<Diagnostic>) {
    for (listener, section) in config.listeners.iter().zip(top.sections("listener")) {
        if listener.tls != TlsUse::None && config.tls.own.is_none() {
            let message = format!("listener \"{}\" speaks TLS and there is no certificate", listener.name);
            // Submission wants TLS unless told otherwise.
            let place = section.place("tls").or(section.place("protocol"));
            let problem = Diagnostic::error("listener.tls", message, place);
            let help = "[tls] certificate = \"/etc/ssl/mx.pem\", key = \"/etc/ssl/mx.key\"";
            problems.push(problem.found("needs one").help(format!("name one: {help}")));
        }
        if listener.tls != TlsUse::Implicit && listener.bind.iter().any(|at| at.port() == SUBMISSIONS) {
            let message =
                format!("listener \"{}\" is on port 465 and does not begin with TLS", listener.name);
            let problem = Diagnostic::warning("listener.tls", message, section.place("tls"));
            problems.push(problem.found("clients wait there for TLS").help("tls = \"implicit\""));
        }
        let place_of_relay = section.section("relay").or(top.section("relay"));
        if listener.client_certificate == ClientCertificates::Off && !listener.relay.certificates.is_empty() {
            let span = place_of_relay.and_then(|relay| relay.place("certificates"));
            let message = format!("listener \"{}\" asks no client for a certificate", listener.name);
            let problem = Diagnostic::warning("relay.certificates", message, span).found("of no use there");
            problems.push(problem.help("client_certificate = \"request\""));
        }
        let asks = listener.client_certificate != ClientCertificates::Off;
        let place = || section.place("client_certificate");
        let key = "listener.client_certificate";
        if asks && listener.tls == TlsUse::None && config.tls.own.is_some() {
            let message = format!("listener \"{}\" asks for certificates and speaks no TLS", listener.name);
            problems.push(Diagnostic::error(key, message, place()).found("only TLS has them"));
        }
        if listener.client_certificate == ClientCertificates::Verify && config.tls.client_ca.is_none() {
            let problem = Diagnostic::error(key, "there is no `tls.client_ca`", place()).found("needs one");
            problems.push(
                problem.help("name the authorities that stand for clients: [tls] client_ca = \"ca.pem\""),
            );
        }
    }
}

/// Tells of backends whose keys don't fit together.
///
/// *Changes*: `problems`.
pub(super) fn check_backends(top: &Section, config: &Config, problems: &mut Vec<Diagnostic>) {
    for (backend, section) in config.backends.iter().zip(top.sections("backend")) {
        let level = backend.tls.level;
        for name in ["ca", "server_name", "fingerprint"] {
            if section.has(name) && level != Level::Verified {
                let key = section.key(name);
                let message = format!("`{key}` is looked at only where the backend is verified");
                let problem =
                    Diagnostic::error(key, message, section.place(name)).found("would be passed over");
                problems.push(problem.help("tls = \"verified\""));
            }
        }
        if backend.tls.is_implicit && matches!(level, Level::None | Level::Opportunistic) {
            let key = section.key("tls_mode");
            let message = "TLS from the first octet can't be left to chance";
            let problem =
                Diagnostic::error(key, message, section.place("tls_mode")).found("speaks nothing else");
            problems.push(problem.help("tls = \"required\" or \"verified\""));
        }
        let has_no_name = backend.addresses.iter().any(|address| !matches!(address, Address::Tcp { .. }));
        let is_known = backend.tls.server_name.is_some() || !backend.tls.fingerprints.is_empty();
        if level == Level::Verified && has_no_name && !is_known {
            let key = section.key("server_name");
            let problem = Diagnostic::error(key, "there is no name to verify", section.place("tls"));
            problems.push(problem.found("its address has none").help("server_name = \"mail.example.org\""));
        }
    }
}
