//! What there is to know of a key.

use crate::config::keys::table::Table;

/// One key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// The table that it stands in.
    pub table: Table,
    /// Its name.
    pub name: &'static str,
    /// What values it takes.
    pub kind: Kind,
    /// What holds where it is absent.
    pub default: Default,
    /// The unit of a plain number; empty if there is none.
    pub unit: &'static str,
    /// The RFC that speaks of it; empty if there is none.
    pub rfc: &'static str,
    /// What it is for, in one sentence.
    pub help: &'static str,
    /// Whether it is described only to be refused: "not in this version".
    pub later: bool,
}

impl Key {
    /// A key of this version.
    pub(super) const fn new(
        table: Table,
        name: &'static str,
        kind: Kind,
        default: Default,
        help: &'static str,
    ) -> Self {
        Self { table, name, kind, default, unit: "", rfc: "", help, later: false }
    }

    /// A key of a later version.
    pub(super) const fn later(table: Table, name: &'static str) -> Self {
        Self { later: true, ..Self::new(table, name, Kind::Text, Default::Words(""), "") }
    }

    /// The same, with its unit.
    pub(super) const fn unit(self, unit: &'static str) -> Self {
        Self { unit, ..self }
    }

    /// The same, with its RFC.
    pub(super) const fn rfc(self, rfc: &'static str) -> Self {
        Self { rfc, ..self }
    }
}

/// What holds where a key is absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Default {
    /// This value, as it would be written; a test holds it to the structs' own defaults.
    Is(&'static str),
    /// What these words say.
    Words(&'static str),
    /// Nothing: it is needed.
    Needed,
}

/// What values a key takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Any text without controls, at most 255 octets.
    Text,
    /// Printable ASCII, at most 400 octets, that may be said to a client.
    Line,
    /// A name for logs and scripts.
    Name,
    /// A host's full name.
    Host,
    /// true or false.
    Boolean,
    /// A whole number.
    Count {
        /// The least.
        from: u64,
        /// The most.
        to: u64,
        /// Whether `"none"` is possible.
        none: bool,
    },
    /// A size in octets, of at least `from`.
    Size {
        /// The least.
        from: u64,
    },
    /// A duration.
    Duration {
        /// Whether `"none"` is possible.
        none: bool,
    },
    /// One of some words.
    Choice(&'static [Word]),
    /// A path.
    Path,
    /// A DN with places for the user's name.
    UserDn,
    /// A DN.
    Dn {
        /// Whether a name as Active Directory takes it in a bind will do.
        or_name: bool,
    },
    /// A search filter with places for the user's name.
    Filter,
    /// A search filter with places for the key of a map.
    KeySearch,
    /// The name of an attribute.
    Attribute,
    /// A script: a name or a path.
    Script,
    /// Where a map is.
    MapSource,
    /// A field of a database's records.
    Field,
    /// Where a store keeps its entries.
    StorePlace,
    /// Who checks logins.
    Verifier,
    /// An IP address with a port, or `"off"`.
    SocketOrOff,
    /// A list of things; one may stand alone.
    List(Item),
    /// `"backend"`, or a list of domains.
    Domains,
    /// A table.
    Section(Table),
    /// Tables without a name.
    Sections(Table),
    /// Tables with a name.
    Named(Table),
}

/// One thing in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    /// A folder.
    Path,
    /// Files, with `*` and `?`.
    Glob,
    /// An IP address with a port.
    Socket,
    /// An IP address, perhaps with a port.
    NameServer,
    /// A backend's address.
    Address,
    /// A network, or `file:NAME`.
    Network,
    /// A domain, or `file:NAME`.
    Domain,
    /// The part of an address before the @.
    LocalPart,
    /// A policy's name, or a table with it.
    PolicyUse,
    /// What a policy may reach.
    Capability,
    /// A host's name, or `*.` and one.
    ServerName,
    /// A SHA-256 digest in hex.
    Fingerprint,
    /// A SASL mechanism.
    Mechanism,
}

/// One of the words that a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    /// As it is written.
    pub text: &'static str,
    /// Whether it is described only to be refused: "not in this version".
    pub later: bool,
}

/// A word of this version.
pub(super) const fn word(text: &'static str) -> Word {
    Word { text, later: false }
}

/// A word of a later version.
pub(super) const fn later_word(text: &'static str) -> Word {
    Word { text, later: true }
}

