//! Slow clients don't use up the backend, nor an idle session the memory.

use rustix::process::{Resource, getrlimit, setrlimit};

use gatepost::proxy::serve::Serve;

use crate::stand::{Client, Stand, run};
use crate::support::floor::settle;

#[test]
fn the_future_of_an_idle_session_is_at_most_two_kibibytes() {
    run(async {
        let stand = Stand::new().await;
        let _client = stand.greeted().await;
        let (task, state) = (stand.proxy.session_octets.get(), size_of::<Serve>());
        assert!(task + state <= 2048, "{task} octets, and {state} that they point to");
    });
}

/// How a slow client got as far as its content.
#[derive(Clone, Copy, Debug)]
enum Way {
    Stepwise,
    Batch,
    Chunks,
}

/// A client whose message was begun and does not go on.
async fn dripping(stand: &Stand, number: u16) -> (Client, Way) {
    let mut client = stand.client_from(number).await;
    client.hear().await;
    client.ask("EHLO client.a.example").await;
    let way = [Way::Stepwise, Way::Batch, Way::Chunks][usize::from(number) % 3];
    match way {
        Way::Stepwise => assert!(client.open().await[2].starts_with("354")),
        Way::Batch => {
            client.0.send(b"MAIL FROM:<ann@a.example>\r\nRCPT TO:<bob@b.example>\r\nDATA\r\n").await;
            for code in ["250", "250", "354"] {
                assert!(client.hear().await.starts_with(code), "client {number}");
            }
        }
        Way::Chunks => {
            assert!(client.ask("MAIL FROM:<ann@a.example>").await.starts_with("250"));
            assert!(client.ask("RCPT TO:<bob@b.example>").await.starts_with("250"), "client {number}");
            client.0.send(b"BDAT 14 LAST\r\n").await;
        }
    }
    client.0.send(b"S").await;
    (client, way)
}

#[test]
fn five_hundred_slow_clients_leave_the_backend_to_the_next_message() {
    run(async {
        let limits = getrlimit(Resource::Nofile);
        setrlimit(Resource::Nofile, rustix::process::Rlimit { current: limits.maximum, ..limits }).unwrap();
        let stand = Stand::with("connections = 80", "", "").await;
        let began = tokio::time::Instant::now();
        let mut slow = Vec::new();
        for number in 1..=500 {
            slow.push(dripping(&stand, number).await);
        }
        settle().await;
        let mut next = stand.greeted().await;
        assert!(next.send().await.starts_with("250"), "the next message passes");
        assert!(began.elapsed().is_zero(), "at once");
        assert!(stand.model.most.get() <= 80, "{} connections at once", stand.model.most.get());
        // The first ones were called back first; their envelopes are told anew.
        for (client, way) in &mut slow[..6] {
            let rest: &[u8] = match way {
                Way::Chunks => b"ubject: x\r\n\r\n",
                _ => b"ubject: x\r\n\r\nhello\r\n.\r\n",
            };
            client.0.send(rest).await;
            let heard = client.hear().await;
            assert!(heard.starts_with("250"), "{way:?}: {heard}");
        }
        stand.assert_balance(7);
        assert_eq!(stand.model.acknowledged(), 7);
        assert!(stand.model.most.get() <= 80, "{} connections at once", stand.model.most.get());
    });
}

#[test]
fn an_idle_connection_is_given_up_to_whoever_needs_it_and_its_envelope_told_anew() {
    run(async {
        let stand = Stand::with("connections = 1", "", "").await;
        let began = tokio::time::Instant::now();
        let mut first = stand.greeted().await;
        first.ask("MAIL FROM:<ann@a.example>").await;
        assert!(first.ask("RCPT TO:<bob@b.example>").await.starts_with("250"));
        let mut second = stand.greeted().await;
        assert!(second.send().await.starts_with("250"));
        assert!(first.ask("RCPT TO:<eve@b.example>").await.starts_with("250"));
        assert!(first.ask("DATA").await.starts_with("354"));
        first.0.send(b"Subject: x\r\n\r\n.\r\n").await;
        assert!(first.hear().await.starts_with("250"));
        assert!(began.elapsed().is_zero());
        assert_eq!(stand.model.messages.borrow()[1].recipients.len(), 2, "all of the envelope");
        assert_eq!(stand.model.most.get(), 1);
    });
}
