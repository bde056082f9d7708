//! TLS with clients, seen from outside the dialogue: sessions are resumed, and a crowd of handshakes starves nobody.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic
)]
#![allow(dead_code, unreachable_pub, reason = "support/ is for several tests; none uses all of it")]

mod support;

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, HandshakeKind};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use support::floor::{Proxy, on_still_clock, settle};
use support::peer::Peer;
use support::tls::{self, Manner};

/// A proxy whose listener speaks TLS from the first octet, if `is_implicit`.
fn proxy(folder: &std::path::Path, is_implicit: bool) -> Proxy {
    tls::write(folder);
    let kind = if is_implicit { "implicit" } else { "starttls" };
    let toml = format!(
        "hostname = \"mx.b.example\"\nworkers = 1\n[relay]\ndomains = [\"b.example\"]\n\
         [dns]\nservers = [\"127.0.0.1:9\"]\n[limits]\nconnections_per_client = 4000\nconnection_rate = 4000\n\
         [spool]\ndirectory = \"{}\"\n[tls]\ncertificate = \"mx.pem\"\n[[backend]]\naddress = \"127.0.0.1:9\"\n\
         [[listener]]\nbind = \"127.0.0.1:25\"\nclient_name = false\ntls = \"{kind}\"\n",
        folder.display()
    );
    Proxy::start(&toml, folder).unwrap()
}

fn client() -> SocketAddr {
    "203.0.113.9:4711".parse().unwrap()
}

async fn secured(proxy: &Proxy, config: &Arc<ClientConfig>) -> BufReader<TlsStream<TcpStream>> {
    let stream = proxy.connect(client()).await;
    let name = ServerName::try_from("mx.b.example").unwrap();
    let stream = TlsConnector::from(Arc::clone(config)).connect(name, stream).await.unwrap();
    let mut stream = BufReader::new(stream);
    let mut banner = String::new();
    stream.read_line(&mut banner).await.unwrap();
    assert!(banner.starts_with("220 "), "{banner}");
    stream
}

#[test]
fn a_session_is_resumed_under_both_versions() {
    for is_old in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        on_still_clock(async {
            let proxy = proxy(folder.path(), true);
            let config = Arc::new(tls::client(&Manner { is_old, ..Manner::default() }));
            let mut kinds = Vec::new();
            for _ in 0..3 {
                let mut stream = secured(&proxy, &config).await;
                kinds.push(stream.get_ref().get_ref().1.handshake_kind().unwrap());
                stream.write_all(b"QUIT\r\n").await.unwrap();
                let _ = stream.read_to_end(&mut Vec::new()).await;
            }
            assert_eq!(kinds[0], HandshakeKind::Full);
            assert_eq!(kinds[1..], [HandshakeKind::Resumed, HandshakeKind::Resumed], "old: {is_old}");
            proxy.emptied().await;
            assert_eq!(
                (proxy.counters.handshakes_full.get(), proxy.counters.handshakes_resumed.get()),
                (1, 2)
            );
        });
    }
}

/// Six hundred clients that begin a handshake and say no more hold up neither sessions in clear text nor, once they are
/// let go, handshakes of others.
#[test]
fn a_crowd_of_handshakes_starves_nobody() {
    let folder = tempfile::tempdir().unwrap();
    on_still_clock(async {
        let proxy = proxy(folder.path(), false);
        let mut crowd = Vec::new();
        for _ in 0..600 {
            let mut peer = Peer::new(proxy.connect(client()).await);
            peer.line().await.unwrap();
            peer.send(b"EHLO a.example\r\n").await;
            while !peer.line().await.unwrap().starts_with(b"250 ") {}
            peer.send(b"STARTTLS\r\n").await;
            assert!(peer.line().await.unwrap().starts_with(b"220 "));
            peer.send(b"\x16\x03\x01\x02\x00").await; // the head of a record, and never its body
            crowd.push(peer);
        }
        settle().await;
        let mut plain = Peer::new(proxy.connect(client()).await);
        assert!(plain.line().await.unwrap().starts_with(b"220 "));
        plain.send(b"EHLO a.example\r\n").await;
        while !plain.line().await.unwrap().starts_with(b"250 ") {}
        tokio::time::advance(std::time::Duration::from_secs(31)).await;
        settle().await;
        for peer in &mut crowd {
            assert_eq!(peer.end().await.unwrap_or_default(), b"");
        }
        plain.send(b"STARTTLS\r\n").await;
        assert!(plain.line().await.unwrap().starts_with(b"220 "));
        plain.connect_tls(&Manner::default()).await.unwrap();
        let failed = gatepost::net::tls::handshake::Reason::Timeout;
        assert_eq!(proxy.counters.failed_handshakes(failed), 600);
    });
}
