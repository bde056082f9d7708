//! A map on a web server: one GET for each key.

use std::sync::Arc;
use std::time::Duration;

use crate::lookup::error::LookupError;
use crate::lookup::http::client::HttpClient;
use crate::lookup::http::request::{Access, Request};
use crate::lookup::map::config::UrlTemplate;
use crate::lookup::map::oracle::{LONGEST_VALUE, Oracle, Outcome, Pending};

/// A web server and how it is asked.
pub(super) struct Web {
    pub(super) template: UrlTemplate,
    pub(super) http: HttpClient,
    pub(super) timeout: Duration,
}

impl Web {
    async fn get(&self, key: &str) -> Outcome {
        let url = self.template.url(key).map_err(|_| LookupError::Invalid)?;
        // The configuration names it: it may be a server of the site.
        let mut request = Request::get(url, Arc::new(|_| Access::Site));
        request.largest = LONGEST_VALUE;
        request.timeout = self.timeout;
        let reply = self.http.ask(request).await?;
        match reply.status.as_u16() {
            200 => Ok(Some(String::from_utf8_lossy(&reply.body).trim_end_matches(['\r', '\n']).into())),
            204 | 404 | 410 => Ok(None),
            _ => Err(LookupError::ServFail),
        }
    }
}

impl Oracle for Web {
    fn ask<'a>(&'a self, key: &'a str) -> Pending<'a> {
        Box::pin(self.get(key))
    }
}
