//! SIGTERM: what is under way ends well, the rest ends at once.

use std::net::TcpListener;

use crate::support::client::Client;
use crate::support::gatepost::Gatepost;
use crate::toml;

#[test]
fn a_drain_ends_idle_sessions_and_lets_a_transaction_end_well() {
    let mut gatepost = Gatepost::start(&toml("", ""));
    let mut idle = Client::greeted(gatepost.address());
    let mut busy = Client::greeted(gatepost.address());
    busy.must("MAIL FROM:<ann@front.example>", 250);
    busy.must("RCPT TO:<ann@ours.example>", 250);
    busy.must("DATA", 354);
    gatepost.terminate();
    let reply = idle.reply();
    assert!(reply.text().starts_with("421 4.3.2 "), "{reply:?}");
    assert!(std::net::TcpStream::connect(gatepost.address()).is_err(), "a drain takes no new connections");
    busy.send(b"Subject: the last\r\n\r\nx\r\n.\r\n");
    assert_eq!(busy.reply().code, 250);
    assert_eq!(busy.reply().code, 421);
    assert_eq!(gatepost.ended().code(), Some(0));
    gatepost.log_line(&["ended"]);
    let new = gatepost.directory().join("Maildir/new");
    assert_eq!(std::fs::read_dir(new).unwrap().count(), 1);
}

#[test]
fn patience_with_a_slow_client_has_an_end_and_nothing_is_acknowledged() {
    let mut gatepost = Gatepost::start(&toml("", "").replace("30s", "100ms"));
    let mut slow = Client::greeted(gatepost.address());
    slow.must("MAIL FROM:<ann@front.example>", 250);
    slow.must("RCPT TO:<ann@ours.example>", 250);
    slow.must("DATA", 354);
    slow.send(b"Subject: never ending\r\n");
    gatepost.terminate();
    assert_eq!(gatepost.ended().code(), Some(0));
    let new = gatepost.directory().join("Maildir/new");
    assert_eq!(std::fs::read_dir(new).map_or(0, Iterator::count), 0);
}

#[test]
fn whoever_waits_for_the_backend_is_told_when_patience_is_over() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let backend = silent.local_addr().unwrap().to_string();
    let toml = toml("", "").replace("30s", "100ms").replace("maildir:Maildir", &backend);
    let mut gatepost = Gatepost::start(&toml);
    let mut client = Client::greeted(gatepost.address());
    client.must("MAIL FROM:<ann@front.example>", 250);
    client.send(b"RCPT TO:<ann@ours.example>\r\n");
    // One connection asks what it offers, the other is the session's.
    let _taken = [silent.accept().unwrap(), silent.accept().unwrap()];
    gatepost.terminate();
    let reply = client.reply();
    assert!(reply.text().starts_with("421 4.3.2 "), "{reply:?}");
    assert_eq!(gatepost.ended().code(), Some(0));
    gatepost.log_line(&["session ended", "reason=drain"]);
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let mut gatepost = Gatepost::start(&toml("", "").replace("30s", "1h"));
    let mut busy = Client::greeted(gatepost.address());
    busy.must("MAIL FROM:<ann@front.example>", 250);
    gatepost.terminate();
    gatepost.log_line(&["draining"]);
    gatepost.terminate();
    assert_eq!(gatepost.ended().code(), Some(0));
    gatepost.log_line(&["ended at once"]);
}
