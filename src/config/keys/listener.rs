//! The keys of `[[listener]]`, and of `[relay]` and `[limits]`, which a listener may override.

use crate::config::keys::key::{Default, Item, Key, Kind, later_word, word};
use crate::config::keys::table::Table;

/// `[[listener]]`.
pub(super) const LISTENER: &[Key] = &[
    key("name", Kind::Name, Default::Words("its first port"), "Its name in logs and for scripts."),
    key("bind", Kind::List(Item::Socket), Default::Needed, "Where it listens."),
    key("protocol", PROTOCOLS, Default::Is("\"smtp\""), "What is spoken on it."),
    key(
        "backend",
        Kind::Name,
        Default::Words("the only one"),
        "The name of its backend; needed where there are several.",
    ),
    key(
        "policies",
        Kind::List(Item::PolicyUse),
        Default::Words("none"),
        "Its policies, in the order in which they are asked.",
    ),
    key("relay", Kind::Section(Table::Relay), Default::Words("`[relay]`"), "Laid over `[relay]`."),
    key("limits", Kind::Section(Table::Limits), Default::Words("`[limits]`"), "Laid over `[limits]`."),
    key(
        "banner",
        Kind::Line,
        Default::Words("HOSTNAME ESMTP"),
        "The text after \"220 \"; it should begin with our name.",
    )
    .rfc("RFC 5321 §4.2"),
    key(
        "greet_delay",
        Kind::Duration { none: true },
        Default::Is("\"none\""),
        "How long the banner is held back, to see who talks too early.",
    )
    .unit("seconds"),
    key(
        "early_talk",
        COUNT_OR_REFUSE,
        Default::Is("\"count\""),
        "What happens when the client talks before the banner.",
    )
    .rfc("RFC 5321 §4.3.1"),
    key(
        "bad_pipelining",
        COUNT_OR_REFUSE,
        Default::Is("\"count\""),
        "What happens when the client pipelines where it may not.",
    )
    .rfc("RFC 2920 §3.1"),
    key(
        "strict",
        Kind::Boolean,
        Default::Is("false"),
        "Whether blanks after \"FROM:\" and paths without brackets are refused.",
    )
    .rfc("RFC 5321 §4.1.2"),
    key(
        "bare_newline",
        Kind::Choice(&[word("reject"), word("normalize")]),
        Default::Is("\"reject\""),
        "What becomes of a CR or LF that stands alone in content.",
    )
    .rfc("RFC 5321 §2.3.8"),
    key(
        "received",
        Kind::Choice(&[word("full"), word("hide-client"), word("none")]),
        Default::Is("\"full\""),
        "What our Received field tells.",
    )
    .rfc("RFC 5321 §4.4"),
    key(
        "vrfy",
        Kind::Choice(&[word("neutral"), word("refuse"), later_word("backend")]),
        Default::Is("\"neutral\""),
        "How VRFY is answered: 252 2.0.0, or 502 5.5.1.",
    )
    .rfc("RFC 5321 §3.5.3"),
    key(
        "auth",
        Kind::Choice(&[word("off"), word("optional"), word("required")]),
        Default::Words("off; required with `protocol = \"submission\"`"),
        "Whether clients may, or must, log in; `[auth]` says how. Where they must, MAIL is 530 5.7.0 before.",
    )
    .rfc("RFC 4954"),
    key("logins", Kind::Section(Table::Auth), Default::Words("`[auth]`"), "Laid over `[auth]`."),
    key(
        "auth_without_tls",
        Kind::Boolean,
        Default::Is("false"),
        "Whether logins are possible where passwords can be read on the way.",
    )
    .rfc("RFC 4954 §9"),
    key(
        "client_name",
        Kind::Boolean,
        Default::Is("true"),
        "Whether the name that the client's address points to, and that points back, is looked up.",
    ),
    key(
        "reply_id",
        Kind::Boolean,
        Default::Is("true"),
        "Whether the text of our refusals ends in the session's id.",
    ),
    key(
        "tls",
        Kind::Choice(&[word("none"), word("starttls"), word("starttls-required"), word("implicit")]),
        Default::Words("starttls if `[tls]` has a certificate, else none; starttls-required with `protocol = \"submission\"`"),
        "When TLS is spoken: never, after STARTTLS, after STARTTLS and not without, from the first octet (port 465).",
    )
    .rfc("RFC 3207, RFC 8314"),
    key(
        "client_certificate",
        Kind::Choice(&[word("off"), word("request"), word("require"), word("verify")]),
        Default::Is("\"off\""),
        "Whether clients are asked for a certificate, must show any, or one that `tls.client_ca` stands for.",
    ),
    key(
        "proxy_protocol",
        Kind::Choice(&[word("off"), word("optional"), word("required")]),
        Default::Is("\"off\""),
        "Whether connections from `proxy_protocol_networks` begin with the header by which a balancer tells whose they are (PROXY protocol, versions 1 and 2).",
    ),
    key(
        "proxy_protocol_networks",
        Kind::List(Item::Network),
        Default::Words("none"),
        "The balancers. They never count as clients that may relay.",
    ),
    key(
        "xclient_networks",
        Kind::List(Item::Network),
        Default::Words("none"),
        "Who may tell by XCLIENT which client it carries. They never count as clients that may relay.",
    ),
    key(
        "xforward_networks",
        Kind::List(Item::Network),
        Default::Words("none"),
        "Who may tell by XFORWARD whose message it carries, for the log and the backend. They never count as clients that may relay.",
    ),
    key(
        "xclient_login",
        Kind::Boolean,
        Default::Is("false"),
        "Whether `xclient_networks` may also tell who has logged in there.",
    ),
    key(
        "sender_login",
        Kind::Name,
        Default::Words("none: any login may send as anybody"),
        "The map that says which logins may use an address, at MAIL and in the From field: an address, or @ and a domain, and the logins.",
    )
    .rfc("RFC 6409 §6.1"),
    key(
        "sender_mismatch",
        Kind::Choice(&[word("reject"), word("fix")]),
        Default::Is("\"reject\""),
        "What becomes of an address that is not the login's: 553 5.7.1, or the login's own address stands in its place.",
    )
    .rfc("RFC 6409 §8.1"),
    key(
        "add_missing",
        Kind::Boolean,
        Default::Is("false"),
        "Whether the fields Date and Message-ID are added where they are missing.",
    )
    .rfc("RFC 6409 §8.2, §8.3"),
    Key::later(Table::Listener, "etrn"),
];

