//! The client that asks web servers: one for all workers, its connections kept on the helper's thread.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Body as _;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Version};
use tokio::time::{Instant, timeout_at};

use crate::lookup::error::LookupError;
use crate::lookup::host::HostResolver;
use crate::lookup::http::connections::{Connections, Trust};
use crate::lookup::http::connector::may_go;
use crate::lookup::http::failure::kind_of;
use crate::lookup::http::gate::{Bounds, Gate};
use crate::lookup::http::outbox::Outbox;
use crate::lookup::http::played::Web;
use crate::lookup::http::request::{Access, Reply, Request};
use crate::names::reach::reach;
use crate::threads::helper::HelperHandle;

/// A handle to the client; a clone is cheap and means the same client.
#[derive(Clone)]
pub struct HttpClient {
    inner: Arc<Inner>,
    helper: HelperHandle,
    outbox: Arc<Outbox>,
}

struct Inner {
    source: Source,
    gate: Arc<Gate>,
}

/// Who answers.
enum Source {
    /// The servers.
    Servers(Box<Connections>),
    /// A test, which says itself what goes wrong.
    Web(Web),
}

impl HttpClient {
    /// A client that finds servers by `hosts`, trusts whom `trust` says, and works on `helper`'s thread; what is sent
    /// without a waiter goes by `outbox`.
    pub fn new(hosts: HostResolver, trust: Trust, helper: HelperHandle, outbox: Arc<Outbox>) -> Self {
        let servers = Box::new(Connections::new(hosts, trust));
        Self::with(Source::Servers(servers), helper, outbox)
    }

    /// A client of the servers that `web` plays.
    pub fn of_web(web: &Web, helper: HelperHandle, outbox: Arc<Outbox>) -> Self {
        Self::with(Source::Web(web.clone()), helper, outbox)
    }

    fn with(source: Source, helper: HelperHandle, outbox: Arc<Outbox>) -> Self {
        let gate = Gate::new(Bounds { all: IN_FLIGHT, each: IN_FLIGHT_EACH });
        Self { inner: Arc::new(Inner { source, gate }), helper, outbox }
    }

    /// What the server says to `request`. Whoever leaves doesn't end the request.
    ///
    /// Errors: `Refused` where it may not go, `Unavailable` past the bounds, for a server that is down and once the
    /// helper has stopped, `TooLarge`, `Invalid` for what is no HTTP or no trusted TLS, `Timeout`, `Unreachable`.
    pub async fn ask(&self, request: Request) -> Result<Reply, LookupError> {
        let inner = Arc::clone(&self.inner);
        let asked = self.helper.ask(move || async move { inner.follow(request).await });
        asked.await.unwrap_or(Err(LookupError::Unavailable))
    }

    /// Queues `request`, of whose reply nobody hears, and doesn't wait. Made once at most; false if there was no room.
    pub fn send(&self, request: Request) -> bool {
        let Some(letter) = self.outbox.post(request.body.len()) else { return false };
        let inner = Arc::clone(&self.inner);
        self.helper.leave(move || async move {
            let turn = letter.turn().await;
            let outcome = inner.follow(request).await;
            letter.done(outcome.is_ok_and(|reply| reply.status.is_success()));
            drop(turn);
        });
        true
    }

    /// Requests that are under way, but for those that nobody waits for and that wait for their turn.
    pub fn in_flight(&self) -> usize {
        self.inner.gate.in_flight()
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient").field("in_flight", &self.in_flight()).finish_non_exhaustive()
    }
}

