//! A map as it was read from a file: of one of five kinds, all of which are asked for the value of a key.

use std::borrow::Cow;
use std::convert::Infallible;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::str::FromStr;

use crate::lookup::error::LookupError;
use crate::lookup::map::cidr::CidrTable;
use crate::lookup::map::domain::DomainTable;
use crate::lookup::map::error::{LineError, MapError};
use crate::lookup::map::field::Field;
use crate::lookup::map::hash::HashTable;
use crate::lookup::map::mmdb::MmdbTable;
use crate::lookup::map::pattern::PatternTable;
use crate::names::network::parse_address;

/// How the keys of a file are compared.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Kind {
    /// Exactly, but for the case.
    #[default]
    Hash,
    /// An address against networks.
    Cidr,
    /// A domain against domains and suffixes.
    Domain,
    /// Any text against patterns.
    Regex,
    /// An address, in a MaxMind DB.
    Mmdb,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 5] = [Self::Hash, Self::Cidr, Self::Domain, Self::Regex, Self::Mmdb];

    /// Its name in the configuration and for scripts.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hash => "hash",
            Self::Cidr => "cidr",
            Self::Domain => "domain",
            Self::Regex => "regex",
            Self::Mmdb => "mmdb",
        }
    }
}

/// A word that is no kind.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("no kind of map")]
pub struct UnknownKind;

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(word: &str) -> Result<Self, UnknownKind> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word).ok_or(UnknownKind)
    }
}

/// The keys and values of a file.
#[derive(Clone, Debug)]
pub enum Table {
    /// Exact keys.
    Hash(HashTable),
    /// Networks.
    Cidr(Box<CidrTable>),
    /// Domains.
    Domain(DomainTable),
    /// Patterns.
    Regex(PatternTable),
    /// A MaxMind DB.
    Mmdb(MmdbTable),
}

impl Table {
    /// The table of the kind `kind` in `text`; `name` is its name in the log.
    ///
    /// *Errors*: the first line that is no entry of such a table.
    pub fn parse(kind: Kind, name: &str, text: &str) -> Result<Self, LineError> {
        Ok(match kind {
            Kind::Hash => Self::Hash(HashTable::parse(name, text)?),
            Kind::Cidr => Self::Cidr(Box::new(CidrTable::parse(text)?)),
            Kind::Domain => Self::Domain(DomainTable::parse(name, text)?),
            Kind::Regex => Self::Regex(PatternTable::parse(text)?),
            Kind::Mmdb => return Err(LineError::new(1, "a MaxMind DB is no text")),
        })
    }

    /// The table in the file at `path`; of a MaxMind DB, with `field` of its records. Blocks: for start, reload and
    /// checks, not for a session.
    ///
    /// *Errors*: it can't be read, has more than 64 MiB, isn't UTF-8, or has a line that is no entry; or those of
    /// [`MmdbTable::read`].
    pub fn read(kind: Kind, path: &Path, field: Option<&Field>) -> Result<Self, MapError> {
        if kind == Kind::Mmdb {
            return MmdbTable::read(path, field).map(Self::Mmdb);
        }
        let mut octets = Vec::new();
        let read = File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut octets));
        read.map_err(|error| MapError::whole(path, format!("can't be read: {error}")))?;
        if u64::try_from(octets.len()).is_ok_and(|length| length > LARGEST) {
            return Err(MapError::whole(path, "is larger than 64 MiB"));
        }
        let text = String::from_utf8(octets).map_err(|error| {
            let before = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
            let line = before.iter().filter(|octet| **octet == b'\n').count() + 1;
            MapError::in_file(path, LineError::new(line, "it holds octets that are no UTF-8 text"))
        })?;
        let name = path.display().to_string();
        Self::parse(kind, &name, &text).map_err(|wrong| MapError::in_file(path, wrong))
    }

    /// The value of `key`.
    ///
    /// *Errors*: `Absent`; `Invalid` for what is no address, of a map of networks; `TooLarge` past 4096 octets, and those
    /// of [`PatternTable::get`] and [`MmdbTable::get`].
    pub fn get(&self, key: &str) -> Answer<'_> {
        match self.get_for(key, |_| Ok::<(), Infallible>(())) {
            Ok(answer) => answer,
        }
    }

    /// The same; `spend` is told what the searches of a table of patterns cost, each before it begins, in steps
    /// of 5 ns.
    ///
    /// *Errors*: that of `spend`.
    pub fn get_for<E>(&self, key: &str, spend: impl FnMut(usize) -> Result<(), E>) -> Result<Answer<'_>, E> {
        if key.len() > LONGEST_KEY {
            return Ok(Err(LookupError::TooLarge));
        }
        let address = || parse_address(key).ok_or(LookupError::Invalid);
        let found = match self {
            Self::Hash(table) => Ok(table.get(key).map(Cow::Borrowed)),
            Self::Cidr(table) => address().map(|address| table.get(address).map(Cow::Borrowed)),
            Self::Domain(table) => Ok(table.get(key).map(Cow::Borrowed)),
            Self::Regex(table) => table.get(key, spend)?.map(|value| value.map(Cow::Owned)),
            Self::Mmdb(table) => {
                address().and_then(|address| table.get(address)).map(|value| Some(Cow::Owned(value)))
            }
        };
        Ok(found.and_then(|value| value.ok_or(LookupError::Absent)))
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Hash(table) => table.len(),
            Self::Cidr(table) => table.len(),
            Self::Domain(table) => table.len(),
            Self::Regex(table) => table.len(),
            Self::Mmdb(table) => table.len(),
        }
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The value of a key, or why there is none.
type Answer<'a> = Result<Cow<'a, str>, LookupError>;

