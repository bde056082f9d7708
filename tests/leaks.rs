//! Nothing is left behind: descriptors, sessions, spool and memory are back to base after resets at every stage and
//! after many messages.
//!
//! One test, alone in its process: it counts the process's descriptors. `GATEPOST_SOAK=N` sends N messages.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic
)]
#![allow(dead_code, unreachable_pub, reason = "support/ is for several tests; none uses all of it")]

mod support;

#[path = "faults/heap.rs"]
mod heap;
#[path = "faults/model.rs"]
mod model;
#[path = "faults/stand.rs"]
mod stand;

use stand::{Client, Stand, run};
use support::floor::settle;

/// How far a client goes before it resets the connection.
const STAGES: [&[&[u8]]; 10] = [
    &[],
    &[EHLO],
    &[EHLO, MAIL],
    &[EHLO, MAIL, RCPT],
    &[EHLO, MAIL, RCPT, DATA],
    &[EHLO, MAIL, RCPT, DATA, b"Subject: x\r\n\r\nhalf a li"],
    &[EHLO, MAIL, RCPT, DATA, b"Subject: x\r\n\r\n", SPOOLED],
    &[EHLO, MAIL, RCPT, DATA, b"Subject: x\r\n\r\nhello\r\n.\r\n"],
    &[EHLO, MAIL, RCPT, b"BDAT 100\r\nSubject: x\r\n"],
    &[b"EHLO cut"],
];
const EHLO: &[u8] = b"EHLO client.a.example\r\n";
const MAIL: &[u8] = b"MAIL FROM:<ann@a.example>\r\n";
const RCPT: &[u8] = b"RCPT TO:<bob@b.example>\r\n";
const DATA: &[u8] = b"DATA\r\n";
/// More content than stays in memory.
const SPOOLED: &[u8] = &[b'x'; 700 * 1024];

/// One client that goes as far as `lines` and resets; it hears each reply, or none if it is `hasty`.
async fn reset(stand: &Stand, lines: &[&[u8]], is_hasty: bool) {
    let mut client: Client = stand.client().await;
    for line in lines {
        if !is_hasty && ![b'S', b'B', b'x'].contains(&line[0]) {
            client.hear().await;
        }
        client.0.send(line).await;
    }
    settle().await;
    client.0.reset();
    stand.proxy.emptied().await;
}

/// Descriptors that the process has open.
fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

async fn settled(stand: &Stand) {
    while stand.model.open.get() > 0 {
        settle().await;
    }
    settle().await;
    stand.model.messages.borrow_mut().clear();
    stand.model.messages.borrow_mut().shrink_to_fit();
    stand.model.commands.borrow_mut().clear();
    stand.model.commands.borrow_mut().shrink_to_fit();
}

#[test]
fn nothing_is_left_behind_by_resets_and_messages() {
    let messages = std::env::var("GATEPOST_SOAK").ok().and_then(|count| count.parse().ok()).unwrap_or(3000);
    run(async {
        let stand = Stand::with("", "limits.connection_rate = \"none\"", "[spool]\nmemory = \"4 KiB\"").await;
        // What is made once is made before.
        for round in 0..2 {
            for lines in STAGES {
                reset(&stand, lines, round == 1).await;
            }
        }
        settled(&stand).await;
        let (files, octets) = (descriptors(), heap::held());
        for round in 0..90 {
            for lines in STAGES {
                reset(&stand, lines, round % 2 == 1).await;
            }
            settled(&stand).await;
        }
        let mut sent = 0;
        while sent < messages {
            let mut client = stand.greeted().await;
            for _ in 0..20 {
                assert!(client.send().await.starts_with("250"));
                sent += 1;
            }
            drop(client);
            stand.proxy.emptied().await;
            settled(&stand).await;
        }
        assert_eq!(descriptors(), files, "descriptors");
        assert_eq!(stand.proxy.admission.sessions(), 0, "sessions");
        assert_eq!(stand.proxy.house.spool.used(), 0, "spool");
        let server = stand.proxy.house.servers.values().next().unwrap();
        assert_eq!(server.ceiling.free(), 80, "connections to the backend");
        let grown = heap::held() - octets;
        assert!(grown < 64 * 1024, "{grown} octets more than before");
    });
}
