//! The keys that hold for the whole process.

use crate::config::keys::key::{Default, Item, Key, Kind, word};
use crate::config::keys::table::Table;

/// The keys above the first table, and the tables themselves.
pub(super) const TOP: &[Key] = &[
    Key::new(
        Table::Top,
        "hostname",
        Kind::Host,
        Default::Words("the system's"),
        "Our name in the banner, in the reply to EHLO and in Received fields.",
    )
    .rfc("RFC 5321 §4.1.1.1"),
    Key::new(
        Table::Top,
        "workers",
        Kind::Count { from: 1, to: 1024, none: false },
        Default::Words("one a core"),
        "Threads that sessions run on.",
    ),
    Key::new(
        Table::Top,
        "include",
        Kind::List(Item::Glob),
        Default::Words("none"),
        "Files that are read as if they stood here; a key may be set in one of them only.",
    ),
    table("listener", Kind::Sections(Table::Listener)),
    table("relay", Kind::Section(Table::Relay)),
    table("limits", Kind::Section(Table::Limits)),
    table("backend", Kind::Sections(Table::Backend)),
    table("tls", Kind::Section(Table::Tls)),
    table("auth", Kind::Section(Table::Auth)),
    table("policies", Kind::Section(Table::Policies)),
    table("policy", Kind::Named(Table::Policy)),
    table("map", Kind::Named(Table::Map)),
    table("store", Kind::Section(Table::Store)),
    table("dns", Kind::Section(Table::Dns)),
    table("spool", Kind::Section(Table::Spool)),
    table("log", Kind::Section(Table::Log)),
    table("metrics", Kind::Section(Table::Metrics)),
    table("service", Kind::Section(Table::Service)),
    Key::later(Table::Top, "route"),
    Key::later(Table::Top, "delivery"),
    Key::later(Table::Top, "quarantine"),
    Key::later(Table::Top, "console"),
];

const fn table(name: &'static str, kind: Kind) -> Key {
    Key::new(Table::Top, name, kind, Default::Words(""), "")
}

/// `[dns]`, `[spool]`, `[log]`, `[metrics]` and `[service]`.
pub(super) const PROCESS: &[Key] = &[
    Key::new(
        Table::Dns,
        "servers",
        Kind::List(Item::NameServer),
        Default::Words("the system's"),
        "Name servers; without a port, 53.",
    ),
    Key::new(
        Table::Dns,
        "timeout",
        Kind::Duration { none: false },
        Default::Is("\"3s\""),
        "How long one server may take to answer one question.",
    )
    .unit("seconds"),
    Key::new(
        Table::Dns,
        "attempts",
        Kind::Count { from: 1, to: 10, none: false },
        Default::Is("2"),
        "How often a question is asked before the answer is \"timeout\".",
    ),
    Key::new(
        Table::Dns,
        "cache",
        Kind::Count { from: 1, to: 10_000_000, none: false },
        Default::Is("10000"),
        "Answers that are remembered.",
    )
    .unit("entries"),
    Key::new(
        Table::Dns,
        "in_flight",
        Kind::Count { from: 1, to: 1_000_000, none: false },
        Default::Is("1000"),
        "Questions under way at once; past it the answer is \"unavailable\".",
    )
    .unit("questions"),
    Key::new(
        Table::Spool,
        "directory",
        Kind::Path,
        Default::Words("the state directory, else /var/tmp"),
        "Where content past `memory` is kept, in files without a name.",
    ),
    Key::new(
        Table::Spool,
        "memory",
        Kind::Size { from: 1 },
        Default::Is("\"1 MiB\""),
        "How much of one message stays in memory.",
    )
    .unit("octets"),
    Key::new(
        Table::Spool,
        "limit",
        Kind::Size { from: 1 },
        Default::Is("\"10 GB\""),
        "How much all messages together may take on disk; past it 452 4.3.1.",
    )
    .unit("octets"),
    Key::new(
        Table::Log,
        "format",
        Kind::Choice(&[word("text"), word("json"), word("journald")]),
        Default::Is("\"text\""),
        "The form of its lines.",
    ),
    Key::new(
        Table::Log,
        "level",
        Kind::Choice(&[word("error"), word("warn"), word("info"), word("debug"), word("trace")]),
        Default::Is("\"info\""),
        "The least severe that is written.",
    ),
    Key::new(
        Table::Log,
        "file",
        Kind::Path,
        Default::Words("standard error"),
        "The file that lines are appended to; SIGHUP opens it anew.",
    ),
    Key::new(
        Table::Metrics,
        "listen",
        Kind::SocketOrOff,
        Default::Is("\"off\""),
        "Where the page is shown. It has no password: keep it on loopback or an inner network.",
    ),
    Key::new(
        Table::Service,
        "user",
        Kind::Text,
        Default::Words("whoever started it"),
        "The user whose rights are kept once the sockets are open.",
    ),
    Key::new(
        Table::Service,
        "group",
        Kind::Text,
        Default::Words("the user's"),
        "The group whose rights are kept.",
    ),
    Key::new(
        Table::Service,
        "drain",
        Kind::Duration { none: false },
        Default::Is("\"30s\""),
        "How long running transactions have when the process is told to end.",
    )
    .unit("seconds"),
    Key::new(
        Table::Service,
        "state_directory",
        Kind::Path,
        Default::Words("systemd's, else /var/lib/gatepost"),
        "Where files that last are kept.",
    ),
];
