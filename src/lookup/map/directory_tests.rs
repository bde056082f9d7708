//! What shows without a directory. A real one is in tests/maps.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::ldap::server::{Security, Server};
use crate::lookup::map::bounds::Bounds;
use crate::lookup::map::kept::Kept;
use crate::lookup::map::oracle::Oracle as _;
use crate::net::names::{ClientName, Nowhere, Pending};

/// Every name is this machine's.
struct Here;

impl Names for Here {
    fn client_name(&self, address: std::net::IpAddr) -> Pending<ClientName> {
        Nowhere.client_name(address)
    }

    fn addresses(&self, _: &str, port: u16) -> Pending<Result<Vec<SocketAddr>, String>> {
        Box::pin(async move { Ok(vec![SocketAddr::from(([127, 0, 0, 1], port))]) })
    }
}

fn asked(port: u16, filter: &str) -> Kept<Searched> {
    let server = Server::Tcp { host: "localhost".into(), port, is_ldaps: false };
    let directory = Directory {
        access: Access { server, account: None, security: Security::default() },
        base: "dc=a".into(),
        filter: filter.parse().unwrap(),
        is_one_level: false,
        attribute: "mail".into(),
    };
    let bounds = Bounds { timeout: Duration::from_millis(200), connections: 2 };
    let searched = Searched::new(&directory, Arc::new(Here), bounds.timeout).unwrap();
    Kept::new("m", searched, bounds)
}

#[tokio::test]
async fn what_is_no_ldap_is_no_answer() {
    for (octets, want) in [
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], LookupError::ServFail),
        (&[0x30, 0x84, 0x7f, 0xff, 0xff, 0xff], LookupError::ServFail),
        (&[0x30, 3, 2, 1, 1], LookupError::ServFail),
        (&[0x30], LookupError::Timeout),
        (&[], LookupError::Timeout),
        // noSuchObject: the base is wrong, which is no "no".
        (&[0x30, 12, 2, 1, 1, 0x65, 7, 10, 1, 32, 4, 0, 4, 0], LookupError::ServFail),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = asked(listener.local_addr().unwrap().port(), "(uid={key})");
        let serve = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 1000]).await;
            let _ = stream.write_all(octets).await;
            std::future::pending().await
        };
        let outcome = tokio::select! {
            outcome = server.ask("ann") => outcome,
            () = serve => Ok(None),
        };
        assert_eq!(outcome, Err(want), "{octets:?}");
    }
}

#[tokio::test]
async fn a_key_that_fits_nowhere_is_not_asked_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let server = asked(port, "(&(uid={local})(dc={domain}))");
    assert_eq!(server.ask("ann@a.example").await, Err(LookupError::Unreachable));
}