/// Octets of a file.
const LARGEST: u64 = 64 << 20;

/// Octets of a key: what the proxy has to look up is shorter, and all patterns look at all of it.
const LONGEST_KEY: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_answers_in_its_way() {
        for (kind, text, key, want) in [
            (Kind::Hash, "ann@a.example OK", "ann@A.example", Ok("OK")),
            (Kind::Hash, "ann@a.example OK", "a.example", Err(LookupError::Absent)),
            (Kind::Cidr, "192.0.2.0/24 ours", "192.0.2.9", Ok("ours")),
            (Kind::Cidr, "192.0.2.0/24 ours", "203.0.113.9", Err(LookupError::Absent)),
            (Kind::Cidr, "192.0.2.0/24 ours", "mail.example", Err(LookupError::Invalid)), // not known, and no "no"
            (Kind::Domain, ".a.example x", "b.a.example", Ok("x")),
            (Kind::Regex, "/^(.)/ $1", "abc", Ok("a")),
        ] {
            let table = Table::parse(kind, "test", text).expect(text);
            assert_eq!(table.get(key).as_deref(), want.as_ref().map(|v| *v), "{text}: {key}");
            assert_eq!(table.get(&"x".repeat(LONGEST_KEY + 1)), Err(LookupError::TooLarge));
            assert_eq!(kind.as_str().parse(), Ok(kind));
            assert_eq!((table.len(), table.is_empty()), (1, false));
        }
        assert_eq!("btree".parse::<Kind>(), Err(UnknownKind));
    }

    #[test]
    fn mistakes_are_told_with_file_and_line() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("map");
        let told = |octets: &[u8]| {
            std::fs::write(&path, octets).expect("file");
            Table::read(Kind::Hash, &path, None).expect_err("a mistake").to_string()
        };
        assert_eq!(told(b"a b\nc\n"), format!("{}:2: 'c' has no value; a line is KEY VALUE", path.display()));
        assert_eq!(
            told(b"a b\nc \xff\n"),
            format!("{}:2: it holds octets that are no UTF-8 text", path.display())
        );
        let gone = folder.path().join("gone");
        let error = Table::read(Kind::Hash, &gone, None).expect_err("no file").to_string();
        assert!(error.starts_with(&format!("{}: can't be read: ", gone.display())), "{error}");
        let file = File::create(&path).expect("file");
        file.set_len(LARGEST + 1).expect("a sparse file");
        let error = Table::read(Kind::Hash, &path, None).expect_err("too large").to_string();
        assert!(error.ends_with("is larger than 64 MiB"), "{error}");
    }
}
