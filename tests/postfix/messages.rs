//! Messages of every kind, sent by several clients' ways: what Postfix delivers is what was sent.

use std::io::Write;

use crate::support::arrived::Path::ThroughGatepost;
use crate::support::client::{Client, stuffed};
use crate::support::drive;
use crate::support::gatepost::{Gatepost, HOSTNAME};
use crate::support::postfix::{Options, PostfixBackend};

#[test]
fn one_recipient_gets_what_swaks_sent() {
    let (postfix, gatepost) = both();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"Subject: one\n\nfirst\n.\n..two\n\n").unwrap();
    let data = format!("@{}", file.path().display());
    for way in [&["--protocol", "ESMTP"][..], &["--pipeline"]] {
        let arguments = ["--from", "ann@front.example", "--to", "ann@ours.example", "--data", &data];
        let run = drive::swaks(gatepost.address(), &[&arguments, way].concat());
        assert!(run.succeeded(), "{}", run.text());
        let arrived = postfix.delivered("ann", ThroughGatepost);
        // swaks ends what it sends with a line end of its own.
        arrived.assert_is(b"Subject: one\r\n\r\nfirst\r\n.\r\n..two\r\n\r\n\r\n");
        assert_eq!(arrived.value("Return-Path"), "<ann@front.example>");
        for part in [&format!("by {HOSTNAME}"), "with ESMTP", "for <ann@ours.example>", "[127.0.0.1]"] {
            assert!(arrived.received_by_gatepost().contains(part), "{part}: {arrived:?}");
        }
        postfix.empty_maildir("ann");
    }
}

#[test]
fn fifty_recipients_of_smtp_source_all_get_it() {
    let (postfix, gatepost) = both();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"Subject: fifty\n\n.dot\nbody").unwrap();
    let path = file.path().to_str().unwrap().to_owned();
    let arguments =
        ["-r", "50", "-m", "1", "-f", "ann@front.example", "-t", "many@ours.example", "-F", &path];
    let run = drive::smtp_source(gatepost.address(), &arguments);
    assert!(run.succeeded(), "{}", run.text());
    // It numbers all but the last one.
    let users = (2..=50).map(|number| format!("{number}many")).chain(["many".to_owned()]);
    for user in users {
        let arrived = postfix.delivered(&user, ThroughGatepost);
        // smtp-source ends what it sends with an empty line of its own.
        arrived.assert_is(b"Subject: fifty\r\n\r\n.dot\r\nbody\r\n\r\n");
        assert!(!arrived.received_by_gatepost().contains(" for "), "RFC 5321 §7.2: {arrived:?}");
    }
}

#[test]
fn fifty_recipients_of_smtplib_all_get_it() {
    let (postfix, gatepost) = both();
    let script = "refused = smtp.sendmail('ann@front.example', sys.argv[1:], message)\n\
                  assert refused == {}, refused\nsaid(smtp.quit())";
    let users: Vec<String> = (1..=50).map(|number| format!("user{number}@ours.example")).collect();
    let users: Vec<&str> = users.iter().map(String::as_str).collect();
    let run = drive::smtplib(gatepost.address(), script, &users, PLAIN);
    assert!(run.succeeded(), "{}", run.text());
    for number in 1..=50 {
        postfix.delivered(&format!("user{number}"), ThroughGatepost).assert_is(PLAIN);
    }
}

#[test]
fn twenty_megabytes_arrive_octet_by_octet() {
    let (postfix, gatepost) = both();
    let mut message = b"Subject: big\r\n\r\n".to_vec();
    let mut octet = 0u8;
    while message.len() < 20_000_000 {
        // Lines of every octet but CR and LF, of changing lengths, many with a dot in front.
        let line = (0..1 + message.len() % 211).map(|_| {
            octet = octet.wrapping_mul(5).wrapping_add(41);
            if matches!(octet, b'\r' | b'\n') { b'.' } else { octet }
        });
        message.extend(line);
        message.extend_from_slice(if octet.is_multiple_of(2) { b"\r\n" } else { b"\r\n." });
    }
    message.extend_from_slice(b"\r\n");
    let script = "smtp.sendmail('ann@front.example', ['ann@ours.example'], message)\nsaid(smtp.quit())";
    let run = drive::smtplib(gatepost.address(), script, &[], &message);
    assert!(run.succeeded(), "{}", run.text());
    postfix.delivered("ann", ThroughGatepost).assert_is(&message);
}

#[test]
fn eight_bit_content_arrives_as_it_was() {
    let (postfix, gatepost) = both();
    let message = "Subject: grüße\r\nContent-Type: text/plain; charset=latin1\r\n\r\n".as_bytes();
    let message = [message, b"gr\xfc\xdfe \xff\x80 \xc3\r\n"].concat();
    let script = "smtp.sendmail('ann@front.example', ['ann@ours.example'], message, ['BODY=8BITMIME'])\n\
                  said(smtp.quit())";
    let run = drive::smtplib(gatepost.address(), script, &[], &message);
    assert!(run.succeeded(), "{}", run.text());
    postfix.delivered("ann", ThroughGatepost).assert_is(&message);
}

