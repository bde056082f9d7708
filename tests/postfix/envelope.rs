//! What stands around a message: recipients that Postfix refuses, internationalized addresses, DSN parameters.

use crate::support::arrived::{Arrived, Path};
use crate::support::client::Client;
use crate::support::drive;
use crate::support::gatepost::Gatepost;
use crate::support::postfix::{Options, PostfixBackend, Queued};

#[test]
fn an_unknown_recipient_hears_what_postfix_said_and_nothing_more() {
    let postfix = PostfixBackend::start(&Options::default());
    let gatepost = Gatepost::in_front_of(&postfix);
    let heard = |server| {
        let mut client = Client::greeted(server);
        client.must("MAIL FROM:<ann@front.example>", 250);
        client.command("RCPT TO:<nobody@ours.example>")
    };
    let from_postfix = heard(postfix.address());
    assert!(from_postfix.text().starts_with("550 5.1.1 <nobody@ours.example>: "), "{from_postfix:?}");
    assert_eq!(heard(gatepost.address()), from_postfix);
}

#[test]
fn an_unknown_recipient_does_not_keep_the_known_one_from_getting_it() {
    let postfix = PostfixBackend::start(&Options::default());
    let gatepost = Gatepost::in_front_of(&postfix);
    let script = "refused = smtp.sendmail('ann@front.example', sys.argv[1:], message)\n\
                  print(sorted((who, reply[0]) for who, reply in refused.items()))";
    let recipients = ["nobody@ours.example", "ann@ours.example", "no.one@ours.example"];
    let run = drive::smtplib(gatepost.address(), script, &recipients, MESSAGE);
    let refused = "[('no.one@ours.example', 550), ('nobody@ours.example', 550)]";
    assert_eq!(run.text().trim(), refused);
    postfix.delivered("ann", Path::ThroughGatepost).assert_is(MESSAGE);
}

#[test]
fn data_after_refused_recipients_only_is_refused() {
    let postfix = PostfixBackend::start(&Options::default());
    let gatepost = Gatepost::in_front_of(&postfix);
    let mut client = Client::greeted(gatepost.address());
    client.send(b"MAIL FROM:<a@front.example>\r\nRCPT TO:<nobody@ours.example>\r\nDATA\r\n");
    assert_eq!([client.reply().code, client.reply().code], [250, 550]);
    assert!(client.reply().text().starts_with("554 5.5.1 "));
    client.must("RSET", 250);
    client.deliver("ann@front.example", "ann@ours.example", MESSAGE);
    postfix.delivered("ann", Path::ThroughGatepost).assert_is(MESSAGE);
}

#[test]
fn internationalized_mail_arrives() {
    let postfix = PostfixBackend::start(&Options::default());
    let gatepost = Gatepost::in_front_of(&postfix);
    gatepost.wait_for_offer(&["SMTPUTF8"]);
    let message = "Subject: Grüße\r\nFrom: käthe@front.example\r\n\r\nschön\r\n".as_bytes();
    let script = "options = ['SMTPUTF8', 'BODY=8BITMIME']\n\
                  smtp.sendmail('käthe@front.example', ['jörg@ours.example'], message, options)\n\
                  said(smtp.quit())";
    let run = drive::smtplib(gatepost.address(), script, &[], message);
    assert!(run.succeeded(), "{}", run.text());
    let arrived = postfix.delivered("jörg", Path::ThroughGatepost);
    arrived.assert_is(message);
    assert_eq!(arrived.value("Return-Path"), "<käthe@front.example>");
    assert!(arrived.received_by_gatepost().contains("with UTF8SMTP"), "RFC 6531 §4.3: {arrived:?}");
}

#[test]
fn dsn_parameters_reach_the_queue_as_they_were_given() {
    let postfix = PostfixBackend::start(&Options { hold: true, ..Options::default() });
    let gatepost = Gatepost::in_front_of(&postfix);
    gatepost.wait_for_offer(&["DSN"]);
    // Straight to Postfix first: what it makes of the parameters is what must come out through the proxy.
    let direct = held_with_dsn(&postfix, postfix.address(), 1);
    let through = held_with_dsn(&postfix, gatepost.address(), 2);
    assert_eq!(dsn_records(&direct[0]).len(), 6, "{:?}", direct[0].envelope);
    for queued in &through {
        assert_eq!(dsn_records(queued), dsn_records(&direct[0]));
    }
    let contents = through.iter().map(|queued| {
        let hops = queued.content.split(|octet| *octet == b'\n').filter(|l| l.starts_with(b"Received: "));
        let way = if hops.count() == 2 { Path::ThroughGatepost } else { Path::Direct };
        Arrived::queued(&queued.content, way).assert_is(MESSAGE);
        way
    });
    assert!(contents.collect::<Vec<_>>().contains(&Path::ThroughGatepost));
}

/// Sends one message with all DSN parameters to `server`; what is on hold when there are `count`.
fn held_with_dsn(postfix: &PostfixBackend, server: std::net::SocketAddr, count: usize) -> Vec<Queued> {
    let script = "smtp.ehlo()\n\
         said(smtp.mail('ann@front.example', ['RET=HDRS', 'ENVID=QQ+2B314159']))\n\
         said(smtp.rcpt('ann@ours.example', ['NOTIFY=SUCCESS,DELAY', 'ORCPT=rfc822;Ann+2Blist@front.example']))\n\
         said(smtp.rcpt('bob@ours.example', ['NOTIFY=NEVER']))\n\
         said(smtp.data(message))";
    let run = drive::smtplib(server, script, &[], MESSAGE);
    let text = run.text();
    assert!(text.lines().count() == 4 && text.lines().all(|line| line.starts_with("250 ")), "{text}");
    postfix.queued(count)
}

/// The envelope records that DSN parameters become, in order.
fn dsn_records(queued: &Queued) -> Vec<&(String, String)> {
    let names = ["envelope_id", "ret_flags", "notify_flags", "dsn_orig_rcpt"];
    queued.envelope.iter().filter(|(name, _)| names.contains(&name.as_str())).collect()
}

#[test]
fn what_the_backend_lacks_is_neither_offered_nor_taken() {
    let poor = "smtpd_discard_ehlo_keywords = smtputf8, dsn".to_owned();
    let postfix = PostfixBackend::start(&Options { main_cf: vec![poor], ..Options::default() });
    let gatepost = Gatepost::in_front_of(&postfix);
    gatepost.wait_for_offer(&["SIZE", "8BITMIME"]);
    let mut client = Client::connect(gatepost.address());
    let ehlo = client.must("EHLO client.front.example", 250);
    assert!(!ehlo.offers("DSN") && !ehlo.offers("SMTPUTF8"), "{ehlo:?}");
    for (line, refusal) in [
        ("MAIL FROM:<ann@front.example> SMTPUTF8", "555 5.5.4 "), // RFC 5321 §4.1.1.11
        ("MAIL FROM:<ann@front.example> RET=FULL", "555 5.5.4 "),
        ("MAIL FROM:<käthe@front.example>", "553 5.6.7 "), // RFC 6531 §3.5
    ] {
        let reply = client.command(line);
        assert!(reply.text().starts_with(refusal), "{line}: {reply:?}");
    }
    client.deliver("ann@front.example", "ann@ours.example", MESSAGE);
    postfix.delivered("ann", Path::ThroughGatepost).assert_is(MESSAGE);
}

const MESSAGE: &[u8] = b"Subject: an envelope\r\n\r\nfor one\r\n";
