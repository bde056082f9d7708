//! The page `/metrics`: a small HTTP server for Prometheus, bounded in every way that a stranger could lean on.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::observe::metrics::Metrics;

/// A socket at which the page will be shown.
#[derive(Debug)]
pub struct MetricsPage {
    listener: std::net::TcpListener,
}

impl MetricsPage {
    /// Binds `address`; call it while there is still the right to.
    ///
    /// Errors: it is in use, or not ours.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(Self { listener })
    }

    /// Where it is shown, with the port that the system chose for port 0.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Shows `metrics` until the future is dropped, its connections with it. To run on the helper runtime.
    ///
    /// Errors: the runtime doesn't take the socket.
    pub async fn serve(self, metrics: Arc<Metrics>) -> io::Result<()> {
        serve(TcpListener::from_std(self.listener)?, metrics, PATIENCE).await
    }
}

async fn serve(listener: TcpListener, metrics: Arc<Metrics>, patience: Duration) -> io::Result<()> {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        // At the ceiling the next one waits in the socket's queue until one of these ends, at the latest by patience.
        if connections.len() >= CONNECTIONS {
            connections.join_next().await;
        }
        match listener.accept().await {
            Ok((stream, _)) => {
                connections.spawn(tokio::time::timeout(patience, converse(stream, Arc::clone(&metrics))));
            }
            Err(error) => {
                tracing::debug!(%error, "the metrics page can't take a connection");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// One request, one answer. What breaks is the client's affair.
async fn converse(stream: TcpStream, metrics: Arc<Metrics>) {
    let service = service_fn(|request: Request<Incoming>| {
        let answer = answer(&request, &metrics);
        async { Ok::<_, Infallible>(answer) }
    });
    let ended = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .keep_alive(false)
        .max_headers(64)
        .max_buf_size(HEADER_LIMIT)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = ended {
        tracing::debug!(%error, "a reader of the metrics page");
    }
}

fn answer(request: &Request<Incoming>, metrics: &Metrics) -> Response<Full<Bytes>> {
    let (status, name, value, body): (_, HeaderName, _, String) =
        match (request.uri().path(), request.method()) {
            ("/metrics", &Method::GET | &Method::HEAD) => {
                (StatusCode::OK, CONTENT_TYPE, OPEN_METRICS, metrics.page())
            }
            ("/metrics", _) => (StatusCode::METHOD_NOT_ALLOWED, ALLOW, "GET, HEAD", String::new()),
            _ => (StatusCode::NOT_FOUND, CONTENT_TYPE, "text/plain", "The page is /metrics\n".to_owned()),
        };
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = status;
    answer.headers_mut().insert(name, HeaderValue::from_static(value));
    answer
}

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Connections at a time.
const CONNECTIONS: usize = 16;
/// Request line and header together; hyper takes no less.
const HEADER_LIMIT: usize = 8192;
/// One connection in all, whatever it does.
const PATIENCE: Duration = Duration::from_secs(10);
/// After a failed accept, as when there are no descriptors.
const PAUSE: Duration = Duration::from_millis(100);

#[cfg(test)]
#[path = "metrics_page_tests.rs"]
mod tests;
