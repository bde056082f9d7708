//! A connection to a backend's address, over which nothing has been said yet.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::timeout;

use crate::backend::config::Address;
use crate::backend::server::Server;
use crate::fault::BackendFault;
use crate::net::stream::Stream;

/// A connection to `address`, over which nothing has been said yet.
///
/// *Errors*: `Unreachable`.
pub(super) async fn dial(server: &Server, address: &Address) -> Result<Stream, BackendFault> {
    let unreachable = |error: &dyn std::fmt::Display| BackendFault::Unreachable(error.to_string());
    if let Some(dial) = &server.played {
        return Ok(dial());
    }
    let limit = server.config.timeouts.connect;
    let connected = match address {
        Address::Unix(path) => timeout(limit, Stream::connect_unix(path)).await,
        Address::Tcp { host, port } => {
            let addresses = match host.parse() {
                Ok(ip) => vec![SocketAddr::new(ip, *port)],
                Err(_) => server.names.addresses(host, *port).await.map_err(|error| unreachable(&error))?,
            };
            Ok(connect_any(&addresses, limit).await)
        }
        Address::Maildir(_) => return Err(BackendFault::Unreachable("a Maildir is no server".to_owned())),
    };
    match connected {
        Ok(stream) => stream.map_err(|error| unreachable(&error)),
        Err(_) => Err(BackendFault::Unreachable(format!("no connection within {limit:?}"))),
    }
}

/// The first of `addresses` that can be connected; each has `limit`, so that a silent one doesn't hide the next.
async fn connect_any(addresses: &[SocketAddr], limit: Duration) -> std::io::Result<Stream> {
    let mut last = std::io::Error::from(std::io::ErrorKind::NotFound);
    for address in addresses {
        match timeout(limit, Stream::connect(*address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = error,
            Err(_) => last = std::io::ErrorKind::TimedOut.into(),
        }
    }
    Err(last)
}