impl Kind {
    /// What values are possible, in words.
    pub fn possible(&self) -> String {
        let or_none = |text: String, none: bool| if none { format!("{text}, or \"none\"") } else { text };
        match self {
            Self::Text => "text".into(),
            Self::Line => "printable ASCII text of at most 400 octets".into(),
            Self::Name => "1 to 64 letters, digits, `-`, `_` and `.`".into(),
            Self::Host => "a full host name, as \"mx.example.org\"".into(),
            Self::Boolean => "true or false".into(),
            Self::Count { from, to: u64::MAX, none } => {
                or_none(format!("a whole number from {from} on"), *none)
            }
            Self::Count { from, to, none } => or_none(format!("a whole number from {from} to {to}"), *none),
            Self::Size { from: 1 } => "a size, as \"25 MB\" (10^6 octets) or \"25 MiB\" (2^20)".into(),
            Self::Size { from } => format!("a size of at least {from} octets, as \"25 MB\" or \"25 MiB\""),
            Self::Duration { none } => {
                or_none("a duration, as \"5m\", \"1h30m\" or a number of seconds".into(), *none)
            }
            Self::Choice(words) => one_of(words.iter().filter(|word| !word.later).map(|word| word.text)),
            Self::Path => "a path".into(),
            Self::UserDn => "a DN with `{user}` in it, or its parts `{local}` and `{domain}`".into(),
            Self::Dn { or_name: false } => "a DN, as \"dc=example,dc=org\"".into(),
            Self::Dn { or_name: true } => "a DN, as \"cn=gatepost,dc=example,dc=org\"".into(),
            Self::Filter => {
                "an LDAP filter with `{user}` in it, or its parts `{local}` and `{domain}`".into()
            }
            Self::KeySearch => {
                "an LDAP filter with `{key}` in it, or its parts `{local}` and `{domain}`".into()
            }
            Self::Attribute => "the name of an attribute, as \"mail\"".into(),
            Self::Script => "the name of a built-in policy, or a path that ends in .lua".into(),
            Self::MapSource => MAPS.into(),
            Self::Field => "a field, as \"country.iso_code\" or \"subdivisions.0.iso_code\"".into(),
            Self::Verifier => VERIFIERS.into(),
            Self::StorePlace => "\"memory\", or \"file:PATH\"".into(),
            Self::SocketOrOff => "an IP address and a port, as \"127.0.0.1:9090\", or \"off\"".into(),
            Self::List(item) => format!("a list of {}", item.possible()),
            Self::Domains => format!("a list of {}; or \"backend\" alone", Item::Domain.possible()),
            Self::Section(_) => "a table".into(),
            Self::Sections(table) => format!("tables, each under its own {}", table.head()),
            Self::Named(table) => format!("tables with a name, as {}", table.head()),
        }
    }
}

impl Item {
    /// What an item may be, in words, in the plural.
    pub fn possible(self) -> &'static str {
        match self {
            Self::Path => "paths",
            Self::Glob => "paths, in which * and ? stand for what is there",
            Self::Socket => "IP addresses with a port, as \"0.0.0.0:25\" or \"[::]:25\"",
            Self::NameServer => "IP addresses, perhaps with a port, as \"127.0.0.1\" or \"[::1]:53\"",
            Self::Address => "addresses, each \"HOST:PORT\", \"unix:PATH\" or \"maildir:PATH\"",
            Self::Network => "IP networks, as \"192.0.2.0/24\" or \"2001:db8::1\", or \"file:NAME\"",
            Self::Domain => {
                "domains, \"example.org\" for itself and \".example.org\" for those below it, or \"file:NAME\""
            }
            Self::LocalPart => "local parts, as \"postmaster\"",
            Self::Fingerprint => {
                "SHA-256 digests, each 64 hexadecimal digits, with or without colons, or \"file:NAME\""
            }
            Self::ServerName => "host names, as \"mx.example.org\" or \"*.example.org\"",
            Self::Capability => {
                "capabilities: \"dns\", \"http\", \"http:URL\", \"map\", \"map:NAME\", \"map.file\", \"store\", \"store:PREFIX\", \"store.shared\", \"store.shared:PREFIX\", \"ratelimit\", \"ratelimit:NAME\""
            }
            Self::Mechanism => {
                "SASL mechanisms: \"SCRAM-SHA-256-PLUS\", \"SCRAM-SHA-256\", \"PLAIN\", \"LOGIN\", \"OAUTHBEARER\", \"XOAUTH2\", \"EXTERNAL\", \"CRAM-MD5\""
            }
            Self::PolicyUse => "names of policies, each \"NAME\" or { name = \"NAME\", mode = \"observe\" }",
        }
    }
}

/// Who may check logins.
const VERIFIERS: &str = "\"backend\", \"dovecot:SOCKET\", \"file:PATH\", \"http://URL\", \"https://URL\", \"ldap://HOST\", \"ldaps://HOST\", \"ldapi:SOCKET\" or \"policy:NAME\"";

/// Where a map may be.
const MAPS: &str = "\"file:PATH\", \"mmdb:PATH\", a URL with http or https, \"ldap://HOST\", \"ldaps://HOST\", \"ldapi:SOCKET\", \"socketmap:inet:HOST:PORT:NAME\" or \"socketmap:unix:PATH:NAME\"";

/// `"a", "b" or "c"`.
fn one_of<'w>(words: impl Iterator<Item = &'w str>) -> String {
    let words: Vec<String> = words.map(|word| format!("\"{word}\"")).collect();
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => words.concat(),
    }
}
