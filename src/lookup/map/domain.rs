//! A map of domains: `example.org` for itself, `.example.org` for all below it. The longest that fits counts.

use crate::lookup::map::error::LineError;
use crate::lookup::map::lines::entries;
use crate::names::domain_map::DomainMap;

/// Values by domain, compared as A-labels.
#[derive(Clone, Debug, Default)]
pub struct DomainTable {
    domains: DomainMap<Box<str>>,
}

impl DomainTable {
    /// The table in `text`. Of equal domains the first counts; the log warns of the others, as of `name`.
    ///
    /// *Errors*: the first line that is no such entry.
    pub fn parse(name: &str, text: &str) -> Result<Self, LineError> {
        let mut table = Self::default();
        for entry in entries(text) {
            let entry = entry?;
            let put = table.domains.insert(&entry.key, entry.value.into());
            if !put.map_err(|error| LineError::new(entry.line, error.to_string()))? {
                tracing::warn!(
                    map = name,
                    line = entry.line,
                    key = entry.key,
                    "the domain stands there twice; the first counts"
                );
            }
        }
        Ok(table)
    }

    /// The value of `domain` itself, else of the longest suffix; what is no domain has none.
    pub fn get(&self, domain: &str) -> Option<&str> {
        self.domains.get(domain).map(|value| &**value)
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.domains.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_entry_that_fits_counts() {
        let text = ".example.org below\nExample.org itself\n.deep.example.org deeper\nbücher.example books\n\
                    example.org twice\n";
        let table = DomainTable::parse("test", text).expect("entries");
        for (domain, want) in [
            ("example.org", Some("itself")),
            ("a.EXAMPLE.org", Some("below")),
            ("a.b.deep.example.org", Some("deeper")),
            ("deep.example.org", Some("below")),
            ("xn--bcher-kva.example", Some("books")),
            ("aexample.org", None),
            ("ann@example.org", None), // an address is no domain
            ("", None),
        ] {
            assert_eq!(table.get(domain), want, "{domain:?}");
        }
        let error = DomainTable::parse("test", "a.example x\na..b y\n").expect_err("no domain");
        assert_eq!((error.line, error.message.as_str()), (2, "\"a..b\" is no domain: a label is empty"));
    }
}
