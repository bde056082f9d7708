//! The keys of `[policies]` and `[policy.NAME]`.

use crate::config::keys::key::{Default, Item, Key, Kind, word};
use crate::config::keys::table::Table;

/// `[policies]` and `budget`.
pub(super) const POLICIES: &[Key] = &[
    Key::new(
        Table::Policies,
        "paths",
        Kind::List(Item::Path),
        Default::Words("none"),
        "Folders in which scripts are looked for, before the built-in ones.",
    ),
    Key::new(
        Table::Policies,
        "budget",
        Kind::Section(Table::Budget),
        Default::Words("as below"),
        "What a hook call may cost.",
    ),
    Key::new(
        Table::Policies,
        "allow",
        Kind::List(Item::Capability),
        Default::Words("everything but web servers in the site"),
        "What policies may reach that don't say it themselves.",
    ),
    Key::new(
        Table::Policies,
        "waiting",
        Kind::Count { from: 1, to: 1_000_000, none: false },
        Default::Is("5000"),
        "Hook calls and tasks that wait at once; at that many new sessions get 421 4.3.2.",
    ),
    budget("cpu", Kind::Duration { none: false }, "\"50ms\"", "Time on the processor.").unit("seconds"),
    budget("time", Kind::Duration { none: false }, "\"10s\"", "Time on the clock, waits included.")
        .unit("seconds"),
    budget("memory", Kind::Size { from: 65_536 }, "\"16 MiB\"", "Memory that it may take.").unit("octets"),
    budget(
        "stage",
        Kind::Duration { none: false },
        "\"60s\"",
        "Time on the clock for all policies at one stage.",
    )
    .unit("seconds"),
];

const fn budget(name: &'static str, kind: Kind, default: &'static str, help: &'static str) -> Key {
    Key::new(Table::Budget, name, kind, Default::Is(default), help)
}

/// `[policy.NAME]`; the script's own options stand beside these.
pub(super) const POLICY: &[Key] = &[
    Key::new(
        Table::Policy,
        "script",
        Kind::Script,
        Default::Words("NAME itself"),
        "The script: a built-in's name, or a path.",
    ),
    Key::new(
        Table::Policy,
        "mode",
        Kind::Choice(&[word("enforce"), word("observe")]),
        Default::Is("\"enforce\""),
        "Whether its verdicts count, or are only logged.",
    ),
    Key::new(
        Table::Policy,
        "on_error",
        Kind::Choice(&[word("defer"), word("skip"), word("reject")]),
        Default::Is("\"defer\""),
        "What an error in it becomes: 451 4.3.0, no opinion, or 550 5.3.0.",
    ),
    Key::new(
        Table::Policy,
        "required",
        Kind::Boolean,
        Default::Is("false"),
        "Whether no other policy's `accept` skips it.",
    ),
    Key::new(
        Table::Policy,
        "budget",
        Kind::Section(Table::Budget),
        Default::Words("that of `[policies]`"),
        "What a hook call may cost.",
    ),
    Key::new(
        Table::Policy,
        "allow",
        Kind::List(Item::Capability),
        Default::Words("that of `[policies]`"),
        "What it may reach, and nothing else; `[]` is nothing.",
    ),
];
