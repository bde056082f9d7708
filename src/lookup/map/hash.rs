//! A map of exact keys, in any case: Postfix's `hash` and `texthash`, `lmdb` and `cdb` before they are compiled.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::lookup::map::error::LineError;
use crate::lookup::map::lines::entries;

/// Values by exact key. Keys are compared in lower case.
#[derive(Clone, Debug, Default)]
pub struct HashTable {
    entries: HashMap<Box<str>, Box<str>>,
}

impl HashTable {
    /// The table in `text`. Of equal keys the first counts, as in Postfix; the log warns of the others, as of `name`.
    ///
    /// *Errors*: the first line that is no entry.
    pub fn parse(name: &str, text: &str) -> Result<Self, LineError> {
        let mut table = Self::default();
        for entry in entries(text) {
            let entry = entry?;
            let key = entry.key.to_lowercase().into_boxed_str();
            if table.entries.contains_key(&key) {
                tracing::warn!(
                    map = name,
                    line = entry.line,
                    key = &*key,
                    "the key stands there twice; the first counts"
                );
                continue;
            }
            table.entries.insert(key, entry.value.into());
        }
        Ok(table)
    }

    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<&str> {
        let is_lower = key.bytes().all(|octet| octet.is_ascii() && !octet.is_ascii_uppercase());
        let key = if is_lower { Cow::Borrowed(key) } else { Cow::Owned(key.to_lowercase()) };
        self.entries.get(&*key).map(|value| &**value)
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_exact_but_for_their_case() {
        let text = "Ann@A.example one\nann@a.example two\n\"a b\" three\nBÜRO five\n";
        let table = HashTable::parse("test", text).expect("entries");
        for (key, want) in [
            ("ann@a.example", Some("one")), // the first counts
            ("ANN@a.EXAMPLE", Some("one")),
            ("a b", Some("three")),
            ("büro", Some("five")),
            ("a.example", None), // no part of a key is one
            ("", None),
        ] {
            assert_eq!(table.get(key), want, "{key:?}");
        }
        assert_eq!(table.len(), 3);
    }
}
