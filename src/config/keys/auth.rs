//! The keys of `[auth]`: who checks logins, and how.

use crate::config::keys::key::{Default, Item, Key, Kind, Table};

/// `[auth]`.
pub(super) const AUTH: &[Key] = &[
    Key::new(
        Table::Auth,
        "verify",
        Kind::Verifier,
        Default::Words("nobody: nobody logs in"),
        "Who checks logins; needed where a listener's `auth` is not \"off\".",
    ),
    Key::new(
        Table::Auth,
        "mechanisms",
        Kind::List(Item::Mechanism),
        Default::Words("all but CRAM-MD5 and EXTERNAL"),
        "What may be offered, of that which `verify` can check; SCRAM-SHA-256-PLUS under TLS 1.2 as well, if it is named here.",
    )
    .rfc("RFC 4422"),
    Key::new(
        Table::Auth,
        "max_failures",
        Kind::Count { from: 1, to: 64, none: false },
        Default::Is("5"),
        "Failed logins, of a session or within ten minutes of its network or user, at which one more is 421 4.7.0.",
    )
    .rfc("RFC 4954 §9"),
    Key::new(
        Table::Auth,
        "failure_delay",
        Kind::Duration { none: false },
        Default::Is("\"2s\""),
        "How long the answer to a failed login is held back.",
    )
    .unit("seconds"),
];