const fn key(name: &'static str, kind: Kind, default: Default, help: &'static str) -> Key {
    Key::new(Table::Listener, name, kind, default, help)
}

const PROTOCOLS: Kind = Kind::Choice(&[word("smtp"), word("submission"), later_word("lmtp")]);
const COUNT_OR_REFUSE: Kind = Kind::Choice(&[word("count"), word("refuse")]);

/// `[relay]`.
pub(super) const RELAY: &[Key] = &[
    Key::new(
        Table::Relay,
        "domains",
        Kind::Domains,
        Default::Needed,
        "The domains that mail is received for; \"backend\" leaves it to a backend that sees the real client.",
    ),
    Key::new(
        Table::Relay,
        "networks",
        Kind::List(Item::Network),
        Default::Words("none"),
        "Clients that may relay to any domain.",
    ),
    Key::new(
        Table::Relay,
        "always",
        Kind::List(Item::LocalPart),
        Default::Is("[\"postmaster\", \"abuse\"]"),
        "Recipients, at our domains, to whom held refusals are not said.",
    )
    .rfc("RFC 5321 §4.5.1"),
    Key::new(
        Table::Relay,
        "authenticated",
        Kind::Boolean,
        Default::Words("false; true with `protocol = \"submission\"`"),
        "Whether clients that have logged in may relay.",
    ),
    Key::new(
        Table::Relay,
        "certificates",
        Kind::List(Item::Fingerprint),
        Default::Words("none"),
        "Clients with these certificates, or with these keys, may relay; `client_certificate` has to ask for them.",
    ),
];

/// `[limits]`.
pub(super) const LIMITS: &[Key] = &[
    limit("message_size", Kind::Size { from: 65_536 }, "\"50 MB\"", "Content of one message.")
        .unit("octets")
        .rfc("RFC 1870"),
    limit("header_size", Kind::Size { from: 1024 }, "\"256 KiB\"", "The header section of one message.")
        .unit("octets"),
    limit(
        "recipients",
        Kind::Count { from: 100, to: 100_000, none: false },
        "1000",
        "Recipients of one transaction; past it 452 4.5.3.",
    )
    .rfc("RFC 5321 §4.5.3.1.8"),
    limit("messages", COUNT_OR_NONE, "\"none\"", "Transactions of one session; past it 421 4.7.0.")
        .rfc("RFC 9422"),
    limit("errors", COUNT_OR_NONE, "20", "Bad commands of one session; at that many 421 4.7.0."),
    limit(
        "junk_commands",
        COUNT_OR_NONE,
        "100",
        "EHLO, RSET, NOOP, VRFY, HELP, and MAIL and DATA in vain, since the last message that was taken; past it 421 4.7.0.",
    )
    .rfc("RFC 5321 §7.8"),
    limit(
        "rejected_recipients",
        COUNT_OR_NONE,
        "50",
        "Refused recipients of one session; at that many 421 4.7.0.",
    ),
    limit(
        "connections",
        Kind::Count { from: 1, to: 1_000_000, none: false },
        "10000",
        "Sessions at once; past it 421 4.3.2.",
    ),
    limit(
        "connections_per_client",
        COUNT_OR_NONE,
        "100",
        "Sessions at once from one client network, a /32 or a /64.",
    ),
    limit(
        "connection_rate",
        COUNT_OR_NONE,
        "60",
        "Connections within a minute from one client network, a /32 or a /64.",
    )
    .unit("a minute"),
    limit(
        "command_timeout",
        Kind::Duration { none: false },
        "\"5m\"",
        "How long the client may take for its next command; 30 s when many are connected.",
    )
    .unit("seconds")
    .rfc("RFC 5321 §4.5.3.2.7"),
    limit("session_timeout", Kind::Duration { none: true }, "\"1h\"", "How long a session may last in all.")
        .unit("seconds"),
    limit("max_line", LINE, "\"none\"", "One line of content; past it 550 5.6.0.")
        .unit("octets")
        .rfc("RFC 5321 §4.5.3.1.6"),
    limit(
        "max_hops",
        Kind::Count { from: 1, to: 1000, none: false },
        "100",
        "Received fields in a message; past it 554 5.4.6.",
    )
    .rfc("RFC 5321 §6.3"),
];

const fn limit(name: &'static str, kind: Kind, default: &'static str, help: &'static str) -> Key {
    Key::new(Table::Limits, name, kind, Default::Is(default), help)
}

const COUNT_OR_NONE: Kind = Kind::Count { from: 1, to: u64::MAX, none: true };
const LINE: Kind = Kind::Count { from: 998, to: u64::MAX, none: true };
