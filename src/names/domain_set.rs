//! A set of domains: `example.org` for exactly that one, `.example.org` for all below it.

use std::borrow::Cow;
use std::collections::HashSet;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::names::a_label::{ALabelError, to_ascii};

/// An entry that is no domain, and why.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{entry:?} is no domain: {cause}")]
pub struct DomainEntryError {
    /// The entry as it was written.
    pub entry: String,
    /// What is wrong with it.
    pub cause: ALabelError,
}

/// Domains, and suffixes that stand for all domains below them. Compared as A-labels.
#[derive(Clone, Debug, Default)]
pub struct DomainSet {
    exact: HashSet<Box<str>>,
    /// Without their leading dot.
    suffixes: HashSet<Box<str>>,
}

impl DomainSet {
    /// An empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// The set of all `entries`.
    ///
    /// Errors: the first entry that is no domain.
    pub fn parse<S: AsRef<str>>(entries: impl IntoIterator<Item = S>) -> Result<Self, DomainEntryError> {
        let mut set = Self::new();
        for entry in entries {
            set.insert(entry.as_ref())?;
        }
        Ok(set)
    }

    /// Puts in `example.org`, `.example.org` (all below, not itself), or a literal in brackets.
    pub fn insert(&mut self, entry: &str) -> Result<(), DomainEntryError> {
        let fail = |cause| DomainEntryError { entry: entry.to_owned(), cause };
        match entry.strip_prefix('.') {
            Some(suffix) => self.suffixes.insert(to_ascii(suffix).map_err(fail)?.into()),
            None => self.exact.insert(canonical(entry).map_err(fail)?.into()),
        };
        Ok(())
    }

    /// Whether `domain` or a suffix of it is in the set. What is no domain is in no set.
    ///
    /// Doesn't allocate if `domain` is plain lower-case ASCII.
    pub fn contains(&self, domain: &str) -> bool {
        self.matching(domain).is_some()
    }

    /// The entry that holds `domain`: the domain itself, else the longest suffix, without its leading dot.
    pub fn matching(&self, domain: &str) -> Option<&str> {
        let domain = canonical(domain).ok()?;
        if let Some(entry) = self.exact.get(&*domain) {
            return Some(entry);
        }
        if self.suffixes.is_empty() {
            return None;
        }
        parents(&domain).find_map(|parent| self.suffixes.get(parent)).map(|entry| &**entry)
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.exact.len() + self.suffixes.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.suffixes.is_empty()
    }

    /// All entries as they may be written in a configuration, in no order.
    pub fn entries(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let exact = self.exact.iter().map(|entry| Cow::Borrowed(&**entry));
        exact.chain(self.suffixes.iter().map(|suffix| Cow::Owned(format!(".{suffix}"))))
    }
}

/// Whether `domain` is below `parent`, both in any form; a domain is not below itself.
///
/// Errors: either is no domain.
pub fn is_subdomain(domain: &str, parent: &str) -> Result<bool, ALabelError> {
    let (domain, parent) = (to_ascii(domain)?, to_ascii(parent)?);
    Ok(parents(&domain).any(|above| above == parent))
}

/// The domains above `domain`, nearest first.
pub(super) fn parents(domain: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(domain), |below| below.split_once('.').map(|(_, parent)| parent)).skip(1)
}

/// A name as A-labels, or a literal (RFC 5321 §4.1.3) in one spelling.
pub(super) fn canonical(domain: &str) -> Result<Cow<'_, str>, ALabelError> {
    let Some(literal) = domain.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) else {
        return to_ascii(domain);
    };
    if literal.parse::<Ipv4Addr>().is_ok() {
        return Ok(Cow::Borrowed(domain));
    }
    let (tag, address) = literal.split_once(':').ok_or(ALabelError::Invalid)?;
    let address: Ipv6Addr = address.parse().map_err(|_| ALabelError::Invalid)?;
    if !tag.eq_ignore_ascii_case("IPv6") {
        return Err(ALabelError::Invalid);
    }
    Ok(Cow::Owned(format!("[ipv6:{address}]")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_its_domains_and_what_is_below_its_suffixes() {
        let set = DomainSet::parse([
            "example.org",
            ".example.net",
            "Bücher.example",
            "[192.0.2.1]",
            "[IPv6:2001:DB8:0::1]",
            ".sub.example.org",
        ])
        .expect("entries");
        for (domain, want) in [
            ("example.org", true),
            ("EXAMPLE.ORG", true),
            ("a.example.org", false), // exact means exact
            ("a.sub.example.org", true),
            ("sub.example.org", false), // a suffix isn't itself
            ("example.net", false),
            ("a.example.net", true),
            ("a.b.c.example.net", true),
            ("aexample.net", false),
            ("example.net.evil.example", false),
            ("xn--bcher-kva.example", true),
            ("BÜCHER.EXAMPLE", true),
            ("[192.0.2.1]", true),
            ("192.0.2.1", false),
            ("[192.0.2.2]", false),
            ("[ipv6:2001:db8::1]", true),
            ("[IPV6:2001:db8:0:0:0:0:0:1]", true),
            ("[x:2001:db8::1]", false),
            ("example.org.", false), // refused elsewhere, in no set here
            ("example\u{3002}org", false),
            ("", false),
            (".", false),
            (".example.net", false),
        ] {
            assert_eq!(set.contains(domain), want, "domain {domain:?}");
        }
        assert_eq!(set.len(), 6);
        assert_eq!(set.matching("x.a.example.net"), Some("example.net"));
    }

    #[test]
    fn an_entry_that_is_no_domain_is_named() {
        for (entry, cause) in [
            ("", ALabelError::EmptyLabel),
            (".", ALabelError::EmptyLabel),
            ("..example.org", ALabelError::EmptyLabel),
            ("example.org.", ALabelError::EmptyLabel),
            ("*.example.org", ALabelError::Invalid), // ".example.org" says it
            ("ann@example.org", ALabelError::Invalid),
            ("[192.0.2.300]", ALabelError::Invalid),
            ("[", ALabelError::Invalid),
        ] {
            assert_eq!(
                DomainSet::parse([entry]).expect_err(entry),
                DomainEntryError { entry: entry.into(), cause }
            );
        }
    }

    #[test]
    fn entries_can_be_read_again() {
        let set = DomainSet::parse(["example.org", ".example.net", "[ipv6:2001:db8::1]"]).expect("entries");
        let again = DomainSet::parse(set.entries()).expect("entries");
        assert_eq!(again.exact, set.exact);
        assert_eq!(again.suffixes, set.suffixes);
    }

    #[test]
    fn a_domain_is_not_below_itself() {
        assert_eq!(is_subdomain("a.example.org", "Example.org"), Ok(true));
        assert_eq!(is_subdomain("example.org", "example.org"), Ok(false));
        assert_eq!(is_subdomain("aexample.org", "example.org"), Ok(false));
        assert_eq!(is_subdomain("a.bücher.example", "xn--bcher-kva.example"), Ok(true));
        assert_eq!(is_subdomain("a b", "example.org"), Err(ALabelError::Invalid));
    }
}