#[test]
fn a_batch_in_one_write_is_taken_as_a_whole() {
    let (postfix, gatepost) = both();
    let mut client = Client::greeted(gatepost.address());
    client.send(
        b"MAIL FROM:<ann@front.example>\r\nRCPT TO:<ann@ours.example>\r\n\
          RCPT TO:<nobody@ours.example>\r\nRCPT TO:<bob@ours.example>\r\nDATA\r\n",
    );
    let codes: Vec<u16> = (0..5).map(|_| client.reply().code).collect();
    assert_eq!(codes, [250, 250, 550, 250, 354]);
    // End of data may be followed by the next transaction (RFC 2920 §3.1).
    let next = b"MAIL FROM:<bob@front.example>\r\nRCPT TO:<bob@ours.example>\r\nDATA\r\n";
    client.send(&[&stuffed(PLAIN)[..], next].concat());
    let codes: Vec<u16> = (0..4).map(|_| client.reply().code).collect();
    assert_eq!(codes, [250, 250, 250, 354]);
    client.send(&[&stuffed(OTHER)[..], b"QUIT\r\n"].concat());
    assert_eq!([client.reply().code, client.reply().code], [250, 221]);
    postfix.delivered("ann", ThroughGatepost).assert_is(PLAIN);
    assert_eq!(postfix.maildir("bob", 2).len(), 2);
}

#[test]
fn a_client_that_waits_for_every_reply_is_served() {
    let (postfix, gatepost) = both();
    let mut client = Client::connect(gatepost.address());
    assert_eq!(client.greeting.code, 220);
    client.must("HELO client.front.example", 250);
    client.deliver("ann@front.example", "ann@ours.example", PLAIN);
    client.quit();
    let arrived = postfix.delivered("ann", ThroughGatepost);
    arrived.assert_is(PLAIN);
    assert!(arrived.received_by_gatepost().contains("with SMTP"), "RFC 3848: {arrived:?}");
}

#[test]
fn bdat_chunks_of_any_size_arrive_as_one_message() {
    let (postfix, gatepost) = both();
    let content = b"Subject: chunks\r\n\r\n.\r\n..\r\n.a\r\n\0\xff\r\nlast\r\n";
    for size in [1, 7, 4096] {
        let mut client = Client::greeted(gatepost.address());
        client.must("MAIL FROM:<ann@front.example> BODY=8BITMIME", 250);
        client.must("RCPT TO:<ann@ours.example>", 250);
        let reply = client.bdat(content, size);
        assert_eq!(reply.code, 250, "chunks of {size}: {reply:?}");
        client.quit();
        postfix.delivered("ann", ThroughGatepost).assert_is(content);
        postfix.empty_maildir("ann");
    }
}

#[test]
fn bdat_without_a_last_line_end_gets_one() {
    let (postfix, gatepost) = both();
    let mut client = Client::greeted(gatepost.address());
    client.must("MAIL FROM:<ann@front.example>", 250);
    client.must("RCPT TO:<ann@ours.example>", 250);
    let reply = client.bdat(b"Subject: cut\r\n\r\nno end", 10);
    assert_eq!(reply.code, 250, "{reply:?}");
    postfix.delivered("ann", ThroughGatepost).assert_is(b"Subject: cut\r\n\r\nno end\r\n");
}

#[test]
fn two_transactions_on_one_connection_stay_apart() {
    let (postfix, gatepost) = both();
    let mut client = Client::greeted(gatepost.address());
    client.deliver("ann@front.example", "ann@ours.example", PLAIN);
    client.must("MAIL FROM:<given.up@front.example>", 250);
    client.must("RCPT TO:<ann@ours.example>", 250);
    client.must("RSET", 250);
    client.deliver("", "bob@ours.example", OTHER);
    client.quit();
    let first = postfix.delivered("ann", ThroughGatepost);
    first.assert_is(PLAIN);
    assert_eq!(first.value("Return-Path"), "<ann@front.example>");
    let second = postfix.delivered("bob", ThroughGatepost);
    second.assert_is(OTHER);
    assert_eq!(second.value("Return-Path"), "<>");
    assert_eq!(postfix.delivered_count("ann"), 1, "the transaction given up left nothing");
}

#[test]
fn many_messages_of_smtp_source_on_many_connections_all_arrive() {
    let (postfix, gatepost) = both();
    let arguments =
        ["-s", "5", "-m", "40", "-l", "4000", "-f", "ann@front.example", "-t", "ann@ours.example"];
    let run = drive::smtp_source(gatepost.address(), &arguments);
    assert!(run.succeeded(), "{}", run.text());
    // A second run keeps each connection for several messages.
    let run = drive::smtp_source(gatepost.address(), &[&["-d"], &arguments[..]].concat());
    assert!(run.succeeded(), "{}", run.text());
    assert_eq!(postfix.maildir("ann", 80).len(), 80);
}

fn both() -> (PostfixBackend, Gatepost) {
    let postfix = PostfixBackend::start(&Options::default());
    let gatepost = Gatepost::in_front_of(&postfix);
    (postfix, gatepost)
}

const PLAIN: &[u8] = b"Subject: plain\r\nFrom: ann@front.example\r\n\r\n.a dot\r\nand\r\n.\r\nan end\r\n";
const OTHER: &[u8] = b"Subject: other\r\n\r\n\r\n\r\n";
