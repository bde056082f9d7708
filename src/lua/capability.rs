//! What a policy may reach beyond its session: `allow` in the configuration, held against what a script asks for.
//!
//! Computing needs no leave; the network, files and what is remembered do.

use std::fmt;
use std::str::FromStr;

use crate::lookup::http::request::Access;
use crate::lookup::http::url::{Url, UrlError, UrlPrefix};
use crate::names::suggest;

/// All that a policy may reach whose `allow` names it. One of which nobody says anything may reach everything, but for
/// web servers in the site.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Capabilities {
    named: Vec<Capability>,
}

/// One thing that a policy is allowed, as `allow` names it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Capability {
    /// `dns`: look-ups of names, the client's among them.
    Dns,
    /// `http`: web servers of the Internet; `http:URL`: those whose URLs begin so, in the site too.
    Http(Option<UrlPrefix>),
    /// `map`: all maps; `map:NAME`: one of the configuration.
    Map(Option<Box<str>>),
    /// `map.file`: maps that the script names by their files.
    MapFile,
    /// `store`: all keys; `store:PREFIX`: the policy's own that begin so.
    Store(Option<Box<str>>),
    /// `store.shared`: all common keys; `store.shared:PREFIX`: those that begin so.
    SharedStore(Option<Box<str>>),
    /// `ratelimit`: all limits; `ratelimit:NAME`: one.
    Ratelimit(Option<Box<str>>),
}

/// What a script is about to reach.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Need<'a> {
    /// A look-up of a name.
    Dns,
    /// A web server.
    Http(&'a Url),
    /// A map of the configuration.
    Map(&'a str),
    /// A map in a file.
    MapFile,
    /// A key of the policy's own.
    Store(&'a str),
    /// A common key.
    SharedStore(&'a str),
    /// A limit.
    Ratelimit(&'a str),
}

impl Need<'_> {
    /// What a script is told that may not reach it.
    pub fn refusal(&self) -> String {
        format!("this policy is not allowed \"{self}\"; `allow` in the configuration can name it")
    }
}

/// Why a text is no capability.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CapabilityError {
    /// It is none; perhaps this one was meant.
    #[error("there is no capability \"{word}\"{}", .meant.map(|meant| format!("; did you mean \"{meant}\"?")).unwrap_or_default())]
    Unknown {
        /// What stands there, up to its colon.
        word: String,
        /// What was probably meant.
        meant: Option<&'static str>,
    },
    /// It is of a later version.
    #[error("the capability \"{0}\" is not in this version")]
    Later(String),
    /// It is a module that every policy has.
    #[error("\"{0}\" only computes: it needs no leave")]
    Needless(String),
    /// Nothing can stand behind its colon, or nothing does.
    #[error("{0}")]
    Detail(&'static str),
    /// What stands behind `http:` is no beginning of URLs.
    #[error("\"{0}\" is no beginning of URLs, as \"https://api.example/v1/\": {1}")]
    Url(String, UrlError),
}

/// Words that stand for a capability.
const WORDS: &[&str] = &["dns", "http", "map", "map.file", "store", "store.shared", "ratelimit"];
/// Those of later versions.
const LATER: &[&str] = &["backend", "clamav", "rspamd", "spamd", "milter", "policy_service", "srs", "batv"];
/// Modules that need none.
const NEEDLESS: &[&str] =
    &["base64", "domains", "hash", "hmac", "ip", "json", "log", "metrics", "random", "regex", "task", "time"];

impl FromStr for Capability {
    type Err = CapabilityError;

    fn from_str(text: &str) -> Result<Self, CapabilityError> {
        let (word, detail) = match text.split_once(':') {
            Some((_, "")) => return Err(CapabilityError::Detail("nothing stands behind the colon")),
            Some((word, detail)) => (word, Some(detail)),
            None => (text, None),
        };
        let name = || detail.map(Box::from);
        Ok(match (word, detail) {
            ("dns" | "map.file", Some(_)) => {
                return Err(CapabilityError::Detail("nothing can stand behind dns and map.file"));
            }
            ("dns", None) => Self::Dns,
            ("map.file", None) => Self::MapFile,
            ("http", None) => Self::Http(None),
            ("http", Some(url)) => {
                let prefix = url.parse().map_err(|error| CapabilityError::Url(url.to_owned(), error))?;
                Self::Http(Some(prefix))
            }
            ("map", _) => Self::Map(name()),
            ("store", _) => Self::Store(name()),
            ("store.shared", _) => Self::SharedStore(name()),
            ("ratelimit", _) => Self::Ratelimit(name()),
            _ if LATER.contains(&word) => return Err(CapabilityError::Later(word.to_owned())),
            _ if NEEDLESS.contains(&word) => return Err(CapabilityError::Needless(word.to_owned())),
            _ => {
                let meant = suggest::nearest(word, WORDS.iter().copied());
                let meant = meant.and_then(|meant| WORDS.iter().find(|word| **word == meant).copied());
                return Err(CapabilityError::Unknown { word: word.to_owned(), meant });
            }
        })
    }
}

impl Capabilities {
    /// What is named, and nothing else.
    pub fn only(named: Vec<Capability>) -> Self {
        Self { named }
    }

    /// Whether the policy may reach `need`. Of a web server this says only whether it may be asked somewhere.
    pub fn allow(&self, need: &Need<'_>) -> bool {
        self.named.iter().any(|capability| match (capability, need) {
            (Capability::Dns, Need::Dns) => true,
            (Capability::Http(None), Need::Http(_)) => true,
            (Capability::Http(Some(prefix)), Need::Http(url)) => prefix.holds(url),
            (Capability::Map(None), Need::Map(_) | Need::MapFile) => true,
            (Capability::Map(Some(name)), Need::Map(map)) => **name == **map,
            (Capability::MapFile, Need::MapFile) => true,
            (Capability::Store(None), Need::Store(_) | Need::SharedStore(_)) => true,
            (Capability::Store(Some(prefix)), Need::Store(key)) => begins(key, prefix),
            (Capability::SharedStore(None), Need::SharedStore(_)) => true,
            (Capability::SharedStore(Some(prefix)), Need::SharedStore(key)) => begins(key, prefix),
            (Capability::Ratelimit(None), Need::Ratelimit(_)) => true,
            (Capability::Ratelimit(Some(name)), Need::Ratelimit(limit)) => **name == **limit,
            _ => false,
        })
    }

    /// Where a request for `url` may lead: into the site only where its beginning is named.
    pub fn access(&self, url: &Url) -> Access {
        let of = |capability: &Capability| match capability {
            Capability::Http(Some(prefix)) if prefix.holds(url) => Some(Access::Site),
            Capability::Http(None) => Some(Access::Public),
            _ => None,
        };
        let found = self.named.iter().filter_map(of);
        found.max_by_key(|access| *access == Access::Site).unwrap_or(Access::None)
    }
}

impl fmt::Display for Need<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns => f.write_str("dns"),
            // The whole URL may hold what is nobody's business.
            Self::Http(url) => write!(f, "http:{}/", url.origin()),
            Self::Map(name) => write!(f, "map:{name}"),
            Self::MapFile => f.write_str("map.file"),
            Self::Store(key) => write!(f, "store:{key}"),
            Self::SharedStore(key) => write!(f, "store.shared:{key}"),
            Self::Ratelimit(name) => write!(f, "ratelimit:{name}"),
        }
    }
}

