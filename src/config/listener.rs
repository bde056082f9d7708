//! Listeners, each with `[relay]` and `[limits]` as they hold for it.

use crate::backend::config::Backend;
use crate::config::error::Diagnostic;
use crate::config::section::{ItemValue, Section};
use crate::config::{auth, lists, trust};
use crate::names::domain_set::DomainSet;
use crate::names::network::parse_network;
use crate::net::tls::config::ClientCertificates;
use crate::policy::mode::PolicyUse;
use crate::proxy::config::{BareNewline, CountOrRefuse, Listener, Mismatch, Received, Vrfy};
use crate::session::limits::Limits;
use crate::session::login::{Demand, Logins};
use crate::session::relay::{Relay, RelayDomains};
use crate::session::rules::Protocol;
use crate::session::tls::TlsUse;

/// Every listener of the file.
///
/// *Changes*: `problems` gets what is missing.
pub(super) fn all(top: &Section, backends: &[Backend], problems: &mut Vec<Diagnostic>) -> Vec<Listener> {
    let sections = top.sections("listener");
    sections.iter().map(|section| one(top, section, backends, problems)).collect()
}

fn one(top: &Section, section: &Section, backends: &[Backend], problems: &mut Vec<Diagnostic>) -> Listener {
    let bind = lists::sockets(section, "bind");
    lists::needed(section, "bind", bind.as_ref().map(Vec::len), problems);
    let bind = bind.unwrap_or_default();
    let name = match section.text("name") {
        Some(name) => name.to_owned(),
        None => bind.first().map_or_else(String::new, |at| at.port().to_string()),
    };
    let backend = match (section.text("backend"), backends) {
        (Some(name), _) => name.to_owned(),
        (None, [only]) => only.name.clone(),
        (None, _) => String::new(),
    };
    let pick = |name, word| section.choice(name) == Some(word);
    let is_submission = pick("protocol", "submission");
    let protocol = if is_submission { Protocol::Submission } else { Protocol::Smtp };
    let count = |name| if pick(name, "refuse") { CountOrRefuse::Refuse } else { CountOrRefuse::Count };
    Listener {
        name,
        bind,
        protocol,
        backend,
        policies: policies(section),
        relay: relay(&[section.section("relay"), top.section("relay")], protocol),
        trust: trust::of(section),
        limits: limits(limits(Limits::default(), top.section("limits")), section.section("limits")),
        logins: logins(section, protocol),
        auth: auth::auth(&auth::laid_over(top, section)),
        banner: section.text("banner").map(str::to_owned),
        greet_delay: section.duration("greet_delay").flatten(),
        early_talk: count("early_talk"),
        bad_pipelining: count("bad_pipelining"),
        strict: section.boolean("strict").unwrap_or(false),
        bare_newline: if pick("bare_newline", "normalize") {
            BareNewline::Normalize
        } else {
            BareNewline::Reject
        },
        received: match section.choice("received") {
            Some("hide-client") => Received::HideClient,
            Some("none") => Received::None,
            _ => Received::Full,
        },
        owners: section.text("sender_login").map(str::to_owned),
        mismatch: if pick("sender_mismatch", "fix") { Mismatch::Fix } else { Mismatch::Reject },
        add_missing: section.boolean("add_missing").unwrap_or(false),
        vrfy: if pick("vrfy", "refuse") { Vrfy::Refuse } else { Vrfy::Neutral },
        client_name: section.boolean("client_name").unwrap_or(true),
        reply_id: section.boolean("reply_id").unwrap_or(true),
        tls: tls_use(section, protocol, top.section("tls").is_some_and(|tls| tls.has("certificate"))),
        client_certificate: client_certificates(section),
    }
}

/// Whether clients may, or must, log in.
fn logins(section: &Section, protocol: Protocol) -> Logins {
    let demand = match section.choice("auth") {
        Some("optional") => Demand::Optional,
        Some("required") => Demand::Required,
        None if protocol == Protocol::Submission => Demand::Required,
        _ => Demand::Off,
    };
    Logins { demand, without_tls: section.boolean("auth_without_tls").unwrap_or(false) }
}

