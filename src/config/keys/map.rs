//! The keys of `[map.NAME]`.

use crate::config::keys::key::{Default, Key, Kind, Table, later_word, word};

/// `[map.NAME]`.
pub(super) const MAP: &[Key] = &[
    Key::new(
        Table::Map,
        "source",
        Kind::MapSource,
        Default::Needed,
        "Where it is: `file:` and a path, in the form of Postfix's maps. Read at start and on reload.",
    ),
    Key::new(
        Table::Map,
        "kind",
        Kind::Choice(&[word("hash"), word("cidr"), word("domain"), word("regex"), later_word("mmdb")]),
        Default::Is("\"hash\""),
        "How keys are compared: exactly but for their case; an address with networks, the first line that holds it; \
         a domain with domains and suffixes, the longest; any text with patterns, the first that fits.",
    ),
    Key::later(Table::Map, "ttl"),
    Key::later(Table::Map, "negative_ttl"),
    Key::later(Table::Map, "stale"),
];
