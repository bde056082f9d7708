//! The keys of `[tls]` and of `[[tls.host]]`.

use crate::config::keys::key::{Default, Item, Key, Kind, word};
use crate::config::keys::table::Table;

/// `[tls]`.
pub(super) const TLS: &[Key] = &[
    Key::new(
        Table::Tls,
        "certificate",
        Kind::Path,
        Default::Words("none: no TLS in front"),
        "Our certificate with those of the authorities between it and the root (PEM).",
    )
    .rfc("RFC 3207, RFC 8314"),
    Key::new(
        Table::Tls,
        "key",
        Kind::Path,
        Default::Words("`certificate`, if both are in it"),
        "Its key (PEM).",
    ),
    Key::new(
        Table::Tls,
        "host",
        Kind::Sections(Table::TlsHost),
        Default::Words("none"),
        "Certificates for clients that ask for certain names.",
    )
    .rfc("RFC 6066 §3"),
    Key::new(
        Table::Tls,
        "client_ca",
        Kind::Path,
        Default::Words("none"),
        "The authorities that stand for clients' certificates (PEM).",
    ),
    Key::new(
        Table::Tls,
        "min_version",
        Kind::Choice(&[word("1.2"), word("1.3")]),
        Default::Is("\"1.2\""),
        "The oldest version of TLS that is spoken.",
    )
    .rfc("RFC 8996"),
    Key::new(
        Table::TlsHost,
        "name",
        Kind::List(Item::ServerName),
        Default::Words("those in the certificate"),
        "The names that it is for.",
    ),
    Key::new(Table::TlsHost, "certificate", Kind::Path, Default::Needed, "As in `[tls]`."),
    Key::new(
        Table::TlsHost,
        "key",
        Kind::Path,
        Default::Words("`certificate`, if both are in it"),
        "As in `[tls]`.",
    ),
];
