//! What is asked of a web server, and what it says: values, without I/O.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, StatusCode};

use crate::lookup::http::url::Url;

/// Where a request may go.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Access {
    /// Nowhere.
    None,
    /// To addresses of the Internet.
    Public,
    /// To those of this machine and its site as well; never to link-local ones.
    Site,
}

/// Says where a URL may lead; asked for the first and for every redirect.
pub type Permit = Arc<dyn Fn(&Url) -> Access + Send + Sync>;

/// A request and its bounds.
#[derive(Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Where it goes.
    pub url: Url,
    /// The headers, without those that say how the message is framed and to whom.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// How long all of it may take, redirects included.
    pub timeout: Duration,
    /// Octets of the reply's body.
    pub largest: usize,
    /// Redirects that are followed; past them the redirect itself is the reply.
    pub redirects: usize,
    /// Where it may lead.
    pub permit: Permit,
}

impl Request {
    /// The methods that there are.
    pub const METHODS: [&'static str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

    /// Takes the method of this name; false if there is none.
    pub fn set_method(&mut self, name: &str) -> bool {
        let known = Self::METHODS.contains(&name);
        let method = Method::from_bytes(name.as_bytes()).ok().filter(|_| known);
        method.map(|method| self.method = method).is_some()
    }

    /// A GET of `url` with the usual bounds.
    pub fn get(url: Url, permit: Permit) -> Self {
        Self {
            method: Method::GET,
            url,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            timeout: TIMEOUT,
            largest: LARGEST,
            redirects: 0,
            permit,
        }
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Headers and bodies hold passwords.
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// What a server says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// Why a header can't be sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum HeaderError {
    /// The name is none.
    #[error("no header has such a name")]
    Name,
    /// It says how the message is framed or to whom it goes, which is not the script's business.
    #[error("this header is the client's own")]
    Reserved,
    /// The value has a control character in it.
    #[error("a header's value holds no controls")]
    Value,
    /// There are too many, or they are too long.
    #[error("the headers are too many or too long")]
    TooLarge,
}

/// Adds a header.
///
/// *Errors*: each kind of [`HeaderError`].
pub fn add_header(headers: &mut HeaderMap, name: &str, value: &[u8]) -> Result<(), HeaderError> {
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| HeaderError::Name)?;
    if RESERVED.contains(&name.as_str()) || name.as_str().starts_with("proxy-") {
        return Err(HeaderError::Reserved);
    }
    let value = HeaderValue::from_bytes(value).map_err(|_| HeaderError::Value)?;
    let octets: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if headers.len() >= MOST_HEADERS || octets + name.as_str().len() + value.len() > HEADER_OCTETS {
        return Err(HeaderError::TooLarge);
    }
    headers.append(name, value);
    Ok(())
}

/// Headers that a script can't set.
const RESERVED: &[&str] = &[
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// How long a request may take unless it says otherwise; less than the clock's budget of a hook.
pub const TIMEOUT: Duration = Duration::from_secs(5);

/// The same for its octets of body.
pub const LARGEST: usize = 1 << 20;

/// Headers of a request, and their octets.
const MOST_HEADERS: usize = 64;
const HEADER_OCTETS: usize = 16 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_header_smuggles_another() {
        let mut headers = HeaderMap::new();
        for (name, value, want) in [
            ("X-Token", &b"abc"[..], Ok(())),
            ("x-token", b"\xff 8-bit", Ok(())),
            ("X-Token", b"a\r\nHost: evil", Err(HeaderError::Value)),
            ("X-Token", b"a\nb", Err(HeaderError::Value)),
            ("X-Token", b"a\0b", Err(HeaderError::Value)),
            ("X Token", b"a", Err(HeaderError::Name)),
            ("X-Token:", b"a", Err(HeaderError::Name)),
            ("X\r\nHost", b"a", Err(HeaderError::Name)),
            ("", b"a", Err(HeaderError::Name)),
            ("Host", b"evil", Err(HeaderError::Reserved)),
            ("content-LENGTH", b"5", Err(HeaderError::Reserved)),
            ("Transfer-Encoding", b"chunked", Err(HeaderError::Reserved)),
            ("Connection", b"close", Err(HeaderError::Reserved)),
            ("Proxy-Authorization", b"x", Err(HeaderError::Reserved)),
        ] {
            assert_eq!(add_header(&mut headers, name, value), want, "{name}: {value:?}");
        }
        assert_eq!(headers.len(), 2);
        assert_eq!(add_header(&mut headers, "X-Long", &[b'x'; HEADER_OCTETS]), Err(HeaderError::TooLarge));
        for _ in 0..MOST_HEADERS {
            let _ = add_header(&mut headers, "x-many", b"1");
        }
        assert_eq!(headers.len(), MOST_HEADERS);
    }
}
