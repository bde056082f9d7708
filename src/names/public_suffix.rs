//! The part of a domain that someone registered, by the public suffix list that is compiled in.

use std::borrow::Cow;

use crate::names::a_label::{ALabelError, to_ascii};

/// The registrable domain of `domain` as A-labels: `example.co.uk` of `a.b.example.co.uk`.
///
/// None for a public suffix itself and for an address. Below a top-level domain that isn't listed, the last two labels.
///
/// Errors: `domain` is no domain.
/// Source: the list and its algorithm at publicsuffix.org, private section included.
pub fn registrable(domain: &str) -> Result<Option<Cow<'_, str>>, ALabelError> {
    let ascii = to_ascii(domain)?;
    if ascii.rsplit('.').next().is_some_and(|last| last.bytes().all(|octet| octet.is_ascii_digit())) {
        return Ok(None);
    }
    Ok(match ascii {
        Cow::Borrowed(name) => psl::domain_str(name).map(Cow::Borrowed),
        Cow::Owned(name) => psl::domain_str(&name).map(|domain| Cow::Owned(domain.to_owned())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registrable_domains_follow_the_list() {
        for (domain, want) in [
            ("example.com", Some("example.com")),
            ("a.b.Example.COM", Some("example.com")),
            ("example.co.uk", Some("example.co.uk")),
            ("a.example.co.uk", Some("example.co.uk")),
            ("co.uk", None),
            ("com", None),
            ("b.test.ck", Some("b.test.ck")), // "*.ck"
            ("www.ck", Some("www.ck")),       // "!www.ck"
            ("a.b.unlisted", Some("b.unlisted")),
            ("食狮.公司.cn", Some("xn--85x722f.xn--55qx5d.cn")),
            ("www.xn--85x722f.xn--55qx5d.cn", Some("xn--85x722f.xn--55qx5d.cn")),
            ("192.0.2.1", None), // an address has no owner by name
        ] {
            assert_eq!(registrable(domain), Ok(want.map(Cow::Borrowed)), "domain {domain:?}");
        }
        assert_eq!(registrable("a..b"), Err(ALabelError::EmptyLabel));
    }
}
