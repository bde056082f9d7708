//! Connects to a web server, once the address that its name has become is one that may be gone to.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::Uri;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower_service::Service;

use crate::lookup::error::LookupError;
use crate::lookup::host::HostResolver;
use crate::lookup::http::failure::ConnectError;
use crate::lookup::http::request::Access;
use crate::names::reach::{Reach, reach};

/// Connects where `access` lets it. Each `Access` has its own, and its own pool of connections: one that was made for a
/// policy that may go further is none for others.
#[derive(Clone, Debug)]
pub(super) struct Connector {
    pub(super) hosts: HostResolver,
    pub(super) access: Access,
}

impl Connector {
    /// A connection to the first address of the host that may be gone to and answers.
    async fn connect(self, uri: Uri) -> Result<TokioIo<TcpStream>, ConnectError> {
        let host = uri.host().ok_or(ConnectError(LookupError::Invalid))?;
        let default = if uri.scheme_str() == Some("https") { 443 } else { 80 };
        let addresses = self.hosts.resolve(host, uri.port_u16().unwrap_or(default)).await.map_err(
            |error| match error {
                // A host without an address is out of reach; "none" is what a server itself would have to say.
                LookupError::Absent => ConnectError(LookupError::Unreachable),
                other => ConnectError(other),
            },
        )?;
        let mut error = LookupError::Unreachable;
        for address in addresses.into_iter().take(MOST_ADDRESSES) {
            // Here and not before: what is connected to is what was looked at, whatever the name says next time.
            if !may_go(self.access, reach(address.ip())) {
                tracing::debug!(%address, host, "not gone to: the policy may not ask addresses of this site");
                error = LookupError::Refused;
                continue;
            }
            match timeout(PATIENCE, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    // Without it, it is only slower.
                    let _ = stream.set_nodelay(true);
                    return Ok(TokioIo::new(stream));
                }
                Ok(Err(_)) => error = LookupError::Unreachable,
                Err(_) => error = LookupError::Timeout,
            }
        }
        Err(ConnectError(error))
    }
}

/// Whether an address that leads to `reach` may be gone to.
pub(super) fn may_go(access: Access, reach: Reach) -> bool {
    match access {
        Access::None => false,
        Access::Public => reach == Reach::Public,
        Access::Site => reach != Reach::Never,
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<TcpStream>;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<TokioIo<TcpStream>, ConnectError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().connect(uri))
    }
}

/// How long one address may take to accept.
const PATIENCE: Duration = Duration::from_secs(5);

/// Addresses of a host that are tried.
const MOST_ADDRESSES: usize = 4;
