//! The fixture itself, without gatepost: what the other tests take for granted about this Postfix.

use crate::support::arrived::{Arrived, Path};
use crate::support::client::Client;
use crate::support::drive;
use crate::support::postfix::{Options, PostfixBackend};

/// The trap is real: whoever reaches this Postfix from loopback may relay, by any of these forms.
#[test]
fn the_fixture_itself_relays_for_loopback() {
    let postfix = PostfixBackend::start(&Options::default());
    let mut client = Client::greeted(postfix.address());
    for outside in super::OUTSIDE {
        client.must("MAIL FROM:<ann@front.example>", 250);
        client.must(&format!("RCPT TO:<{outside}>"), 250);
        client.must("RSET", 250);
    }
    client.deliver("ann@front.example", "user%else.example@ours.example", b"Subject: out\r\n\r\nx\r\n");
    postfix.log_line(&["to=<user@else.example>", "relay=none", "status=sent", "discard"]);
}

#[test]
fn the_fixture_itself_delivers_octet_by_octet() {
    let postfix = PostfixBackend::start(&Options::default());
    let content = b"Subject: a\r\nX-Odd:  \xff\x01 \r\n\r\n.\r\n..\r\nFrom me\r\n\0\x80\r\n\r\n".to_vec();
    let mut client = Client::greeted(postfix.address());
    client.deliver("ann@front.example", "ann@ours.example", &content);
    client.quit();
    postfix.delivered("ann", Path::Direct).assert_is(&content);
}

#[test]
fn the_fixture_itself_offers_what_the_proxy_may_offer() {
    let postfix = PostfixBackend::start(&Options { xclient: true, ..Options::default() });
    let mut client = Client::connect(postfix.address());
    let ehlo = client.must("EHLO client.front.example", 250);
    for keyword in ["PIPELINING", "SIZE", "8BITMIME", "SMTPUTF8", "DSN", "CHUNKING", "XCLIENT"] {
        assert!(ehlo.offers(keyword), "{keyword}: {ehlo:?}");
    }
    assert!(!ehlo.offers("XFORWARD"), "{ehlo:?}");
}

#[test]
fn the_fixture_itself_starts_again_and_holds() {
    let mut postfix = PostfixBackend::start(&Options { hold: true, ..Options::default() });
    postfix.stop();
    assert!(std::net::TcpStream::connect(postfix.address()).is_err(), "stopped, and still listens");
    postfix.start_again();
    let content = b"Subject: held\r\n\r\nkept\r\n";
    Client::greeted(postfix.address()).deliver("ann@front.example", "ann@ours.example", content);
    let queued = postfix.queued(1).remove(0);
    assert_eq!(queued.values("sender"), ["ann@front.example"]);
    Arrived::queued(&queued.content, Path::Direct).assert_is(content);
}

#[test]
#[should_panic(expected = "content differs at octet 12")]
fn the_comparison_sees_one_changed_octet() {
    let stored = b"Received: by x (Postfix)\nSubject: a\n\nb\n";
    Arrived::queued(stored, Path::Direct).assert_is(b"Subject: a\r\n\r\nc\r\n");
}

#[test]
#[should_panic(expected = "no Received after")]
fn the_comparison_misses_a_field_that_is_due() {
    Arrived::queued(b"Received: by x (Postfix)\nSubject: a\n\nb\n", Path::ThroughGatepost);
}

#[test]
fn the_mail_programs_reach_the_fixture() {
    let postfix = PostfixBackend::start(&Options::default());
    let server = postfix.address();
    let swaks = drive::swaks(server, &["--from", "a@front.example", "--to", "ann@ours.example"]);
    assert!(swaks.succeeded(), "{}", swaks.text());
    let script = "smtp.sendmail('a@front.example', sys.argv[1], message)\nsaid(smtp.quit())";
    let python = drive::smtplib(server, script, &["ann@ours.example"], b"Subject: p\r\n\r\nx\r\n");
    assert!(python.succeeded() && python.text().starts_with("221 "), "{}", python.text());
    let source = drive::smtp_source(server, &["-m", "2", "-f", "a@front.example", "-t", "ann@ours.example"]);
    assert!(source.succeeded(), "{}", source.text());
    assert_eq!(postfix.maildir("ann", 4).len(), 4);
}
