//! Handshakes of many clients at once: what they take is bounded, and sessions in clear text go on meanwhile.
//!
//! One test, alone in its process. 300 clients in the suite; `GATEPOST_SOAK=N` makes N.
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
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::task::JoinSet;

use support::client::Client;
use support::gatepost::Gatepost;
use support::peer::Peer;
use support::tls::{self, Manner};

/// What all handshakes that are under way take at most, in kB: 256 of one worker, with what each may send and no more.
const PLACES: u64 = 24 * 1024;
/// What a session takes that waits for its place in clear text, in kB.
const SESSION: u64 = 12;
/// The longest that a message in clear text may take meanwhile.
const PATIENCE: Duration = Duration::from_secs(10);
/// Messages while handshakes hang.
const MESSAGES: usize = 20;
/// Clients that connect at once.
const TOGETHER: usize = 50;

fn started() -> Gatepost {
    let toml = "hostname = \"mx.b.example\"\nworkers = 1\n[relay]\ndomains = [\"b.example\"]\n\
        [limits]\nconnections_per_client = \"none\"\nconnection_rate = \"none\"\n\
        [tls]\ncertificate = \"mx.pem\"\n[[backend]]\naddress = \"maildir:Maildir\"\n\
        [[listener]]\nname = \"front\"\nbind = \"127.0.0.1:0\"\nclient_name = false\n";
    Gatepost::start_with(toml, |folder, _| tls::write(folder))
}

/// So many kB of the process's memory are resident ("VmRSS:"), or were at most ("VmHWM:").
fn resident(gatepost: &Gatepost, which: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", gatepost.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(which)).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// A client that has said STARTTLS and heard 220.
async fn at_the_gate(address: SocketAddr) -> Peer {
    let mut peer = Peer::new(TcpStream::connect(address).await.unwrap());
    peer.line().await.unwrap();
    peer.send(b"EHLO a.example\r\n").await;
    while !peer.line().await.unwrap().starts_with(b"250 ") {}
    peer.send(b"STARTTLS\r\n").await;
    assert!(peer.line().await.unwrap().starts_with(b"220 "));
    peer
}

/// So many of them.
async fn crowd(address: SocketAddr, count: usize) -> Vec<Peer> {
    let mut peers = Vec::with_capacity(count);
    while peers.len() < count {
        let mut some = JoinSet::new();
        for _ in 0..TOGETHER.min(count - peers.len()) {
            some.spawn(at_the_gate(address));
        }
        while let Some(peer) = some.join_next().await {
            peers.push(peer.unwrap());
        }
    }
    peers
}

/// Sends a message in clear text; how long it took.
fn send(gatepost: &Gatepost) -> Duration {
    let begun = Instant::now();
    let message = b"Subject: beside a crowd\r\n\r\nx\r\n";
    Client::greeted(gatepost.address()).deliver("ann@a.example", "bob@b.example", message);
    begun.elapsed()
}

/// Runs `work` while messages are sent in clear text, one after the other, at least one; how long each took.
fn beside_messages<T>(gatepost: &Gatepost, work: impl FnOnce() -> T) -> (T, Vec<Duration>) {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let sender = scope.spawn(|| {
            let mut took = vec![send(gatepost)];
            while !is_over.load(Ordering::Relaxed) {
                took.push(send(gatepost));
            }
            took
        });
        let worked = work();
        is_over.store(true, Ordering::Relaxed);
        (worked, sender.join().unwrap())
    })
}

/// Says how long messages took, and that none took too long.
fn judge(what: &str, took: &[Duration]) {
    let slowest = took.iter().max().unwrap();
    println!("{what}: {} messages beside them, the slowest in {slowest:?}", took.len());
    assert!(*slowest < PATIENCE, "{what}: a message took {slowest:?}");
}

#[test]
fn a_crowd_of_handshakes_is_bounded_and_holds_up_no_message() {
    let count = std::env::var("GATEPOST_SOAK").ok().and_then(|count| count.parse().ok()).unwrap_or(300);
    let gatepost = started();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        for mut peer in crowd(gatepost.address(), 20).await {
            peer.connect_tls(&Manner::default()).await.unwrap();
        }
    });
    judge("after the first", &[send(&gatepost)]);
    let before = resident(&gatepost, "VmRSS:");

    // They begin, say as much of a record as they like, and no more.
    let (held, mut took) = beside_messages(&gatepost, || {
        runtime.block_on(async {
            let mut peers = crowd(gatepost.address(), count).await;
            for peer in &mut peers {
                peer.send(&[b"\x16\x03\x01\x40\x00\x01\x00\x3f\xfc".as_slice(), &[0; 12_000]].concat()).await;
            }
            peers
        })
    });
    took.extend((0..MESSAGES).map(|_| send(&gatepost)));
    judge(&format!("{count} that begin"), &took);
    drop(held);

    // They all begin at once, and end.
    let ((), took) = beside_messages(&gatepost, || {
        runtime.block_on(async {
            let mut handshakes = JoinSet::new();
            for mut peer in crowd(gatepost.address(), count).await {
                handshakes.spawn(async move { peer.connect_tls(&Manner::default()).await.map(|()| peer) });
            }
            let mut secured = Vec::new();
            while let Some(ended) = handshakes.join_next().await {
                secured.push(ended.unwrap().unwrap());
            }
            assert_eq!(secured.len(), count);
        });
    });
    judge(&format!("{count} at once"), &took);

    let grown = resident(&gatepost, "VmHWM:").saturating_sub(before);
    let most = PLACES + SESSION * u64::try_from(count).unwrap();
    println!("{grown} kB more at most, {most} may be");
    assert!(grown <= most, "{grown} kB more for {count} handshakes, {most} may be");
}