impl Inner {
    /// The reply to `request`, or to what it was redirected to.
    async fn follow(&self, mut request: Request) -> Result<Reply, LookupError> {
        let start = Instant::now();
        let end = start + request.timeout.min(LONGEST);
        let outcome = loop {
            let reply = match self.once(&request, end).await {
                Ok(reply) => reply,
                Err(error) => break Err(error),
            };
            match redirected(&request, &reply) {
                Ok(Some(next)) => request = next,
                Ok(None) => break Ok(reply),
                Err(error) => break Err(error),
            }
        };
        tracing::debug!(
            server = request.url.origin(),
            method = %request.method,
            outcome = outcome.as_ref().map_or_else(|error| error.kind(), |_| "answered"),
            status = outcome.as_ref().ok().map(|reply| reply.status.as_u16()),
            elapsed_ms = start.elapsed().as_millis(),
            "asked a web server"
        );
        outcome
    }

    async fn once(&self, request: &Request, end: Instant) -> Result<Reply, LookupError> {
        let access = (request.permit)(&request.url);
        // An address in the URL itself is judged here; that of a name once it is known, by the connector.
        let is_barred = request.url.address().is_some_and(|address| !may_go(access, reach(address)));
        if is_barred || access == Access::None {
            return Err(LookupError::Refused);
        }
        let connections = match &self.source {
            Source::Web(web) => {
                return timeout_at(end, web.ask(request)).await.unwrap_or(Err(LookupError::Timeout));
            }
            Source::Servers(connections) => connections,
        };
        let pass = self.gate.admit(&request.url.origin()).ok_or(LookupError::Unavailable)?;
        let outcome = match timeout_at(end, exchange(connections, request, access)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(LookupError::Timeout),
        };
        pass.record(!outcome.as_ref().is_err_and(|error| error.is_outage()));
        outcome
    }
}

/// One request and its reply.
async fn exchange(
    connections: &Connections,
    request: &Request,
    access: Access,
) -> Result<Reply, LookupError> {
    let mut wire = hyper::Request::new(Full::new(request.body.clone()));
    *wire.method_mut() = request.method.clone();
    *wire.uri_mut() = request.url.uri().map_err(|_| LookupError::Invalid)?;
    *wire.version_mut() = Version::HTTP_11;
    *wire.headers_mut() = request.headers.clone();
    let agent = HeaderValue::from_static(concat!("gatepost/", env!("CARGO_PKG_VERSION")));
    wire.headers_mut().entry(header::USER_AGENT).or_insert(agent);
    let reply = connections.request(wire, access).await?;
    let (head, body) = reply.into_parts();
    let largest = request.largest;
    if body.size_hint().lower() > u64::try_from(largest).unwrap_or(u64::MAX) {
        return Err(LookupError::TooLarge);
    }
    let body = Limited::new(body, largest).collect().await.map_err(|error| kind_of(&*error))?;
    Ok(Reply { status: head.status, headers: head.headers, body: body.to_bytes() })
}

/// The request that `reply` sends to, if it is a redirect that is followed.
///
/// Only of what asks without changing anything: no form is sent to a second place. From https to http none is followed,
/// and to another origin the script's headers don't go along, for there may be passwords among them.
fn redirected(request: &Request, reply: &Reply) -> Result<Option<Request>, LookupError> {
    let is_redirect = matches!(reply.status.as_u16(), 301 | 302 | 303 | 307 | 308);
    let is_harmless = matches!(request.method, Method::GET | Method::HEAD);
    let location = reply.headers.get(header::LOCATION);
    let (true, true, Some(location)) = (is_redirect && request.redirects > 0, is_harmless, location) else {
        return Ok(None);
    };
    let location = location.to_str().map_err(|_| LookupError::Invalid)?;
    let url = request.url.join(location).map_err(|_| LookupError::Invalid)?;
    if request.url.is_secure() && !url.is_secure() {
        return Err(LookupError::Refused);
    }
    let headers = match url.origin() == request.url.origin() {
        true => request.headers.clone(),
        false => HeaderMap::new(),
    };
    Ok(Some(Request { url, headers, redirects: request.redirects - 1, ..request.clone() }))
}

/// The longest that a request may take, whatever it says.
const LONGEST: Duration = Duration::from_secs(60);

/// Requests in flight, and those to one server.
const IN_FLIGHT: usize = 256;
const IN_FLIGHT_EACH: usize = 64;

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
