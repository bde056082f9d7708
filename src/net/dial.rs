//! Connecting to a server of which only the name is known: address after address, each with its share of the time.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::timeout;

use crate::net::names::Names;
use crate::net::stream::Stream;

/// Addresses of a server that are tried.
const MOST_ADDRESSES: usize = 4;

/// A connection to the first address of `host` that answers.
///
/// *Errors*: it has no address, or why the last one that was tried doesn't answer; in words.
pub async fn dial(host: &str, port: u16, names: &dyn Names, patience: Duration) -> Result<Stream, String> {
    let mut addresses = names.addresses(host, port).await?;
    addresses.truncate(MOST_ADDRESSES);
    first(&addresses, patience, Stream::connect)
        .await
        .unwrap_or_else(|| Err(format!("{host} has no address")))
}

/// What the first of `addresses` that lets itself be connected comes to, or why the last doesn't; nothing if there are none.
///
/// Each has its share of `patience`, so that one that is silent doesn't keep from the next.
async fn first<T, F: Future<Output = io::Result<T>>>(
    addresses: &[SocketAddr],
    patience: Duration,
    connect: impl Fn(SocketAddr) -> F,
) -> Option<Result<T, String>> {
    let share = patience / u32::try_from(addresses.len()).ok().filter(|count| *count > 0)?;
    let mut outcome = None;
    for address in addresses {
        let why = match timeout(share, connect(*address)).await {
            Ok(Ok(stream)) => return Some(Ok(stream)),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no connection within {share:?}"),
        };
        outcome = Some(Err(format!("{address}: {why}")));
    }
    outcome
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_silent_address_does_not_keep_from_the_next() {
        let address = |last| SocketAddr::from(([192, 0, 2, last], 389));
        let connect = |address: SocketAddr| async move {
            match address {
                SocketAddr::V4(v4) if v4.ip().octets()[3] == 1 => std::future::pending().await,
                SocketAddr::V4(v4) if v4.ip().octets()[3] == 2 => Err(io::Error::other("refused")),
                address => Ok(address),
            }
        };
        let patience = Duration::from_secs(6);
        for (lasts, want) in [
            (&[1, 3][..], Some(Ok(address(3)))),
            (&[2, 3], Some(Ok(address(3)))),
            (&[3, 1], Some(Ok(address(3)))),
            (&[1, 2], Some(Err("192.0.2.2:389: refused".to_owned()))),
            (&[2, 1], Some(Err("192.0.2.1:389: no connection within 3s".to_owned()))),
            (&[], None),
        ] {
            let addresses: Vec<SocketAddr> = lasts.iter().map(|last| address(*last)).collect();
            let begun = Instant::now();
            assert_eq!(first(&addresses, patience, connect).await, want, "{lasts:?}");
            assert!(begun.elapsed() <= patience);
        }
    }
}
