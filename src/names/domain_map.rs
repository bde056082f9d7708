//! A map from domains to values: `example.org` for exactly that one, `.example.org` for all below it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::names::a_label::to_ascii;
use crate::names::domain_set::{DomainEntryError, canonical, parents};

/// Values by domain, and by suffix for all domains below it. Compared as A-labels.
#[derive(Clone, Debug)]
pub struct DomainMap<V> {
    exact: HashMap<Box<str>, V>,
    /// Without their leading dot.
    suffixes: HashMap<Box<str>, V>,
}

impl<V> DomainMap<V> {
    /// Puts in `value` for `example.org`, `.example.org` (all below, not itself), or a literal in brackets. False if there
    /// is one already, which stays.
    ///
    /// *Errors*: `entry` is no domain.
    pub fn insert(&mut self, entry: &str, value: V) -> Result<bool, DomainEntryError> {
        let fail = |cause| DomainEntryError { entry: entry.to_owned(), cause };
        let place = match entry.strip_prefix('.') {
            Some(suffix) => self.suffixes.entry(to_ascii(suffix).map_err(fail)?.into()),
            None => self.exact.entry(canonical(entry).map_err(fail)?.into()),
        };
        match place {
            Entry::Occupied(_) => Ok(false),
            Entry::Vacant(place) => {
                place.insert(value);
                Ok(true)
            }
        }
    }

    /// The value of `domain` itself, else of the longest suffix. What is no domain has none.
    pub fn get(&self, domain: &str) -> Option<&V> {
        let domain = canonical(domain).ok()?;
        self.exact.get(&*domain).or_else(|| parents(&domain).find_map(|parent| self.suffixes.get(parent)))
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.exact.len() + self.suffixes.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<V> Default for DomainMap<V> {
    fn default() -> Self {
        Self { exact: HashMap::new(), suffixes: HashMap::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_has_its_own_value_else_that_of_its_longest_suffix() {
        let mut map = DomainMap::default();
        for (entry, value) in [(".a.example", 1), ("a.example", 2), (".b.a.example", 3), ("[192.0.2.1]", 4)] {
            assert_eq!(map.insert(entry, value), Ok(true), "{entry}");
        }
        assert_eq!(map.insert("A.example", 5), Ok(false), "the first stays");
        for (domain, want) in [
            ("a.example", Some(2)),
            ("x.A.example", Some(1)),
            ("b.a.example", Some(1)),
            ("x.b.a.example", Some(3)),
            ("[192.0.2.1]", Some(4)),
            ("example", None),
            ("xa.example", None),
            ("not a domain", None),
        ] {
            assert_eq!(map.get(domain).copied(), want, "{domain}");
        }
        assert_eq!((map.len(), map.is_empty()), (4, false));
        assert!(map.insert("a..b", 6).is_err());
    }
}
