//! Who is called what: the questions that the proxy and the backends ask of the domain name system.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;

/// The name of an address, as far as it can be known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientName {
    /// The reverse name, which points back to the address.
    Known(String),
    /// There is none.
    None,
    /// Nobody could say: a time-out, a server's failure.
    Unknown,
}

/// An answer to come, from whichever thread.
pub type Pending<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Answers questions about names. `app` hands one in, so that neither proxy nor backends know who looks up.
pub trait Names: Send + Sync {
    /// The forward-confirmed reverse name of `address`. Its own time limit holds.
    fn client_name(&self, address: IpAddr) -> Pending<ClientName>;

    /// The addresses of `host`; an address as text is its own answer. Errors as text for the log.
    fn addresses(&self, host: &str, port: u16) -> Pending<Result<Vec<SocketAddr>, String>>;
}

/// Knows nobody: where a test plays the world, nothing else may be reached.
pub struct Nowhere;

impl Names for Nowhere {
    fn client_name(&self, _: IpAddr) -> Pending<ClientName> {
        Box::pin(async { ClientName::None })
    }

    fn addresses(&self, host: &str, _: u16) -> Pending<Result<Vec<SocketAddr>, String>> {
        let why = format!("{host}: tests reach no server that they don't play");
        Box::pin(async { Err(why) })
    }
}
