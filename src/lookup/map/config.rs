//! One `[map.NAME]` table: where the map is and what it is.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::lookup::http::url::{Url, UrlError};
use crate::lookup::map::bounds::Bounds;
use crate::lookup::map::directory::Directory;
use crate::lookup::map::field::Field;
use crate::lookup::map::socketmap;
use crate::lookup::map::table::Kind;

/// A map of the configuration.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MapConfig {
    /// NAME in `[map.NAME]`.
    pub name: String,
    /// Where it is.
    pub source: Source,
    /// How its keys are compared; of a server's, that is its own business.
    pub kind: Kind,
    /// How long a server's answers are good for.
    pub times: Times,
    /// How a server is asked.
    pub bounds: Bounds,
}

impl MapConfig {
    /// How many connections there may be at once of the map's own.
    pub fn connections(&self) -> usize {
        match self.source {
            Source::File(_) | Source::Mmdb(..) | Source::Http(_) => 0,
            Source::Ldap(_) | Source::Socketmap(_) => self.bounds.connections,
        }
    }
}

/// Where a map is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Source {
    /// A file, read at start and on reload.
    File(PathBuf),
    /// A MaxMind DB, read at start and on reload, and the field of its records that is meant.
    Mmdb(PathBuf, Option<Field>),
    /// A web server, asked for each key.
    Http(UrlTemplate),
    /// A directory.
    Ldap(Box<Directory>),
    /// A server of socketmaps.
    Socketmap(socketmap::Place),
}

impl Source {
    /// The server that is asked, as people know it, without what may be secret in a URL; empty for a file.
    pub fn server(&self) -> String {
        match self {
            Self::File(_) | Self::Mmdb(..) => String::new(),
            Self::Http(template) => template.url("key").map(|url| url.origin()).unwrap_or_default(),
            Self::Ldap(directory) => directory.access.server.to_string(),
            Self::Socketmap(place) => place.to_string(),
        }
    }
}

/// How long a server's answers are good for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Times {
    /// A value.
    pub ttl: Duration,
    /// That there is none.
    pub negative_ttl: Duration,
    /// For how much longer an answer is given while a new one is asked for, or can't be had.
    pub stale: Duration,
}

impl Default for Times {
    fn default() -> Self {
        let minutes = |count: u64| Duration::from_secs(60 * count);
        Self { ttl: minutes(5), negative_ttl: minutes(1), stale: minutes(60) }
    }
}

/// A URL with a place for the key: `{key}`, else a parameter `key` at its end.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UrlTemplate {
    before: Box<str>,
    after: Box<str>,
}

impl UrlTemplate {
    /// The URL for `key`.
    ///
    /// *Errors*: the key would climb in the path, as `..`, or the URL would be too long.
    pub fn url(&self, key: &str) -> Result<Url, UrlError> {
        if matches!(key, "" | "." | "..") {
            return Err(UrlError::Invalid);
        }
        format!("{}{}{}", self.before, utf8_percent_encode(key, ESCAPED), self.after).parse()
    }
}

impl FromStr for UrlTemplate {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let template = match text.split_once("{key}") {
            Some((before, after)) => Self { before: before.into(), after: after.into() },
            None => {
                let mark = if text.contains('?') { '&' } else { '?' };
                Self { before: format!("{text}{mark}key=").into(), after: "".into() }
            }
        };
        // Of a key that said whom to ask, whoever chose the key would choose that.
        let (one, other) = (template.url("a")?, template.url("b")?);
        if one.origin() == other.origin() { Ok(template) } else { Err(UrlError::Host) }
    }
}

/// All but what a URL may hold anywhere (RFC 3986 §2.3).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_its_place_in_the_url_and_none_beside_it() {
        for (template, key, want) in [
            ("https://a.example/m", "ann@b.example", Ok("https://a.example/m?key=ann%40b.example")),
            ("https://a.example/m?x=1", "k", Ok("https://a.example/m?x=1&key=k")),
            ("https://a.example/{key}/v", "a/../b?c#d", Ok("https://a.example/a%2F..%2Fb%3Fc%23d/v")),
            ("https://a.example/{key}", "\r\nHost: evil", Ok("https://a.example/%0D%0AHost%3A%20evil")),
            ("https://a.example/{key}", "..", Err(UrlError::Invalid)),
            ("https://a.example/{key}", "", Err(UrlError::Invalid)),
        ] {
            let template: UrlTemplate = template.parse().expect(template);
            assert_eq!(template.url(key).map(|url| url.to_string()), want.map(str::to_owned), "{key:?}");
        }
        for (template, want) in [
            ("https://{key}.example/", UrlError::Host),
            ("https://a.example:{key}/", UrlError::Port),
            ("{key}", UrlError::Scheme),
            ("ftp://a.example/{key}", UrlError::Scheme),
            ("https://ann@a.example/{key}", UrlError::User),
        ] {
            assert!(template.parse::<UrlTemplate>().is_err(), "{template}: {want}");
        }
    }
}
