//! Listeners that take logins: whether anybody can log in there, and whether that lets anybody relay.

use crate::config::Config;
use crate::config::error::Diagnostic;
use crate::config::section::Section;
use crate::proxy::config::Listener;
use crate::session::login::Demand;
use crate::session::relay::RelayDomains;
use crate::session::tls::TlsUse;

/// Tells of listeners where nobody can log in, and of those where a login is worth nothing.
///
/// *Changes*: `problems`.
pub(super) fn check(top: &Section, config: &Config, problems: &mut Vec<Diagnostic>) {
    for (listener, section) in config.listeners.iter().zip(top.sections("listener")) {
        problems.extend(in_clear_text(listener, section, config.tls.own.is_some()));
        problems.extend(without_relaying(listener, section, top));
    }
}

/// Without TLS AUTH is 538: where logins are a must, no mail is taken at all. Source: RFC 4954 §4.
fn in_clear_text(listener: &Listener, section: &Section, has_certificate: bool) -> Option<Diagnostic> {
    let trust = &listener.trust;
    // Who speaks for others tells by XCLIENT who has logged in there.
    let is_told = trust.xclient_login && !trust.xclient_networks.is_empty();
    if listener.tls != TlsUse::None || listener.logins.without_tls || is_told {
        return None;
    }
    let message = format!("listener \"{}\" takes logins and speaks no TLS", listener.name);
    let place = section.place(if section.has("tls") { "tls" } else { "auth" });
    let problem = match listener.logins.demand {
        Demand::Off => return None,
        Demand::Optional => Diagnostic::warning("listener.auth", message, place),
        Demand::Required => Diagnostic::error("listener.auth", message, place),
    };
    let tls = if has_certificate { "leave out tls = \"none\"" } else { "[tls] certificate = …" };
    let help = format!("{tls}, or auth_without_tls = true if passwords may be read on the way");
    Some(problem.found("nobody can log in").help(help))
}

/// Who must log in mostly wants to send to others.
fn without_relaying(listener: &Listener, section: &Section, top: &Section) -> Option<Diagnostic> {
    let mut tables = [section.section("relay"), top.section("relay")].into_iter().flatten();
    let is_said = tables.any(|table| table.has("authenticated"));
    let relay = &listener.relay;
    if listener.logins.demand != Demand::Required || relay.authenticated || is_said {
        return None;
    }
    if matches!(relay.domains, RelayDomains::Backend) {
        return None; // it is told the login, and decides
    }
    let message = format!("listener \"{}\" takes logins that may not relay", listener.name);
    let problem = Diagnostic::warning("relay.authenticated", message, section.place("auth"));
    let help = "relay = { authenticated = true }, or false if they send to `relay.domains` alone";
    Some(problem.found("lets nobody send to others").help(help))
}
