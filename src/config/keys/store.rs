//! The keys of `[store]`.

use crate::config::keys::key::{Default, Key, Kind};
use crate::config::keys::table::Table;

/// `[store]`.
pub(super) const STORE: &[Key] = &[
    Key::new(
        Table::Store,
        "backend",
        Kind::StorePlace,
        Default::Is("\"memory\""),
        "Where entries are kept; what is in memory is gone with a restart.",
    ),
    Key::new(
        Table::Store,
        "prefix",
        Kind::Text,
        Default::Words("nothing"),
        "What is put before every key: with another one, other entries are seen.",
    ),
    Key::new(
        Table::Store,
        "timeout",
        Kind::Duration { none: false },
        Default::Is("\"1s\""),
        "How long one call may take; past it the answer is \"timeout\".",
    )
    .unit("seconds"),
];
