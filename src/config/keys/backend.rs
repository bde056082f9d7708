//! The keys of `[[backend]]`.

use crate::config::keys::key::{Default, Item, Key, Kind, word};
use crate::config::keys::table::Table;

/// `[[backend]]` and its `timeouts`.
pub(super) const BACKEND: &[Key] = &[
    key("name", Kind::Name, Default::Words("backend"), "Its name; needed where there are several."),
    key(
        "address",
        Kind::List(Item::Address),
        Default::Needed,
        "Where it is; the next address is tried when one is not usable.",
    ),
    key(
        "xclient",
        Kind::Choice(&[word("auto"), word("required"), word("off")]),
        Default::Is("\"auto\""),
        "Whether it is told who the client is by XCLIENT.",
    ),
    key(
        "xforward",
        Kind::Choice(&[word("auto"), word("off")]),
        Default::Is("\"auto\""),
        "Whether, without XCLIENT, it is told by XFORWARD, for its log.",
    ),
    key(
        "relay_login",
        Kind::Text,
        Default::Words("none"),
        "The login told to it by XCLIENT for clients that may relay and have not logged in.",
    ),
    key("ehlo", Kind::Host, Default::Words("`hostname`"), "Our name in EHLO to it."),
    key(
        "connect",
        Kind::Choice(&[word("rcpt"), word("mail"), word("session")]),
        Default::Is("\"rcpt\""),
        "When the connection to it is made.",
    ),
    key(
        "connections",
        Kind::Count { from: 1, to: 100_000, none: false },
        Default::Is("80"),
        "Connections to it at once; Postfix runs 100 smtpd processes unless told otherwise.",
    ),
    key("timeouts", Kind::Section(Table::Timeouts), Default::Words("as below"), "How long it may take."),
    key(
        "downgrade",
        Kind::Choice(&[word("refuse"), word("pass")]),
        Default::Is("\"refuse\""),
        "What becomes of 8-bit data when it doesn't offer 8BITMIME.",
    )
    .rfc("RFC 6152"),
    key(
        "tls",
        Kind::Choice(&[word("none"), word("opportunistic"), word("required"), word("verified")]),
        Default::Is("\"none\""),
        "Whether TLS is spoken to it: not, if it can be had, always, always and with nobody else.",
    )
    .rfc("RFC 3207"),
    key(
        "tls_mode",
        Kind::Choice(&[word("starttls"), word("implicit")]),
        Default::Is("\"starttls\""),
        "Whether TLS begins with STARTTLS or with the first octet.",
    ),
    key(
        "ca",
        Kind::Path,
        Default::Words("the system's"),
        "The authorities that vouch for it where it is verified (PEM).",
    ),
    key(
        "server_name",
        Kind::Host,
        Default::Words("that of its address"),
        "The name that its certificate must have where it is verified; it is asked for that name (SNI).",
    ),
    key(
        "fingerprint",
        Kind::List(Item::Fingerprint),
        Default::Words("none"),
        "Where it is verified, its certificate or its key is one of these, whatever its name and authority.",
    ),
    key(
        "client_certificate",
        Kind::Path,
        Default::Words("none"),
        "What it is shown: our certificate and its key in one file (PEM).",
    ),
    Key::later(Table::Backend, "balance"),
    Key::later(Table::Backend, "weight"),
    Key::later(Table::Backend, "weights"),
    Key::later(Table::Backend, "pool"),
    Key::later(Table::Backend, "health"),
    Key::later(Table::Backend, "send_proxy_protocol"),
    timeout("connect", "\"5s\"", "To accept a connection."),
    timeout("greeting", "\"20s\"", "From the connection to its 220."),
    timeout("command", "\"60s\"", "To answer EHLO, XCLIENT, MAIL or RCPT."),
    timeout("data", "\"60s\"", "To answer DATA with 354."),
    timeout(
        "final",
        "\"570s\"",
        "From the client's last dot to the answer, policies included; clients wait 600 s.",
    ),
];

const fn key(name: &'static str, kind: Kind, default: Default, help: &'static str) -> Key {
    Key::new(Table::Backend, name, kind, default, help)
}

const fn timeout(name: &'static str, default: &'static str, help: &'static str) -> Key {
    Key::new(Table::Timeouts, name, Kind::Duration { none: false }, Default::Is(default), help)
        .unit("seconds")
        .rfc("RFC 5321 §4.5.3.2")
}
