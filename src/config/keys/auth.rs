//! The keys of `[auth]`: who checks logins, and how; and of the tables in it.

use crate::config::keys::directory;
use crate::config::keys::key::{Default, Item, Key, Kind};
use crate::config::keys::table::Table;

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
        Default::Words("all but CRAM-MD5 and EXTERNAL, and but OAUTHBEARER and XOAUTH2 where a web server is asked"),
        "What may be offered, of that which `verify` can check; SCRAM-SHA-256-PLUS under TLS 1.2 as well, if it is named here.",
    )
    .rfc("RFC 4422"),
    Key::new(
        Table::Auth,
        "max_failures",
        Kind::Count { from: 1, to: 64, none: false },
        Default::Is("5"),
        "Failed logins, of a session or within ten minutes of its network or user: the one that makes as many, and each after it, is 421 4.7.0.",
    )
    .rfc("RFC 4954 §9"),
    Key::new(
        Table::Auth,
        "failure_delay",
        Kind::Duration { none: false },
        Default::Is("\"2s\""),
        "How long after the client's last answer a failed login is answered.",
    )
    .unit("seconds"),
    Key::new(
        Table::Auth,
        "ldap",
        Kind::Section(Table::Ldap),
        Default::Words("none"),
        "How a directory is asked; needed where `verify` is one.",
    ),
    Key::new(
        Table::Auth,
        "http",
        Kind::Section(Table::Http),
        Default::Words("none"),
        "How a web server is asked, where `verify` is one.",
    ),
];

/// `[auth.ldap]`.
pub(super) const LDAP: &[Key] = &[
    ldap(
        "bind_dn",
        Kind::UserDn,
        Default::Words("none: users are searched"),
        "The DN that a user has, where it follows from the name: it is bound as, with the user's password.",
    )
    .rfc("RFC 4514"),
    ldap(
        "base",
        Kind::Dn { or_name: false },
        Default::Words("none: `bind_dn` says where users are"),
        "The DN below which users are searched.",
    ),
    ldap(
        "filter",
        Kind::Filter,
        Default::Words("none; needed with `base`"),
        "Which entry below `base` is the user's; two that fit are a mistake, and nobody logs in.",
    )
    .rfc("RFC 4515"),
    directory::scope(Table::Ldap),
    directory::search_dn(Table::Ldap, "As whom users are searched."),
    directory::search_password_file(Table::Ldap),
    ldap(
        "user_attribute",
        Kind::Attribute,
        Default::Words("none: what was typed"),
        "The attribute of the user's entry that says who it is for policies, `sender_login`, the backend and the log.",
    ),
    directory::ca(Table::Ldap),
    directory::starttls(
        Table::Ldap,
        "Whether TLS begins after STARTTLS. The certificate must be for the host in `verify`.",
    ),
    ldap(
        "without_tls",
        Kind::Boolean,
        Default::Is("false"),
        "Whether passwords may go to another machine in clear text.",
    ),
    ldap(
        "timeout",
        Kind::Duration { none: false },
        Default::Is("\"5s\""),
        "How long a login may take, at most 25 s; after it 454.",
    )
    .unit("seconds"),
    ldap(
        "connections",
        Kind::Count { from: 1, to: 1000, none: false },
        Default::Is("10"),
        "Connections to the directory, and so logins, at once; the others wait for as long as `timeout`.",
    ),
];

const fn ldap(name: &'static str, kind: Kind, default: Default, help: &'static str) -> Key {
    Key::new(Table::Ldap, name, kind, default, help)
}

/// `[auth.http]`.
pub(super) const HTTP: &[Key] = &[
    http(
        "token_file",
        Kind::Path,
        Default::Words("none"),
        "A file whose first line is a token that the web server is shown: `Authorization: Bearer …`.",
    )
    .rfc("RFC 6750"),
    http(
        "ca",
        Kind::Path,
        Default::Words("the system's own"),
        "The authorities that vouch for the web server, in PEM.",
    ),
    http(
        "without_tls",
        Kind::Boolean,
        Default::Is("false"),
        "Whether passwords may go to another machine in clear text, by `http://`.",
    ),
    http(
        "timeout",
        Kind::Duration { none: false },
        Default::Is("\"5s\""),
        "How long the web server may take, at most 25 s; after it 454.",
    )
    .unit("seconds"),
];

const fn http(name: &'static str, kind: Kind, default: Default, help: &'static str) -> Key {
    Key::new(Table::Http, name, kind, default, help)
}
