//! The keys about an LDAP directory, which logins and maps have in common.

use crate::config::keys::key::{Default, Key, Kind, Word, word};
use crate::config::keys::table::Table;

const SCOPES: &[Word] = &[word("sub"), word("one")];

/// `scope`.
pub(super) const fn scope(table: Table) -> Key {
    Key::new(
        table,
        "scope",
        Kind::Choice(SCOPES),
        Default::Is("\"sub\""),
        "Whether all entries below `base` are searched, or those right below it.",
    )
}

/// `search_dn`; `help` says what is searched as whom.
pub(super) const fn search_dn(table: Table, help: &'static str) -> Key {
    let default = Default::Words("nobody: the directory lets everybody search");
    Key::new(table, "search_dn", Kind::Dn { or_name: true }, default, help)
}

/// `search_password_file`.
pub(super) const fn search_password_file(table: Table) -> Key {
    Key::new(
        table,
        "search_password_file",
        Kind::Path,
        Default::Words("none; needed with `search_dn`"),
        "A file whose first line is the password of `search_dn`.",
    )
}

/// `ca`.
pub(super) const fn ca(table: Table) -> Key {
    Key::new(
        table,
        "ca",
        Kind::Path,
        Default::Words("the system's own"),
        "The authorities that vouch for the directory, in PEM.",
    )
}

/// `starttls`; `help` says whose name the certificate must have.
pub(super) const fn starttls(table: Table, help: &'static str) -> Key {
    let default = Default::Words("true with `ldap://`, but to this machine");
    Key::new(table, "starttls", Kind::Boolean, default, help).rfc("RFC 4513 §3")
}
