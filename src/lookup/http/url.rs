//! The URLs that may be asked for, and the beginnings of URLs that a policy may be allowed.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use hyper::Uri;
use hyper::http::uri::Scheme;

use crate::names::a_label::to_ascii;

/// Why a text is no URL that can be asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum UrlError {
    /// No `http://` or `https://`.
    #[error("it doesn't begin with http:// or https://")]
    Scheme,
    /// A user or a password: they would stand in logs, and hide who is asked.
    #[error("it has a user in it: give an Authorization header")]
    User,
    /// The host is neither a name nor an address.
    #[error("its host is neither a name nor an address")]
    Host,
    /// The port is none.
    #[error("its port is not 1 to 65535")]
    Port,
    /// More than 8192 octets, or a character that no URL holds.
    #[error("it is no URL")]
    Invalid,
    /// A beginning of URLs with a `?` or a `#`.
    #[error("the beginning of URLs ends before ? and #")]
    Query,
}

/// An absolute URL of the web, without user and fragment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Url {
    is_secure: bool,
    host: Host,
    port: u16,
    /// With its query; begins with `/`.
    path: Box<str>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Host {
    /// A-labels in lower case, without a dot at the end.
    Name(Box<str>),
    Address(IpAddr),
}

impl Url {
    /// The literal address that it names, if it is one.
    pub fn address(&self) -> Option<IpAddr> {
        if let Host::Address(address) = self.host { Some(address) } else { None }
    }

    /// The host, an IPv6 address in brackets.
    pub fn host(&self) -> String {
        self.host.to_string()
    }

    /// The host without brackets, and the port.
    pub fn host_and_port(&self) -> (String, u16) {
        let host = match &self.host {
            Host::Name(name) => name.to_string(),
            Host::Address(address) => address.to_string(),
        };
        (host, self.port)
    }

    /// Whether it is https.
    pub fn is_secure(&self) -> bool {
        self.is_secure
    }

    /// Scheme, host and port: whom a request goes to.
    pub fn origin(&self) -> String {
        let scheme = if self.is_secure { "https" } else { "http" };
        match self.port == default_port(self.is_secure) {
            true => format!("{scheme}://{}", self.host),
            false => format!("{scheme}://{}:{}", self.host, self.port),
        }
    }

    /// As the client library has it.
    pub(super) fn uri(&self) -> Result<Uri, UrlError> {
        self.to_string().parse().map_err(|_| UrlError::Invalid)
    }

    /// The URL that `location`, in a redirect from this one, means.
    ///
    /// *Errors*: it is none that can be asked for.
    pub fn join(&self, location: &str) -> Result<Url, UrlError> {
        let location = location.split('#').next().unwrap_or_default();
        let (path, _) = split_path(&self.path);
        if location.is_empty() {
            return Err(UrlError::Invalid);
        }
        if location.starts_with("//") {
            let scheme = if self.is_secure { "https:" } else { "http:" };
            return format!("{scheme}{location}").parse();
        }
        if location.starts_with('/') {
            return format!("{}{location}", self.origin()).parse();
        }
        if location.starts_with('?') {
            return format!("{}{path}{location}", self.origin()).parse();
        }
        let scheme = location.split([':', '/', '?']).next().unwrap_or_default();
        if location.get(scheme.len()..).is_some_and(|rest| rest.starts_with(':')) {
            return location.parse();
        }
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        format!("{}{folder}/{location}", self.origin()).parse()
    }
}

impl FromStr for Url {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let is_plain = text.bytes().all(|octet| octet.is_ascii_graphic() && octet != b'\\');
        if text.len() > LONGEST || !is_plain {
            return Err(UrlError::Invalid);
        }
        let uri: Uri = text.parse().map_err(|_| UrlError::Invalid)?;
        let is_secure = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP => false,
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            _ => return Err(UrlError::Scheme),
        };
        let authority = uri.authority().ok_or(UrlError::Host)?.as_str();
        if authority.contains('@') {
            return Err(UrlError::User);
        }
        // Not as the library takes them apart: what stands there must be a host and a port, and nothing else.
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !host.starts_with('[') || host.ends_with(']') => (host, Some(port)),
            _ => (authority, None),
        };
        let port = match port {
            None => default_port(is_secure),
            Some(port) if port.bytes().all(|octet| octet.is_ascii_digit()) => {
                port.parse().ok().filter(|port| *port > 0).ok_or(UrlError::Port)?
            }
            Some(_) => return Err(UrlError::Port),
        };
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let path = if path.starts_with('/') { path.into() } else { format!("/{path}").into() };
        Ok(Self { is_secure, host: host_of(host)?, port, path })
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin(), self.path)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V4(address)) => write!(f, "{address}"),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

