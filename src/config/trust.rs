//! Whom a listener believes when he speaks for others, and what is wrong or unwise in it.

use crate::config::Config;
use crate::config::error::Diagnostic;
use crate::config::section::{ItemValue, Section};
use crate::names::network::parse_network;
use crate::names::network_set::NetworkSet;
use crate::session::trust::{ProxyProtocol, Trust};

/// Whom the listener in `section` believes.
pub(super) fn of(section: &Section) -> Trust {
    Trust {
        proxy_protocol: match section.choice("proxy_protocol") {
            Some("required") => ProxyProtocol::Required,
            Some("optional") => ProxyProtocol::Optional,
            _ => ProxyProtocol::Off,
        },
        proxy_protocol_networks: networks(section, HEADER),
        xclient_networks: networks(section, XCLIENT),
        xclient_login: section.boolean("xclient_login").unwrap_or(false),
        xforward_networks: networks(section, XFORWARD),
    }
}

const HEADER: &str = "proxy_protocol_networks";
const XCLIENT: &str = "xclient_networks";
const XFORWARD: &str = "xforward_networks";

/// The networks of a list; the reader has tried each entry.
fn networks(section: &Section, name: &str) -> NetworkSet {
    let network = |value: &ItemValue| match value {
        ItemValue::Text(text) => parse_network(text).ok(),
        _ => None,
    };
    section.list(name).unwrap_or_default().iter().filter_map(|item| network(&item.value)).collect()
}

/// Tells what doesn't fit together. *Changes*: `problems`.
pub(super) fn check(top: &Section, config: &Config, problems: &mut Vec<Diagnostic>) {
    for (listener, section) in config.listeners.iter().zip(top.sections("listener")) {
        let trust = &listener.trust;
        header(section, trust, problems);
        for (name, networks) in lists(trust) {
            everybody(section, name, problems);
            if let Some(network) = networks.overlap(&listener.relay.networks) {
                let key = section.key(name);
                let message = format!("`relay.networks` and `{key}` have {network} in common");
                let problem = Diagnostic::warning(key, message, section.place(name));
                problems.push(
                    problem
                        .found("no machine here relays by its address")
                        .help("it speaks for others: take it out of `relay.networks`, or out of this list"),
                );
            }
        }
    }
}

/// The lists by the names of their keys.
fn lists(trust: &Trust) -> [(&'static str, &NetworkSet); 3] {
    [
        (HEADER, &trust.proxy_protocol_networks),
        (XCLIENT, &trust.xclient_networks),
        (XFORWARD, &trust.xforward_networks),
    ]
}

/// A header needs networks to take it from, and they need a header to be of use.
fn header(section: &Section, trust: &Trust, problems: &mut Vec<Diagnostic>) {
    let (is_off, has_none) =
        (trust.proxy_protocol == ProxyProtocol::Off, trust.proxy_protocol_networks.is_empty());
    if !is_off && has_none && !section.has(HEADER) {
        let key = section.key(HEADER);
        let problem =
            Diagnostic::error(key, "`proxy_protocol_networks` is missing", section.place("proxy_protocol"));
        problems.push(
            problem
                .found("nothing says from whom")
                .help("list the balancers: proxy_protocol_networks = [\"192.0.2.7\"]"),
        );
    }
    if is_off && !has_none && !section.has("proxy_protocol") {
        let key = section.key(HEADER);
        let problem = Diagnostic::warning(key, "`proxy_protocol` is \"off\"", section.place(HEADER));
        problems.push(
            problem
                .found("has no effect but that these machines never relay by their address")
                .help("proxy_protocol = \"required\""),
        );
    }
}

/// Who believes everybody knows nobody.
fn everybody(section: &Section, name: &str, problems: &mut Vec<Diagnostic>) {
    for item in section.list(name).unwrap_or_default() {
        let ItemValue::Text(text) = &item.value else { continue };
        if parse_network(text).is_ok_and(|network| network.prefix_len() == 0) {
            let key = section.key(name);
            let message = format!("`{key}` lets every client say that it is another");
            let problem = Diagnostic::warning(key, message, Some(item.span.clone()));
            problems.push(problem.found("this is everybody"));
        }
    }
}