/// Whether clients are asked for certificates.
fn client_certificates(section: &Section) -> ClientCertificates {
    match section.choice("client_certificate") {
        Some("request") => ClientCertificates::Request,
        Some("require") => ClientCertificates::Require,
        Some("verify") => ClientCertificates::Verify,
        _ => ClientCertificates::Off,
    }
}

/// When TLS is spoken; unless something is said, whoever wants it gets it if there is a certificate.
fn tls_use(section: &Section, protocol: Protocol, has_certificate: bool) -> TlsUse {
    match section.choice("tls") {
        Some("starttls") => TlsUse::Starttls,
        Some("starttls-required") => TlsUse::Required,
        Some("implicit") => TlsUse::Implicit,
        None if protocol == Protocol::Submission => TlsUse::Required,
        None if has_certificate => TlsUse::Starttls,
        _ => TlsUse::None,
    }
}

fn policies(section: &Section) -> Vec<PolicyUse> {
    let used =
        |value: &ItemValue| if let ItemValue::PolicyUse(used) = value { Some(used.clone()) } else { None };
    section.list("policies").unwrap_or_default().iter().filter_map(|item| used(&item.value)).collect()
}

/// What the tables say of relaying, the first that says something of a key first.
fn relay(tables: &[Option<&Section>], protocol: Protocol) -> Relay {
    let holder = |name: &str| tables.iter().flatten().find(|table| table.has(name));
    let texts = |name: &str| {
        let items = holder(name)?.list(name)?;
        let text =
            |value: &ItemValue| if let ItemValue::Text(text) = value { Some(text.clone()) } else { None };
        Some(items.iter().filter_map(|item| text(&item.value)).collect::<Vec<String>>())
    };
    let networks =
        texts("networks").unwrap_or_default().iter().filter_map(|text| parse_network(text).ok()).collect();
    let domains = if holder("domains").is_some_and(|table| table.is_backend("domains")) {
        RelayDomains::Backend
    } else {
        // The reader has tried each entry.
        RelayDomains::Set(DomainSet::parse(texts("domains").unwrap_or_default()).unwrap_or_default())
    };
    let said_nothing = Relay::new(domains);
    Relay {
        networks,
        always: texts("always").unwrap_or(said_nothing.always),
        authenticated: holder("authenticated")
            .and_then(|table| table.boolean("authenticated"))
            .unwrap_or(protocol == Protocol::Submission),
        certificates: texts("certificates")
            .unwrap_or_default()
            .iter()
            .filter_map(|text| text.parse().ok())
            .collect(),
        domains: said_nothing.domains,
    }
}

/// Limits with those of a table laid over them.
pub(super) fn limits(base: Limits, section: Option<&Section>) -> Limits {
    let Some(section) = section else { return base };
    let count = |name, base| section.count(name).flatten().unwrap_or(base);
    let maybe = |name, base| section.count(name).unwrap_or(base);
    let size = |name, base| section.number(name).flatten().unwrap_or(base);
    Limits {
        message_size: size("message_size", base.message_size),
        header_size: size("header_size", base.header_size),
        recipients: count("recipients", base.recipients),
        messages: maybe("messages", base.messages),
        errors: maybe("errors", base.errors),
        junk_commands: maybe("junk_commands", base.junk_commands),
        rejected_recipients: maybe("rejected_recipients", base.rejected_recipients),
        connections: count("connections", base.connections),
        connections_per_client: maybe("connections_per_client", base.connections_per_client),
        connection_rate: maybe("connection_rate", base.connection_rate),
        command_timeout: section.duration("command_timeout").flatten().unwrap_or(base.command_timeout),
        session_timeout: section.duration("session_timeout").unwrap_or(base.session_timeout),
        max_line: maybe("max_line", base.max_line),
        max_hops: count("max_hops", base.max_hops),
    }
}
