//! Web servers that a test plays: what they say to which request, and what they were asked.

use std::sync::Arc;

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::HeaderMap;
use parking_lot::Mutex;

use crate::lookup::error::LookupError;
use crate::lookup::http::request::{Reply, Request, add_header};

/// All web servers of a test. A clone is the same ones.
#[derive(Clone, Debug, Default)]
pub struct Web(Arc<Mutex<Pages>>);

#[derive(Debug, Default)]
struct Pages {
    /// By URL as it was given.
    pages: Vec<(String, Page)>,
    asked: Vec<Asked>,
}

/// What a server says.
#[derive(Clone, Debug)]
pub enum Page {
    /// This.
    Reply {
        /// The status.
        status: u16,
        /// The headers.
        headers: Vec<(String, String)>,
        /// The body.
        body: Vec<u8>,
    },
    /// Nothing, for this reason; a time-out takes its time.
    Trouble(LookupError),
}

/// What a server was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The method.
    pub method: String,
    /// The URL.
    pub url: String,
    /// The headers, their names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// Requests that are remembered.
const MOST: usize = 10_000;

impl Web {
    /// From now on requests for `url` hear `page`. `url` may have a method before it, "POST https://…", and may end in
    /// `*`: then all URLs that begin so, unless something that fits better is known.
    ///
    /// *Errors*: the page can't be what a server says.
    pub fn put(&self, url: &str, page: Page) -> Result<(), String> {
        if let Page::Reply { status, headers, .. } = &page {
            read(*status, headers)?;
        }
        let mut pages = self.0.lock();
        pages.pages.retain(|(known, _)| known != url);
        pages.pages.push((url.to_owned(), page));
        Ok(())
    }

    /// What was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.0.lock().asked.clone()
    }

    /// Forgets what was asked.
    pub fn forget(&self) {
        self.0.lock().asked.clear();
    }

    /// What the server says to `request`. A server of which nothing is known can't be reached.
    pub(super) async fn ask(&self, request: &Request) -> Result<Reply, LookupError> {
        let page = self.page(request);
        match page {
            None => Err(LookupError::Unreachable),
            Some(Page::Trouble(LookupError::Timeout)) => std::future::pending().await,
            Some(Page::Trouble(error)) => Err(error),
            Some(Page::Reply { body, .. }) if body.len() > request.largest => Err(LookupError::TooLarge),
            Some(Page::Reply { status, headers, body }) => {
                let (status, headers) = read(status, &headers).map_err(|_| LookupError::Invalid)?;
                Ok(Reply { status, headers, body: Bytes::from(body) })
            }
        }
    }

    fn page(&self, request: &Request) -> Option<Page> {
        let (method, url) = (request.method.to_string(), request.url.to_string());
        let mut pages = self.0.lock();
        let headers = request.headers.iter().map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        });
        let asked = Asked {
            headers: headers.collect(),
            method: method.clone(),
            url: url.clone(),
            body: request.body.to_vec(),
        };
        if pages.asked.len() < MOST {
            pages.asked.push(asked);
        }
        // How well a URL fits: with its method, whole, with more of it.
        let fit = |known: &str| {
            let (wanted, known) =
                known.split_once(' ').map_or((None, known), |(method, url)| (Some(method), url));
            let start = known.strip_suffix('*');
            let is_meant = wanted.is_none_or(|wanted| wanted == method)
                && start.map_or(url == known, |start| url.starts_with(start));
            is_meant.then_some((start.is_none(), known.len(), wanted.is_some()))
        };
        let meant = pages.pages.iter().filter_map(|(known, page)| Some((fit(known)?, page)));
        meant.max_by_key(|(fit, _)| *fit).map(|(_, page)| page.clone())
    }
}

fn read(status: u16, headers: &[(String, String)]) -> Result<(StatusCode, HeaderMap), String> {
    let status = StatusCode::from_u16(status).map_err(|_| format!("{status} is no status"))?;
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        add_header(&mut map, name, value.as_bytes()).map_err(|error| format!("{name}: {error}"))?;
    }
    Ok((status, map))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lookup::http::request::Access;

    #[tokio::test(start_paused = true)]
    async fn a_page_is_what_fits_its_url_best() {
        let web = Web::default();
        let page = |body: &str| Page::Reply { status: 200, headers: Vec::new(), body: body.into() };
        web.put("https://api.example/one", page("old")).unwrap();
        web.put("https://api.example/one", page("one")).unwrap();
        web.put("https://api.example/*", page("all")).unwrap();
        web.put("POST https://api.example/two", page("posted")).unwrap();
        web.put("https://down.example/", Page::Trouble(LookupError::Refused)).unwrap();
        for (url, want) in [
            ("https://api.example/one", Ok("one")),
            ("https://api.example/two", Ok("all")), // not posted
            ("https://api.example/three?a=b", Ok("all")),
            ("https://down.example/", Err(LookupError::Refused)),
            ("https://other.example/", Err(LookupError::Unreachable)),
        ] {
            let request = Request::get(url.parse().unwrap(), Arc::new(|_| Access::Public));
            let said = web.ask(&request).await.map(|reply| reply.body);
            assert_eq!(said, want.map(|body| Bytes::from(body.to_owned())), "{url}");
        }
        assert_eq!(web.asked()[2].url, "https://api.example/three?a=b");
        assert!(
            web.put("https://x.example/", Page::Reply { status: 99, headers: Vec::new(), body: Vec::new() })
                .is_err()
        );
    }
}
