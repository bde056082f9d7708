//! Connections to web servers, kept for the next request: those without TLS from the beginning, those with it from the
//! first request that needs one, for reading the system's certificate authorities takes time and memory.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::Connect;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::{ClientConfig, RootCertStore};

use crate::lookup::error::LookupError;
use crate::lookup::host::HostResolver;
use crate::lookup::http::connector::Connector;
use crate::lookup::http::failure::kind_of;
use crate::lookup::http::request::Access;

/// Whom https servers must be certified by.
#[derive(Clone, Debug)]
pub enum Trust {
    /// The certificate authorities of the system, read when they are first needed.
    System,
    /// Those that this names.
    Only(Box<ClientConfig>),
}

/// Kept connections: to servers of the Internet, and to those of the site as well.
pub(super) struct Connections {
    hosts: HostResolver,
    trust: Trust,
    plain: Pair<Connector>,
    /// None where TLS can't be set up, which the log says.
    secure: OnceLock<Option<Pair<HttpsConnector<Connector>>>>,
}

type Pool<C> = Client<C, Full<Bytes>>;

/// One pool for each kind of access.
struct Pair<C> {
    public: Pool<C>,
    site: Pool<C>,
}

impl Connections {
    /// None yet; servers are found by `hosts`, and those with TLS judged by `trust`.
    pub(super) fn new(hosts: HostResolver, trust: Trust) -> Self {
        let plain = Pair::new(|access| Connector { hosts: hosts.clone(), access });
        Self { hosts, trust, plain, secure: OnceLock::new() }
    }

    /// The head of the reply to `request`; its body is still to come.
    ///
    /// Errors: those of `failure`; `Unavailable` where TLS can't be set up.
    pub(super) async fn request(
        &self,
        request: Request<Full<Bytes>>,
        access: Access,
    ) -> Result<Response<Incoming>, LookupError> {
        let reply = if request.uri().scheme_str() == Some("https") {
            let secure = self.secure.get_or_init(|| self.secure()).as_ref();
            secure.ok_or(LookupError::Unavailable)?.request(request, access).await
        } else {
            self.plain.request(request, access).await
        };
        reply.map_err(|error| kind_of(&error))
    }

    fn secure(&self) -> Option<Pair<HttpsConnector<Connector>>> {
        let config = match &self.trust {
            Trust::Only(config) => Ok((**config).clone()),
            Trust::System => system_trust(),
        };
        let config = config.inspect_err(|error| tracing::error!(%error, "TLS can't be set up")).ok()?;
        Some(Pair::new(|access| {
            let https =
                HttpsConnectorBuilder::new().with_tls_config(config.clone()).https_only().enable_http1();
            https.wrap_connector(Connector { hosts: self.hosts.clone(), access })
        }))
    }
}

impl<C: Connect + Clone + Send + Sync + 'static> Pair<C> {
    fn new(connector: impl Fn(Access) -> C) -> Self {
        let pool = |access| {
            Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .pool_idle_timeout(IDLE)
                .pool_max_idle_per_host(MOST_IDLE)
                .http1_max_buf_size(HEADER_OCTETS)
                .http1_max_headers(MOST_HEADERS)
                .build(connector(access))
        };
        Self { public: pool(Access::Public), site: pool(Access::Site) }
    }

    async fn request(
        &self,
        request: Request<Full<Bytes>>,
        access: Access,
    ) -> Result<Response<Incoming>, Error> {
        let pool = if access == Access::Site { &self.site } else { &self.public };
        pool.request(request).await
    }
}

/// The certificate authorities that the system trusts; without any, no https server is. Reads files.
fn system_trust() -> Result<ClientConfig, rustls::Error> {
    let provider = || Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    if let Ok(trusting) = builder.with_native_roots() {
        return Ok(trusting.with_no_client_auth());
    }
    tracing::warn!("the system has no certificate authorities: https can't be asked");
    let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

/// How long a connection is kept for the next request, and how many are.
const IDLE: Duration = Duration::from_secs(30);
const MOST_IDLE: usize = 8;

/// Headers of a reply, and their octets.
pub(super) const MOST_HEADERS: usize = 100;
pub(super) const HEADER_OCTETS: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lookup::http::raw_server::hosts;

    #[tokio::test]
    async fn certificate_authorities_are_read_when_they_are_first_needed() {
        let connections = Connections::new(hosts("127.0.0.1:1".parse().unwrap()), Trust::System);
        let request = |url: &str| Request::get(url).body(Full::default()).unwrap();
        // Nobody listens on port 1.
        assert!(connections.request(request("http://127.0.0.1:1/"), Access::Site).await.is_err());
        assert!(connections.secure.get().is_none(), "not for http");
        assert!(connections.request(request("https://127.0.0.1:1/"), Access::Site).await.is_err());
        assert!(connections.secure.get().is_some());
    }
}