/// All URLs that begin alike: the same scheme, host and port, and a path at or below that one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UrlPrefix {
    url: Url,
}

impl UrlPrefix {
    /// Whether `url` begins so. A path is compared by whole segments; one that climbs, as `/a/../b`, is below `/` alone.
    pub fn holds(&self, url: &Url) -> bool {
        let (of, at) = (&self.url, url);
        if (of.is_secure, &of.host, of.port) != (at.is_secure, &at.host, at.port) {
            return false;
        }
        let (path, _) = split_path(&at.path);
        if &*of.path == "/" {
            return true;
        }
        let Some(rest) = path.strip_prefix(&*of.path) else { return false };
        !climbs(path) && (rest.is_empty() || rest.starts_with('/') || of.path.ends_with('/'))
    }
}

impl FromStr for UrlPrefix {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        if text.contains(['?', '#']) {
            return Err(UrlError::Query);
        }
        let url: Url = text.parse()?;
        if climbs(&url.path) { Err(UrlError::Invalid) } else { Ok(Self { url }) }
    }
}

impl fmt::Display for UrlPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.url.fmt(f)
    }
}

fn host_of(text: &str) -> Result<Host, UrlError> {
    if let Some(inner) = text.strip_prefix('[') {
        let address = inner.strip_suffix(']').and_then(|inner| inner.parse::<Ipv6Addr>().ok());
        return Ok(Host::Address(IpAddr::V6(address.ok_or(UrlError::Host)?)));
    }
    let name = text.strip_suffix('.').unwrap_or(text);
    if let Ok(address) = name.parse::<Ipv4Addr>() {
        return Ok(Host::Address(IpAddr::V4(address)));
    }
    let name = to_ascii(name).map_err(|_| UrlError::Host)?;
    // `127.1`, `0x7f.0.0.1`: a number last was never a name, and some systems read an address out of it.
    let last = name.rsplit('.').next().unwrap_or_default();
    let is_number = last.bytes().all(|octet| octet.is_ascii_digit()) || last.starts_with("0x");
    if is_number { Err(UrlError::Host) } else { Ok(Host::Name(name.into())) }
}

fn default_port(is_secure: bool) -> u16 {
    if is_secure { 443 } else { 80 }
}

/// The path and its query.
fn split_path(path: &str) -> (&str, &str) {
    path.split_once('?').unwrap_or((path, ""))
}

/// Whether a server might read another path out of `path`: by a segment `.` or `..`, in whatever way it is written, or
/// an escaped slash.
fn climbs(path: &str) -> bool {
    let (path, _) = split_path(path);
    let mut text = path.to_ascii_lowercase();
    // Twice, for servers that undo escapes twice.
    for _ in 0..2 {
        text = text.replace("%25", "%").replace("%2e", ".").replace("%2f", "/").replace("%5c", "/");
    }
    let is_dots = |segment: &str| matches!(segment.split(';').next(), Some("." | ".."));
    text.split('/').any(is_dots)
}

