//! What a client or a backend does not read or does not end stays in its socket, not in our memory.

use std::time::Duration;

use tokio::time::advance;

use crate::heap::growth;
use crate::model::{Fault, Stage};
use crate::stand::{Client, Stand, run};
use crate::support::floor::settle;

const MIB: isize = 1 << 20;

#[test]
fn a_client_that_reads_nothing_is_let_go_of() {
    run(async {
        let stand = Stand::with("", "limits.junk_commands = \"none\"", "").await;
        let mut client = stand.greeted().await;
        // More replies than sockets hold: 14 octets for each 6.
        let noops = b"NOOP\r\n".repeat(10_000);
        let flood = async {
            loop {
                client.0.send(&noops).await;
            }
        };
        let clock = async {
            while stand.proxy.sessions() > 0 {
                settle().await;
                advance(Duration::from_secs(30)).await;
            }
        };
        let ((), grown) = growth(async {
            tokio::select! {
                never = flood => never,
                () = clock => {}
            }
        })
        .await;
        assert!(grown < MIB / 2, "{grown} octets");
        assert_eq!(stand.proxy.admission.sessions(), 0);
    });
}

/// Sends `mebibytes` of one line that does not end.
async fn send_line(client: &mut Client, mebibytes: usize) {
    let octets = vec![b'x'; MIB as usize];
    for _ in 0..mebibytes {
        client.0.send(&octets).await;
    }
}

#[test]
fn a_command_line_of_64_mebibytes_takes_no_memory() {
    run(async {
        let stand = Stand::new().await;
        let mut client = stand.greeted().await;
        let (heard, grown) = growth(async {
            send_line(&mut client, 64).await;
            client.ask("").await
        })
        .await;
        assert!(heard.starts_with("500 5.5.2"), "{heard}");
        assert!(grown < 2 * MIB, "{grown} octets, one mebibyte of them the client's");
    });
}

#[test]
fn a_line_of_64_mebibytes_in_content_is_on_disk() {
    run(async {
        let stand = Stand::with("", "limits.message_size = \"100 MB\"", "").await;
        for begin in ["DATA\r\n", "BDAT 67108880 LAST\r\n"] {
            // What the backend has is not to be counted: it refuses DATA.
            stand.model.faults.borrow_mut().push((Stage::Data, Fault::Say("452 4.3.1 Full\r\n")));
            let mut client = stand.greeted().await;
            client.ask("MAIL FROM:<ann@a.example>").await;
            client.ask("RCPT TO:<bob@b.example>").await;
            let (heard, grown) = growth(async {
                client.0.send(begin.as_bytes()).await;
                let is_data = begin.starts_with("DATA");
                if is_data {
                    assert!(client.hear().await.starts_with("354"));
                }
                client.0.send(b"Subject: x\r\n\r\n").await;
                send_line(&mut client, 64).await;
                client.0.send(if is_data { b"\r\n.\r\n" } else { b"\r\n" }).await;
                client.hear().await
            })
            .await;
            assert!(heard.starts_with("452 4.3.1 Full"), "{begin}: {heard}");
            assert!(grown < 6 * MIB, "{begin}: {grown} octets");
        }
    });
}

#[test]
fn a_backend_that_stops_reading_stops_us_without_filling_our_memory() {
    run(async {
        let stand = Stand::new().await;
        stand.model.faults.borrow_mut().push((Stage::Content, Fault::Stall));
        let mut client = stand.greeted().await;
        assert!(client.open().await[2].starts_with("354"));
        let line = b"0123456789abcdef\r\n".repeat(1000);
        let sending = async {
            client.0.send(b"Subject: x\r\n\r\n").await;
            for _ in 0..2000 {
                client.0.send(&line).await;
            }
            client.0.send(b".\r\n").await;
            client.hear().await
        };
        let ((heard, ()), grown) =
            growth(async { tokio::join!(sending, stand.pass_once_all_is_read()) }).await;
        assert!(heard.starts_with("451 4.4.1"), "{heard}");
        assert!(grown < 6 * MIB, "{grown} octets");
        assert_eq!(stand.proxy.house.spool.used(), 0);
    });
}
