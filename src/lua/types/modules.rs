//! The modules, which scripts find as globals.

use crate::lua::types::class::{Class, Kind};
use crate::lua::types::kept;
use crate::lua::types::member::Member;

const fn module(name: &'static str, help: &'static str, members: &'static [Member]) -> Class {
    Class { name, kind: Kind::Module, help, members }
}

const fn m(name: &'static str, form: &'static str, help: &'static str) -> Member {
    Member::new(name, form, help)
}

/// Every module.
pub(super) const MODULES: &[Class] = &[
    module("base64", "Octets as text.", BASE64),
    module("dns", "Look-ups in the DNS. All wait.", DNS),
    module("domains", "Names of domains.", DOMAINS),
    module("hash", "Digests: hex, unless the form says otherwise.", HASH),
    module("hmac", "Codes over a key and a text.", HMAC),
    module("http", "Requests to web servers.", HTTP),
    module("ip", "Addresses and networks, as texts.", IP),
    module("json", "JSON.", JSON),
    module("log", "Lines in the log, with policy, hook and session beside them.", LOG),
    module("map", "Tables of keys and values.", MAP),
    module("metrics", "A policy's own metrics.", kept::METRICS),
    module("random", "What nobody can guess.", RANDOM),
    module("ratelimit", "How often something may happen. All wait.", kept::RATELIMIT),
    module("regex", "Patterns that take no more time than the text is long.", REGEX),
    module("store", "What policies remember between sessions. All wait.", kept::STORE),
    module("task", "Functions that run beside the hooks.", kept::TASK),
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

const CODED: &str = "(text: string, alphabet?: \"url\"): string?, Kind?";
const BASE64: &[Member] =
    &[m("encode", CODED, "The text for these octets."), m("decode", CODED, "The octets of this text.")];

const DIGEST: &str = "(text: string, form?: \"hex\"|\"base64\"|\"raw\"): string?, Kind?";
const HASH: &[Member] = &[
    m("sha1", DIGEST, "SHA-1, for what others have defined so."),
    m("sha256", DIGEST, "SHA-256."),
    m("sha384", DIGEST, "SHA-384."),
    m("sha512", DIGEST, "SHA-512."),
];

const CODE: &str = "(key: string, text: string, form?: \"hex\"|\"base64\"|\"raw\"): string?, Kind?";
const HMAC: &[Member] = &[
    m("sha1", CODE, "HMAC-SHA-1, for what others have defined so."),
    m("sha256", CODE, "HMAC-SHA-256."),
    m("sha384", CODE, "HMAC-SHA-384."),
    m("sha512", CODE, "HMAC-SHA-512."),
    m(
        "equal",
        "(one: string, other: string): boolean",
        "Whether they are the same, in a time that tells nothing.",
    ),
];

const HTTP: &[Member] = &[
    m("get", "(url: string, options?: HttpOptions): Answer?, Kind?", "Asks for it. Waits."),
    m("post", "(url: string, options?: HttpOptions): Answer?, Kind?", "Sends a body to it. Waits."),
    m("request", "(request: HttpRequest): Answer?, Kind?", "Any method. Waits."),
    m(
        "send",
        "(request: HttpRequest): true?, Kind?",
        "Queues it, and waits for nothing; sent once at most. In hooks.",
    ),
];

const MAP: &[Member] = &[
    m("get", "(name: string): Map", "The configuration's `[map.NAME]`."),
    m(
        "file",
        "(path: string, kind?: \"hash\"|\"cidr\"|\"domain\"|\"regex\"|\"mmdb\", field?: string): Map",
        "A map in a file. At load.",
    ),
];

const RANDOM: &[Member] = &[
    m("bytes", "(count: integer): string", "So many octets, 1024 at most."),
    m("token", "(count?: integer): string", "So many octets, 16 unless said, as letters, digits, - and _."),
    m("integer", "(least: integer, greatest: integer): integer", "A number between them, both included."),
    m("choose", "(list: any[]): any, Kind?", "One of the list."),
];

const REGEX: &[Member] = &[m("new", "(pattern: string): Regex", "A pattern. At load.")];
