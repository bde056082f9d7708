//! A slow disk holds up the message that waits for it, and nothing else on its worker.

use std::cell::Cell;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use gatepost::threads::storage::StoragePool;

use crate::stand::{Stand, run};
use crate::support::floor::{Proxy, settle};
use crate::support::peer::Peer;

const MAILDIR: &str = "hostname = \"mx.b.example\"\n[relay]\ndomains = [\"b.example\"]\n\
     [[backend]]\naddress = \"maildir:Maildir\"\n\
     [[listener]]\nbind = \"127.0.0.1:25\"\nclient_name = false\n";

/// Occupies the one thread of `pool` until the sender speaks or goes: a write or a flush that takes that long.
fn jam(pool: &StoragePool) -> Sender<()> {
    let (release, gate) = channel();
    pool.leave(move || {
        let _ = gate.recv();
    });
    release
}

/// Counts turns of the worker's loop while `test` runs.
async fn turns<T>(test: impl Future<Output = T>) -> (T, u64) {
    let count = Cell::new(0_u64);
    let ticking = async {
        loop {
            count.set(count.get() + 1);
            tokio::task::yield_now().await;
        }
    };
    let output = tokio::select! {
        output = test => output,
        never = ticking => never,
    };
    (output, count.get())
}

#[test]
fn a_write_to_the_spool_that_hangs_holds_up_no_other_session() {
    run(async {
        let pool = StoragePool::start(1, 256).unwrap();
        let stand = Stand::on(&pool, "", "", "[spool]\nmemory = \"4 KiB\"").await;
        let mut slow = stand.greeted().await;
        assert!(slow.open().await[2].starts_with("354"));
        let release = jam(&pool);
        slow.0
            .send(
                &[&b"Subject: x\r\n\r\n"[..], &b"0123456789abcd\r\n".repeat(100_000), b".\r\n"].concat()
                    [..1 << 20],
            )
            .await;
        let ((), turned) = turns(async {
            let mut other = stand.greeted().await;
            for _ in 0..3 {
                assert!(other.send().await.starts_with("250"));
            }
            settle().await;
        })
        .await;
        assert!(turned >= 100, "the loop goes on: {turned} turns");
        assert!(slow.0.unread().is_empty(), "that one waits");
        drop(release);
        slow.0.send(b"\r\n.\r\n").await;
        let heard = slow.hear().await;
        assert!(heard.starts_with("250"), "{heard}");
        stand.assert_balance(4);
    });
}

/// A client of `proxy` that has heard 354.
async fn at_data(proxy: &Proxy) -> crate::stand::Client {
    let peer = "203.0.113.9:4711".parse().unwrap();
    let mut client = crate::stand::Client(Peer::new(proxy.connect(peer).await));
    client.hear().await;
    assert!(client.ask("EHLO client.a.example").await.starts_with("250"));
    assert!(client.open().await[2].starts_with("354"));
    client
}

#[test]
fn a_flush_of_a_maildir_that_hangs_holds_up_no_other_session() {
    run(async {
        let pool = StoragePool::start(1, 256).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let proxy = Proxy::start_on(&pool, MAILDIR, folder.path()).unwrap();
        let mut slow = at_data(&proxy).await;
        let release = jam(&pool);
        slow.0.send(b"Subject: x\r\n\r\n.\r\n").await;
        let ((), turned) = turns(async {
            at_data(&proxy).await;
            settle().await;
        })
        .await;
        assert!(turned >= 100, "the loop goes on: {turned} turns");
        assert!(slow.0.unread().is_empty(), "no acknowledgement before it is on disk");
        assert_eq!(proxy.counters.acknowledgements_told.get(), 0);
        drop(release);
        assert!(slow.hear().await.starts_with("250 2.0.0 Ok: stored as"));
        assert_eq!(proxy.counters.acknowledged_by_store.get(), 1);
        let stored = std::fs::read_dir(folder.path().join("Maildir/new")).unwrap().count();
        assert_eq!(stored, 1);
    });
}

/// Lets a file's work, which needs no clock, be done: until `done`.
async fn until(mut done: impl FnMut() -> bool) {
    while !done() {
        tokio::task::yield_now().await;
    }
}

#[test]
fn a_maildir_that_hangs_defers_its_message_in_time() {
    run(async {
        let pool = StoragePool::start(1, 256).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let proxy = Proxy::start_on(&pool, MAILDIR, folder.path()).unwrap();
        let mut client = at_data(&proxy).await;
        let release = jam(&pool);
        client.0.send(b"Subject: x\r\n\r\n.\r\n").await;
        settle().await;
        tokio::time::advance(Duration::from_secs(569)).await;
        settle().await;
        assert!(client.0.unread().is_empty(), "it has the time that a backend has");
        tokio::time::advance(Duration::from_secs(1)).await;
        let heard = client.hear().await;
        assert!(heard.starts_with("451 4.4.2 "), "{heard}");
        assert_eq!(proxy.counters.acknowledgements_told.get(), 0);
        drop(release);
        assert!(client.send().await.starts_with("250 2.0.0 Ok: stored as"), "the next one passes");
        let stored =
            |part: &str| std::fs::read_dir(folder.path().join("Maildir").join(part)).unwrap().count();
        until(|| stored("tmp") == 0).await;
        assert_eq!(stored("new"), 1);
    });
}

#[test]
fn a_spool_that_hangs_defers_its_message_in_time() {
    run(async {
        let pool = StoragePool::start(1, 256).unwrap();
        let stand = Stand::on(&pool, "", "", "[spool]\nmemory = \"4 KiB\"").await;
        let mut client = stand.greeted().await;
        assert!(client.open().await[2].starts_with("354"));
        let release = jam(&pool);
        let content = [&b"Subject: x\r\n\r\n"[..], &b"0123456789abcd\r\n".repeat(30_000), b".\r\n"].concat();
        client.0.send(&content).await;
        settle().await;
        tokio::time::advance(Duration::from_secs(59)).await;
        settle().await;
        assert!(client.0.unread().is_empty());
        tokio::time::advance(Duration::from_secs(1)).await;
        let heard = client.hear().await;
        assert!(heard.starts_with("452 4.3.1 "), "{heard}");
        drop(release);
        assert!(client.send().await.starts_with("250"), "the next one passes");
        stand.assert_balance(1);
    });
}