/// Octets of a URL.
const LONGEST: usize = 8192;

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn a_url_has_one_spelling() {
        for (text, want) in [
            ("http://a.example", "http://a.example/"),
            ("HTTPS://A.Example.:443/X?q=1#f", "https://a.example/X?q=1"),
            ("http://a.example:8080/x", "http://a.example:8080/x"),
            ("http://a.example:80?x", "http://a.example/?x"),
            ("https://192.0.2.1:80/", "https://192.0.2.1:80/"),
            ("http://[2001:DB8::1]/", "http://[2001:db8::1]/"),
            ("http://[::1]:81/", "http://[::1]:81/"),
        ] {
            assert_eq!(url(text).to_string(), want, "{text}");
        }
        assert_eq!(url("http://127.0.0.1/").address(), Some(IpAddr::V4(Ipv4Addr::LOCALHOST)));
        assert_eq!(url("http://localhost/").address(), None);
    }

    #[test]
    fn what_is_no_url_of_the_web_is_refused() {
        let mut wrong = Vec::new();
        for (text, want) in [
            ("ftp://a.example/", UrlError::Scheme),
            ("file:///etc/passwd", UrlError::Invalid),
            ("a.example/x", UrlError::Invalid),
            ("/x", UrlError::Scheme),
            ("http://ann@a.example/", UrlError::User),
            ("http://ann:pw@a.example/", UrlError::User),
            ("http://good.example@evil.example/", UrlError::User),
            ("http://a.example:0/", UrlError::Port),
            ("http://a.example:/", UrlError::Port),
            ("http://a.example:70000/", UrlError::Port),
            ("http://a..example/", UrlError::Host),
            ("http://127.1/", UrlError::Host),
            ("http://2130706433/", UrlError::Host),
            ("http://0x7f.0.0.1/", UrlError::Host),
            ("http://0177.0.0.1/", UrlError::Host),
            ("http://0x7f000001/", UrlError::Host),
            ("http://[fe80::1%25eth0]/", UrlError::Host),
            ("http://a.example\\@evil.example/", UrlError::Invalid),
            ("http://a.example/a b", UrlError::Invalid),
            ("http://a.example/\r\nX: y", UrlError::Invalid),
            ("http://b\u{fc}cher.example/", UrlError::Invalid),
            ("http:///x", UrlError::Invalid),
            ("", UrlError::Invalid),
        ] {
            let read = text.parse::<Url>().map(|url| url.to_string());
            if read != Err(want) {
                wrong.push((text, read, want));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
        assert!(format!("http://a.example/{}", "x".repeat(LONGEST)).parse::<Url>().is_err());
    }

    #[test]
    fn a_redirect_is_read_from_where_it_was_given() {
        let from = url("https://a.example/x/y?q=1");
        for (location, want) in [
            ("/z", Ok("https://a.example/z")),
            ("z?r#f", Ok("https://a.example/x/z?r")),
            ("?r=2", Ok("https://a.example/x/y?r=2")),
            ("//b.example/z", Ok("https://b.example/z")),
            ("http://b.example", Ok("http://b.example/")),
            ("javascript:alert(1)", Err(UrlError::Scheme)),
            ("file:///etc/passwd", Err(UrlError::Invalid)),
            ("https://ann@b.example/", Err(UrlError::User)),
            ("", Err(UrlError::Invalid)),
        ] {
            let joined = from.join(location).map(|url| url.to_string());
            assert_eq!(joined, want.map(str::to_owned), "{location}");
        }
    }

    #[test]
    fn a_prefix_is_no_beginning_of_text() {
        let prefix = |text: &str| text.parse::<UrlPrefix>().expect(text);
        for (allowed, asked, want) in [
            ("https://api.example/", "https://api.example/x?y", true),
            ("https://api.example", "https://API.example:443/", true),
            ("https://api.example", "https://api.example.evil.example/", false),
            ("https://api.example/", "http://api.example/", false),
            ("https://api.example/", "https://api.example:8443/", false),
            ("https://api.example/", "https://x.api.example/", false),
            ("https://api.example/v1", "https://api.example/v1", true),
            ("https://api.example/v1", "https://api.example/v1?q", true),
            ("https://api.example/v1", "https://api.example/v1/x", true),
            ("https://api.example/v1", "https://api.example/v11", false),
            ("https://api.example/v1/", "https://api.example/v1", false),
            ("https://api.example/v1/", "https://api.example/v1/x", true),
            ("https://api.example/v1", "https://api.example/v1/../admin", false),
            ("https://api.example/v1", "https://api.example/v1/%2e%2E/admin", false),
            ("https://api.example/v1", "https://api.example/v1/%252e%252e/admin", false),
            ("https://api.example/v1", "https://api.example/v1/..%2fadmin", false),
            ("https://api.example/v1", "https://api.example/v1/..%5cadmin", false),
            ("https://api.example/v1", "https://api.example/v1/..;/admin", false),
            ("https://api.example/v1", "https://api.example/v1/a..b", true),
            ("https://api.example/", "https://api.example/v1/../admin", true),
            ("http://127.0.0.1:8080/", "http://127.0.0.1:8080/x", true),
            ("http://127.0.0.1:8080/", "http://[::ffff:127.0.0.1]:8080/x", false),
        ] {
            assert_eq!(prefix(allowed).holds(&url(asked)), want, "{allowed}: {asked}");
        }
        for text in ["https://api.example/?x", "https://api.example/#x", "https://api.example/a/../b"] {
            assert!(text.parse::<UrlPrefix>().is_err(), "{text}");
        }
    }
}