/// Whether `key` is `prefix`, or goes on behind it with a `:`, `/` or `.`; unless `prefix` ends so itself.
fn begins(key: &str, prefix: &str) -> bool {
    let is_end = |text: &str| text.ends_with([':', '/', '.']);
    key.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/', '.']) || is_end(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(words: &[&str]) -> Capabilities {
        Capabilities::only(words.iter().map(|word| word.parse().expect(word)).collect())
    }

    #[test]
    fn only_what_is_named_is_allowed() {
        let url: Url = "https://api.example/v1/x".parse().expect("URL");
        let (http, map, limit) = (Need::Http(&url), Need::Map("a"), Need::Ratelimit("a"));
        for (words, need, want) in [
            (&["dns"][..], Need::Dns, true),
            (&["dns"], http, false),
            (&[], Need::Dns, false),
            (&["http"], http, true),
            (&["http:https://api.example/v1/"], http, true),
            (&["http:https://api.example/v2/", "http:https://api.example"], http, true),
            (&["http:https://api.exam"], http, false),
            (&["map"], map, true),
            (&["map"], Need::MapFile, true),
            (&["map:a"], map, true),
            (&["map:a"], Need::Map("ab"), false),
            (&["map:a"], Need::MapFile, false),
            (&["map.file"], Need::MapFile, true),
            (&["map.file"], map, false),
            (&["store"], Need::Store("k"), true),
            (&["store"], Need::SharedStore("k"), true),
            (&["store:greylist"], Need::Store("greylist"), true),
            (&["store:greylist"], Need::Store("greylist:1"), true),
            (&["store:greylist"], Need::Store("greylists"), false),
            (&["store:grey:"], Need::Store("grey:1"), true),
            (&["store:greylist"], Need::SharedStore("greylist"), false), // another's keys
            (&["store.shared:a"], Need::SharedStore("a/b"), true),
            (&["store.shared:a"], Need::Store("a"), false),
            (&["ratelimit"], limit, true),
            (&["ratelimit:a"], limit, true),
            (&["ratelimit:b"], limit, false),
        ] {
            assert_eq!(only(words).allow(&need), want, "{words:?}: {need}");
        }
    }

    #[test]
    fn the_site_is_open_only_where_a_url_is_named() {
        let url: Url = "http://127.0.0.1:8080/x".parse().expect("URL");
        for (capabilities, want) in [
            (only(&["http"]), Access::Public),
            (only(&["http", "http:http://127.0.0.1:8080/"]), Access::Site),
            (only(&["http:http://127.0.0.1:8081/"]), Access::None),
            (only(&["http:http://127.0.0.1:8081/", "http"]), Access::Public),
            (only(&["dns"]), Access::None),
        ] {
            assert_eq!(capabilities.access(&url), want, "{capabilities:?}");
        }
        assert_eq!(Need::Http(&url).to_string(), "http:http://127.0.0.1:8080/");
    }

    #[test]
    fn a_word_that_is_no_capability_is_explained() {
        for (text, want) in [
            ("htpp", "there is no capability \"htpp\"; did you mean \"http\"?"),
            ("shop", "there is no capability \"shop\""),
            ("", "there is no capability \"\""),
            ("dns:a.example", "nothing can stand behind dns and map.file"),
            ("store:", "nothing stands behind the colon"),
            ("rspamd", "the capability \"rspamd\" is not in this version"),
            ("json", "\"json\" only computes: it needs no leave"),
            (
                "http:api.example/",
                "\"api.example/\" is no beginning of URLs, as \"https://api.example/v1/\": it is no URL",
            ),
            (
                "http:https://ann@api.example/",
                "\"https://ann@api.example/\" is no beginning of URLs, as \"https://api.example/v1/\": it has a user in it: give an Authorization header",
            ),
        ] {
            let error = text.parse::<Capability>().expect_err(text).to_string();
            assert_eq!(error, want, "{text}");
        }
    }
}
