//! A MaxMind DB: what is known of networks, in one binary file.
//!
//! Source: <https://maxmind.github.io/MaxMind-DB/>.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use maxminddb::{MaxMindDbError, PathElement, Reader};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::lookup::error::LookupError;
use crate::lookup::map::error::MapError;
use crate::lookup::map::field::{Field, Step};

/// A database and the field of its records that is the value. A clone is the same one.
#[derive(Clone)]
pub struct MmdbTable {
    reader: Arc<Reader<Vec<u8>>>,
    field: Field,
}

impl MmdbTable {
    /// The database in the file at `path`, all of it looked at; without a `field` what its kind is asked for. Blocks.
    ///
    /// *Errors*: it can't be read, has more than 512 MiB, or is broken anywhere.
    pub fn read(path: &Path, field: Option<&Field>) -> Result<Self, MapError> {
        let mut octets = Vec::new();
        let read = File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut octets));
        read.map_err(|error| MapError::whole(path, format!("can't be read: {error}")))?;
        if u64::try_from(octets.len()).is_ok_and(|length| length > LARGEST) {
            return Err(MapError::whole(path, "is larger than 512 MiB"));
        }
        Self::parse(octets, field)
            .map_err(|error| MapError::whole(path, format!("is no MaxMind DB, or a broken one: {error}")))
    }

    /// The database that `octets` are.
    ///
    /// *Errors*: they are none.
    fn parse(octets: Vec<u8>, field: Option<&Field>) -> Result<Self, MaxMindDbError> {
        let reader = Reader::from_source(octets)?;
        reader.verify()?;
        let field = field.cloned().unwrap_or_else(|| usual(&reader.metadata().database_type));
        Ok(Self { reader: Arc::new(reader), field })
    }

    /// The field of what is known of `address`, as text.
    ///
    /// *Errors*: `Absent`, also where the record has no such field; `Invalid` where it is a table or a list, or the way
    /// there leads through what is neither.
    pub fn get(&self, address: IpAddr) -> Result<String, LookupError> {
        let address = address.to_canonical();
        if address.is_ipv6() && self.reader.metadata().ip_version == 4 {
            return Err(LookupError::Absent);
        }
        let steps: Vec<PathElement<'_>> = self.field.steps().iter().map(element).collect();
        let found = self.reader.lookup(address).and_then(|found| found.decode_path::<Plain>(&steps));
        match found {
            Ok(Some(Plain(Some(text)))) => Ok(text),
            Ok(None) => Err(LookupError::Absent),
            Ok(Some(Plain(None))) | Err(_) => Err(LookupError::Invalid),
        }
    }

    /// How many nodes its tree has.
    pub fn len(&self) -> usize {
        usize::try_from(self.reader.metadata().node_count).unwrap_or(usize::MAX)
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Debug for MmdbTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MmdbTable").field("field", &self.field).finish_non_exhaustive()
    }
}

fn element(step: &Step) -> PathElement<'_> {
    match step {
        Step::Key(key) => PathElement::Key(key),
        Step::Index(index) => PathElement::Index(*index),
    }
}

/// What a database of this type is mostly asked for; of one that isn't known, the record as a whole.
fn usual(database: &str) -> Field {
    let holds = |words: &[&str]| words.iter().any(|word| database.contains(word));
    let field = match () {
        () if holds(&["Country", "City", "Enterprise"]) => "country.iso_code".parse(),
        () if holds(&["ASN", "ISP"]) => "autonomous_system_number".parse(),
        () => return Field::default(),
    };
    field.unwrap_or_default()
}

/// A value as text; nothing for a table or a list.
struct Plain(Option<String>);

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AsText).map(Plain)
    }
}

struct AsText;

macro_rules! as_text {
    ($($visit:ident: $kind:ty),*) => {
        $(fn $visit<E>(self, value: $kind) -> Result<Option<String>, E> {
            Ok(Some(value.to_string()))
        })*
    };
}

impl<'de> Visitor<'de> for AsText {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    as_text! {
        visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_u128: u128, visit_f32: f32, visit_f64: f64, visit_str: &str
    }

    fn visit_bytes<E>(self, octets: &[u8]) -> Result<Option<String>, E> {
        Ok(Some(octets.iter().map(|octet| format!("{octet:02x}")).collect()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<String>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Option<String>, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

/// Octets of a file.
const LARGEST: u64 = 512 << 20;

#[cfg(test)]
#[path = "mmdb_tests.rs"]
mod tests;
