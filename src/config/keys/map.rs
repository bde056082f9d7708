//! The keys of `[map.NAME]`.

use crate::config::keys::directory;
use crate::config::keys::key::{Default, Key, Kind, word};
use crate::config::keys::table::Table;

/// `[map.NAME]`.
pub(super) const MAP: &[Key] = &[
    Key::new(
        Table::Map,
        "source",
        Kind::MapSource,
        Default::Needed,
        "Where it is: `file:` and a path, in the form of Postfix's maps, read at start and on reload; `mmdb:` and that of a MaxMind DB; a URL, asked for \
         each key, which stands for `{key}` in it, else in a parameter `key` at its end; a directory; or a server of \
         socketmaps, as Postfix names them.",
    ),
    Key::new(
        Table::Map,
        "kind",
        Kind::Choice(&[word("hash"), word("cidr"), word("domain"), word("regex"), word("mmdb")]),
        Default::Is("\"hash\""),
        "How the keys of a file are compared: exactly but for their case; an address with networks, the first line that holds it; \
         a domain with domains and suffixes, the longest; any text with patterns, the first that fits. \
         `mmdb`: it is a MaxMind DB, the same as `mmdb:` in `source`.",
    ),
    Key::new(
        Table::Map,
        "field",
        Kind::Field,
        Default::Words(
            "`country.iso_code` of databases of countries and cities, `autonomous_system_number` of those of AS numbers, else the whole record",
        ),
        "Which field of a MaxMind DB's records is the value; numbers stand for the places in a list.",
    ),
    Key::new(
        Table::Map,
        "ttl",
        Kind::Duration { none: false },
        Default::Is("\"5m\""),
        "How long a server's value is good for.",
    )
    .unit("seconds"),
    Key::new(
        Table::Map,
        "negative_ttl",
        Kind::Duration { none: false },
        Default::Is("\"1m\""),
        "The same for its word that there is none.",
    )
    .unit("seconds"),
    Key::new(
        Table::Map,
        "stale",
        Kind::Duration { none: false },
        Default::Is("\"1h\""),
        "For how much longer an answer is given while a new one is asked for, or can't be had.",
    )
    .unit("seconds"),
    Key::new(
        Table::Map,
        "timeout",
        Kind::Duration { none: false },
        Default::Is("\"5s\""),
        "How long a server may take; after it the answer is not known.",
    )
    .unit("seconds"),
    Key::new(
        Table::Map,
        "connections",
        Kind::Count { from: 1, to: 64, none: false },
        Default::Is("10"),
        "Connections to a directory or a server of socketmaps, and so questions, at once; the others wait for as long as `timeout`.",
    ),
    ldap(
        "base",
        Kind::Dn { or_name: false },
        Default::Words("none; needed with a directory"),
        "The DN below which a directory is searched.",
    ),
    ldap(
        "filter",
        Kind::KeySearch,
        Default::Words("none; needed with a directory"),
        "Which entries below `base` have the key's values.",
    )
    .rfc("RFC 4515"),
    ldap(
        "attribute",
        Kind::Attribute,
        Default::Words("none; needed with a directory"),
        "The attribute whose values are the value: several, of one entry or of several, are joined by commas.",
    ),
    directory::scope(Table::Map),
    directory::search_dn(Table::Map, "As whom a directory is searched."),
    directory::search_password_file(Table::Map),
    directory::ca(Table::Map),
    directory::starttls(
        Table::Map,
        "Whether TLS begins after STARTTLS. The certificate must be for the host in `source`.",
    ),
    ldap(
        "without_tls",
        Kind::Boolean,
        Default::Is("false"),
        "Whether the password, the keys and the values may go to another machine in clear text.",
    ),
];

const fn ldap(name: &'static str, kind: Kind, default: Default, help: &'static str) -> Key {
    Key::new(Table::Map, name, kind, default, help)
}
