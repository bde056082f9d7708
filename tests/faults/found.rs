//! Faults that were found by reading, each as it was: none of them may come back.

use std::time::Duration;

use tokio::time::advance;

use crate::model::{Fault, Stage};
use crate::stand::{Stand, run};
use crate::support::floor::settle;

#[test]
fn what_a_policy_decided_about_a_message_does_not_reach_the_next_one() {
    run(async {
        let policy = "local count = 0\n\
             return { header = function()\n\
               count = count + 1\n\
               if count == 1 then return discard('unwanted') end\n\
             end }\n";
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("discards.lua");
        std::fs::write(&path, policy).unwrap();
        let table = format!("[policy.discards]\nscript = \"{}\"", path.display());
        let stand = Stand::with("", "policies = [\"discards\"]", &table).await;
        let mut client = stand.greeted().await;
        client.ask("MAIL FROM:<ann@a.example>").await;
        client.ask("RCPT TO:<bob@b.example>").await;
        let taken = client.ask("BDAT 16\r\nX-Subject: x\r\n").await;
        assert!(taken.starts_with("250"), "{taken}");
        assert!(client.ask("RSET").await.starts_with("250"));
        assert!(client.open().await[2].starts_with("354"));
        client.0.send(b"Subject: x\r\n\r\nbare\nnewline\r\n.\r\n").await;
        assert!(client.hear().await.starts_with("550 5.6.11"), "a refused message is refused");
        stand.assert_balance(0);
    });
}

#[test]
fn octets_that_end_no_line_do_not_extend_the_time_of_a_command() {
    run(async {
        let stand = Stand::new().await;
        let mut client = stand.greeted().await;
        for _ in 0..9 {
            settle().await;
            advance(Duration::from_secs(30)).await;
            client.0.send(b"N").await;
        }
        settle().await;
        assert!(client.0.unread().is_empty());
        advance(Duration::from_secs(31)).await;
        assert!(client.hear().await.starts_with("421 4.4.2"), "command_timeout is 300 s");
    });
}

#[test]
fn content_that_stalls_past_the_session_s_end_is_cut_off() {
    run(async {
        for begin in ["DATA\r\n", "BDAT 9999\r\n"] {
            let stand = Stand::with("", "limits.session_timeout = \"50s\"", "").await;
            let mut client = stand.greeted().await;
            client.ask("MAIL FROM:<ann@a.example>").await;
            client.ask("RCPT TO:<bob@b.example>").await;
            client.0.send(begin.as_bytes()).await;
            if begin.starts_with("DATA") {
                client.hear().await;
            }
            client.0.send(b"S").await;
            settle().await;
            advance(Duration::from_secs(51)).await;
            assert!(client.hear().await.starts_with("421 4.4.2"), "{begin}");
            assert!(client.hear().await.is_empty());
        }
    });
}

#[test]
fn a_spool_that_is_full_at_the_end_of_data_says_so_at_once() {
    run(async {
        let spool = "[spool]\nmemory = \"4 KiB\"\nlimit = \"4 KiB\"";
        let stand = Stand::with("", "bare_newline = \"normalize\"", spool).await;
        let mut client = stand.greeted().await;
        assert!(client.open().await[2].starts_with("354"));
        let content = [&b"Subject: x\r\n\r\n"[..], &b"0123456789abcd\r\n".repeat(800), b".\r\n"].concat();
        client.0.send(&content).await;
        assert!(client.hear().await.starts_with("452 4.3.1"), "without a wait: the clock stands still");
        assert!(client.ask("NOOP").await.starts_with("250"), "the end was found");
        assert_eq!(stand.proxy.house.spool.used(), 0);
    });
}

#[test]
fn mail_refused_when_an_envelope_is_told_anew_is_451_4_4_1() {
    run(async {
        let stand = Stand::new().await;
        stand.model.faults.borrow_mut().push((Stage::Data, Fault::Close));
        let mut client = stand.greeted().await;
        assert!(client.open().await[2].starts_with("354"));
        stand.model.faults.borrow_mut().push((Stage::Mail, Fault::Say("550 5.7.1 Not any more\r\n")));
        client.0.send(b"Subject: x\r\n\r\n.\r\n").await;
        let heard = client.hear().await;
        assert!(heard.starts_with("451 4.4.1"), "the recipients were accepted: {heard}");
    });
}

#[test]
fn a_354_behind_a_refused_mail_is_no_place_for_the_next_commands() {
    run(async {
        let stand = Stand::new().await;
        stand.model.is_lax.set(true);
        stand.model.faults.borrow_mut().push((Stage::Mail, Fault::Say("450 4.2.0 Later\r\n")));
        let mut client = stand.greeted().await;
        client.0.send(b"MAIL FROM:<ann@a.example>\r\nRCPT TO:<bob@b.example>\r\nDATA\r\n").await;
        assert!(client.hear().await.starts_with("250"));
        assert!(client.hear().await.starts_with("450 4.2.0 Later"));
        assert!(client.hear().await.starts_with("554 5.5.1"));
        client.ask("RSET").await;
        assert!(client.send().await.starts_with("250"));
        let messages = stand.model.messages.borrow();
        assert!(messages[0].content.is_empty(), "a lone dot, no command");
        assert!(messages[1].content.ends_with(b"hello\r\n"));
        stand.assert_balance(1);
    });
}

#[test]
fn a_connection_that_ends_or_speaks_between_transactions_is_replaced() {
    run(async {
        for fault in [Fault::Last("250 2.0.0 Ok\r\n250 2.0.0 twice\r\n"), Fault::Last("250 2.0.0 Ok\r\n")] {
            let stand = Stand::new().await;
            stand.model.faults.borrow_mut().push((Stage::Dot, fault));
            let mut client = stand.greeted().await;
            assert!(client.send().await.starts_with("250"));
            settle().await;
            assert!(client.send().await.starts_with("250"), "on another one");
            stand.assert_balance(2);
            assert_eq!(stand.model.commands.borrow().len(), 2);
        }
    });
}

#[test]
fn chunks_outside_a_transaction_are_bad_commands() {
    run(async {
        let stand = Stand::new().await;
        let mut client = stand.greeted().await;
        for _ in 0..19 {
            assert!(client.ask("BDAT 3\r\nx").await.starts_with("503 5.5.1"));
        }
        assert!(client.ask("BDAT 3\r\nx").await.starts_with("421 4.7.0"), "limits.errors is 20");
    });
}
