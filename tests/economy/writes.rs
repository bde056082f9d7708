//! What belongs together is written together: the other end counts the segments in which it came. With TCP_NODELAY, and
//! nothing that is longer than a segment of the loopback, each write is one.
#![allow(unsafe_code, reason = "nothing else asks the system for a connection's segments")]

use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd};

use crate::support::backend::Backend;
use crate::support::floor::{Proxy, on_still_clock};
use crate::support::peer::Peer;

/// Segments with data that have come at this end of a connection.
fn segments(socket: &OwnedFd) -> u32 {
    let mut info = MaybeUninit::<[u8; 256]>::zeroed();
    let mut length: libc::socklen_t = 256;
    // SAFETY: the descriptor is open, and the system writes at most `length` octets to a place that has as many.
    let outcome = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            info.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    assert_eq!(outcome, 0, "{}", std::io::Error::last_os_error());
    // SAFETY: all of it was zeroed before.
    let info = unsafe { info.assume_init() };
    assert!(length as usize >= DATA_SEGMENTS_IN + 4, "the system tells too little: {length} octets");
    u32::from_ne_bytes(info[DATA_SEGMENTS_IN..DATA_SEGMENTS_IN + 4].try_into().unwrap())
}

/// Where `struct tcp_info` has `tcpi_data_segs_in`. Source: linux/tcp.h.
const DATA_SEGMENTS_IN: usize = 152;

/// One end, and what was counted there.
struct End {
    peer: Peer,
    socket: OwnedFd,
    seen: u32,
}

impl End {
    fn new(peer: Peer) -> End {
        let socket = peer.socket();
        End { seen: segments(&socket), peer, socket }
    }

    /// Hears lines that begin like this, and in how many segments they came since the last time.
    async fn hear(&mut self, lines: &[&str]) -> u32 {
        for want in lines {
            let line = String::from_utf8(self.peer.line().await.unwrap()).unwrap();
            assert!(line.starts_with(want), "{line:?}, not {want}");
        }
        let now = segments(&self.socket);
        std::mem::replace(&mut self.seen, now).abs_diff(now)
    }
}

async fn proxy(backend: &Backend, folder: &tempfile::TempDir) -> Proxy {
    let toml = format!(
        "hostname = \"mx.b.example\"\n[relay]\ndomains = [\"b.example\"]\n[[backend]]\naddress = \"{}\"\n\
         [[listener]]\nbind = \"127.0.0.1:25\"\nclient_name = false\n",
        backend.address()
    );
    let proxy = Proxy::start(&toml, folder.path()).unwrap();
    proxy.knows(0, &["PIPELINING"]);
    proxy
}

async fn client(proxy: &Proxy) -> End {
    let mut client = End::new(Peer::new(proxy.connect(SocketAddr::from(([198, 18, 0, 1], 4711))).await));
    assert_eq!(client.hear(&["220 "]).await, 1);
    client.peer.send(b"EHLO client.a.example\r\n").await;
    let mut count = 0;
    loop {
        let line = client.peer.line().await.unwrap();
        count += 1;
        if line[3] == b' ' {
            break;
        }
    }
    assert!(count > 1);
    assert_eq!(client.hear(&[]).await, 1, "{count} lines of one reply");
    client
}

#[test]
fn the_count_tells_one_write_from_two() {
    on_still_clock(async {
        let backend = Backend::start().await;
        let near = tokio::net::TcpStream::connect(backend.address()).await.unwrap();
        let (mut near, mut far) = (Peer::new(near), End::new(backend.accept().await));
        near.send(b"one\r\ntwo\r\n").await;
        assert_eq!(far.hear(&["one", "two"]).await, 1);
        near.send(b"one\r\n").await;
        near.send(b"two\r\n").await;
        assert_eq!(far.hear(&["one", "two"]).await, 2);
    });
}

#[test]
fn a_batch_is_answered_in_one_write_and_passed_on_in_one() {
    on_still_clock(async {
        let (backend, folder) = (Backend::start().await, tempfile::tempdir().unwrap());
        let proxy = proxy(&backend, &folder).await;
        let mut client = client(&proxy).await;
        let batch =
            "MAIL FROM:<ann@a.example>\r\nRCPT TO:<bob@b.example>\r\nRCPT TO:<eve@b.example>\r\nDATA\r\n";
        client.peer.send(batch.as_bytes()).await;
        let mut there = End::new(backend.accept().await);
        there.peer.send(b"220 backend ESMTP\r\n").await;
        assert_eq!(there.hear(&["EHLO "]).await, 1);
        there.peer.send(b"250-backend\r\n250 PIPELINING\r\n").await;
        assert_eq!(there.hear(&["MAIL ", "RCPT ", "RCPT ", "DATA"]).await, 1, "commands to the backend");
        there.peer.send(b"250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n550 5.1.1 No Eve\r\n354 Go\r\n").await;
        assert_eq!(client.hear(&["250 ", "250 ", "550 ", "354 "]).await, 1, "replies to the client");
        client.peer.send(b"Subject: x\r\n\r\nhello\r\n.\r\n").await;
        while there.peer.line().await.unwrap() != b".\r\n" {}
        assert_eq!(there.hear(&[]).await, 1, "a small message to the backend");
        there.peer.send(b"250 2.0.0 Taken\r\n").await;
        assert_eq!(client.hear(&["250 "]).await, 1);
    });
}

#[test]
fn replies_that_no_backend_gives_are_one_write_as_well() {
    on_still_clock(async {
        let (backend, folder) = (Backend::start().await, tempfile::tempdir().unwrap());
        let proxy = proxy(&backend, &folder).await;
        let mut client = client(&proxy).await;
        client.peer.send(b"NOOP\r\nRSET\r\nMAIL FROM:<ann@a.example>\r\nRCPT TO:<x@elsewhere.example>\r\nVRFY x\r\nNONSENSE\r\nQUIT\r\n").await;
        let segments = client.hear(&["250 ", "250 ", "250 ", "550 ", "25", "50", "221 "]).await;
        assert_eq!(segments, 1);
    });
}
