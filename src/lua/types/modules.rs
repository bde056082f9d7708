//! The modules, which scripts find as globals.

use crate::lua::types::class::{Class, Kind};
use crate::lua::types::member::Member;

const fn module(name: &'static str, help: &'static str, members: &'static [Member]) -> Class {
    Class { name, kind: Kind::Module, help, members }
}

const fn m(name: &'static str, form: &'static str, help: &'static str) -> Member {
    Member::new(name, form, help)
}

/// Every module.
pub(super) const MODULES: &[Class] = &[
    module("dns", "Look-ups in the DNS. All wait.", DNS),
    module("domains", "Names of domains.", DOMAINS),
    module("ip", "Addresses and networks, as texts.", IP),
    module("json", "JSON.", JSON),
    module("log", "Lines in the log, with policy, hook and session beside them.", LOG),
    module("time", "The clock.", TIME),
];

const DNS: &[Member] = &[
    m("a", "(name: string): string[]?, Kind?", "IPv4 addresses."),
    m("aaaa", "(name: string): string[]?, Kind?", "IPv6 addresses."),
    m(
        "mx",
        "(name: string): Mx[]?, Kind?",
        "Mail servers, the preferred first. A null MX has the exchange \".\".",
    ),
    m("txt", "(name: string): string[]?, Kind?", "Texts."),
    m("ptr", "(address: string): string[]?, Kind?", "Names; unverified, and not always host names."),
    m("lookup", "(name: string, type: string): any[]?, Kind?", "Records of any of the known types."),
    m(
        "dnsbl",
        "(zones: string|string[], name: string, options?: DnsblOptions): Dnsbl",
        "Asks all lists at once for an address or a name; ends when the threshold is decided.",
    ),
];

const DOMAINS: &[Member] = &[
    m(
        "set",
        "(domains: string|string[]): DomainSet",
        "`example.org` for itself, `.example.org` for all below. At load.",
    ),
    m("registrable", "(domain: string): string?, Kind?", "The part that somebody registered."),
    m("to_ascii", "(domain: string): string?, Kind?", "The name as A-labels."),
    m("to_unicode", "(domain: string): string?, Kind?", "The name as people read it."),
    m(
        "is_subdomain",
        "(domain: string, parent: string): boolean?, Kind?",
        "Whether it is below the other one.",
    ),
];

const IP: &[Member] = &[
    m("set", "(networks: string|string[]): NetworkSet", "A set of addresses and networks. At load."),
    m(
        "network",
        "(address: string, v4_bits?: integer, v6_bits?: integer): string?, Kind?",
        "The address's network; 24 and 64 bits unless said.",
    ),
    m("is_private", "(address: string): boolean?, Kind?", "Whether it is one of a private network."),
    m("is_loopback", "(address: string): boolean?, Kind?", "Whether it is this machine."),
    m("valid", "(text: string): boolean", "Whether it is an address."),
];

const JSON: &[Member] = &[
    m("encode", "(value: any): string?, Kind?", "The text, objects by key."),
    m("decode", "(text: string): any, Kind?", "The value."),
    m("null", "any", "What null becomes, since a table can't hold nil."),
];

const LINE: &str = "(text: string, fields?: table<string, string|number|boolean>)";
const LOG: &[Member] = &[
    m("debug", LINE, "For those who look closely."),
    m("info", LINE, "For the record."),
    m("warn", LINE, "For a postmaster's eye."),
    m("error", LINE, "For the policy's author."),
];

const TIME: &[Member] = &[m("now", "(): number", "Seconds since 1970, with a fraction.")];
