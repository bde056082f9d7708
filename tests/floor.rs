//! The floor that tests of dialogues stand on: it serves sessions over real sockets, and its clock stands still.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic
)]
#![allow(dead_code, unreachable_pub, reason = "support/ is for several tests; none uses all of it")]

mod support;

use std::time::Duration;

use tokio::time::Instant;

use support::backend::Backend;
use support::floor::{Proxy, on_still_clock, settle};
use support::peer::Peer;

fn toml(backend: &Backend) -> String {
    format!(
        "hostname = \"mx.b.example\"\n\
         [relay]\n\
         domains = [\"b.example\"]\n\
         [[backend]]\n\
         address = \"{}\"\n\
         [[listener]]\n\
         bind = \"127.0.0.1:25\"\n\
         client_name = false\n",
        backend.address()
    )
}

#[test]
fn a_session_runs_over_real_sockets_while_the_clock_stands_still() {
    on_still_clock(async {
        let folder = tempfile::tempdir().unwrap();
        let backend = Backend::start().await;
        let proxy = Proxy::start(&toml(&backend), folder.path()).unwrap();
        let began = Instant::now();
        let mut client = Peer::new(proxy.connect("203.0.113.9:4711".parse().unwrap()).await);
        assert_eq!(client.line().await.unwrap(), b"220 mx.b.example ESMTP\r\n");
        client.send(b"HELO client.a.example\r\n").await;
        assert_eq!(client.line().await.unwrap(), b"250 mx.b.example\r\n");
        client.send(b"MAIL FROM:<ann@a.example>\r\nRCPT TO:<bob@b.example>\r\n").await;
        let mut there = backend.accept().await;
        there.send(b"220 backend\r\n").await;
        assert_eq!(there.line().await.unwrap(), b"EHLO mx.b.example\r\n");
        settle().await;
        assert_eq!(began.elapsed(), Duration::ZERO);
        assert_eq!(proxy.sessions(), 1);
        // 120 s in all is the patience for a command.
        tokio::time::advance(Duration::from_secs(61)).await;
        assert!(there.end().await.unwrap().is_empty());
        assert!(client.line().await.unwrap().starts_with(b"250 2.1.0"));
        assert!(client.line().await.unwrap().starts_with(b"451 4.4.1"));
        drop(client);
        proxy.emptied().await;
    });
}
