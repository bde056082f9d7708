//! `[tls]` as it holds, and whether the listeners have in it what they need.

use crate::config::Config;
use crate::config::error::Diagnostic;
use crate::config::lists;
use crate::config::section::Section;
use crate::net::tls::config::{ClientCertificates, Host, Pair, Tls, Version};
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
        min_version: match section.choice("min_version") {
            Some("1.3") => Version::Tls13,
            _ => Version::Tls12,
        },
    }
}

fn pair(section: &Section) -> Option<Pair> {
    let certificate = section.path("certificate")?;
    Some(Pair { key: section.path("key").unwrap_or_else(|| certificate.clone()), certificate })
}

/// Tells of listeners that want more than `[tls]` has.
///
/// *Changes*: `problems`.
pub(super) fn check(top: &Section, config: &Config, problems: &mut Vec<Diagnostic>) {
    for (listener, section) in config.listeners.iter().zip(top.sections("listener")) {
        if listener.tls != TlsUse::None && config.tls.own.is_none() && section.has("tls") {
            let message = format!("listener \"{}\" speaks TLS and there is no certificate", listener.name);
            let problem = Diagnostic::error("listener.tls", message, section.place("tls"));
            let help = "[tls] certificate = \"/etc/ssl/mx.pem\", key = \"/etc/ssl/mx.key\"";
            problems.push(problem.found("needs one").help(format!("name one: {help}")));
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
