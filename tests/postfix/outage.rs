//! Postfix stopped and started while clients come and go: nothing is acknowledged that Postfix has not got.

use crate::support::arrived::Path::ThroughGatepost;
use crate::support::client::{Client, Reply, stuffed};
use crate::support::gatepost::Gatepost;
use crate::support::postfix::{Options, PostfixBackend};
use crate::support::wait;

#[test]
fn a_stopped_postfix_defers_and_a_started_one_takes_over() {
    let (mut postfix, gatepost) = postfix_and_gatepost();
    let mut patient = Client::greeted(gatepost.address());
    patient.deliver("ann@front.example", "ann@ours.example", MESSAGE);
    postfix.delivered("ann", ThroughGatepost).assert_is(MESSAGE);

    postfix.stop();
    for client in [&mut patient, &mut Client::greeted(gatepost.address())] {
        let reply = asked(client);
        assert!(reply.text().starts_with("451 4.4.1 "), "{reply:?}");
        client.must("RSET", 250);
    }

    postfix.start_again();
    // An address that failed is left alone for 30 s.
    taken_again(&gatepost);
    patient.deliver("ann@front.example", "bob@ours.example", MESSAGE);
    postfix.delivered("bob", ThroughGatepost).assert_is(MESSAGE);
}

#[test]
fn gatepost_starts_before_its_postfix() {
    let mut postfix = PostfixBackend::start(&Options::default());
    postfix.stop();
    let gatepost = Gatepost::in_front_of(&postfix);
    let reply = asked(&mut Client::greeted(gatepost.address()));
    assert!(reply.text().starts_with("451 4.4.1 "), "{reply:?}");
    postfix.start_again();
    taken_again(&gatepost);
}

#[test]
fn postfix_gone_after_a_recipient_was_taken_defers_the_message() {
    let (mut postfix, gatepost) = postfix_and_gatepost();
    let mut client = Client::greeted(gatepost.address());
    assert_eq!(asked(&mut client).code, 250);
    postfix.stop();
    let reply = end_of_data(&mut client);
    assert!(reply.text().starts_with("451 4.4.1 "), "{reply:?}");
    postfix.start_again();
    taken_again(&gatepost);
    // What was deferred has not come by another way: the mark sent after it is alone.
    send_mark(&gatepost, &postfix);
    assert_eq!(postfix.delivered_count("ann"), 0);
}

/// Whether the proxy noticed at once or at the end of data decides which of the two it is.
#[test]
fn a_restart_within_a_transaction_ends_in_one_copy_acknowledged_or_none_at_all() {
    let (mut postfix, gatepost) = postfix_and_gatepost();
    let mut client = Client::greeted(gatepost.address());
    assert_eq!(asked(&mut client).code, 250);
    postfix.stop();
    postfix.start_again();
    let reply = end_of_data(&mut client);
    taken_again(&gatepost);
    send_mark(&gatepost, &postfix);
    if reply.code == 250 {
        postfix.delivered("ann", ThroughGatepost).assert_is(MESSAGE);
    } else {
        assert!(reply.text().starts_with("451 4.4.1 "), "{reply:?}");
        assert_eq!(postfix.delivered_count("ann"), 0);
    }
}

/// A Postfix and the proxy before it.
fn postfix_and_gatepost() -> (PostfixBackend, Gatepost) {
    let postfix = PostfixBackend::start(&Options::default());
    let gatepost = Gatepost::in_front_of(&postfix);
    (postfix, gatepost)
}

/// Sends a message for bob and waits until it is there: what was on its way before has come by then.
fn send_mark(gatepost: &Gatepost, postfix: &PostfixBackend) {
    let mut client = Client::greeted(gatepost.address());
    client.deliver("a@front.example", "bob@ours.example", b"Subject: mark\r\n\r\n");
    postfix.delivered("bob", ThroughGatepost);
}

/// The reply to MAIL's RCPT.
fn asked(client: &mut Client) -> Reply {
    client.must("MAIL FROM:<ann@front.example>", 250);
    client.command("RCPT TO:<ann@ours.example>")
}

/// The reply that ends the transaction: to DATA if that is refused, else to the end of data.
fn end_of_data(client: &mut Client) -> Reply {
    let reply = client.command("DATA");
    if reply.code != 354 {
        return reply;
    }
    client.send(&stuffed(MESSAGE));
    client.reply()
}

/// Waits until a recipient is taken; each attempt is a new client, as a retrying one would be.
fn taken_again(gatepost: &Gatepost) {
    wait::until("a recipient is taken again", || {
        let mut client = Client::greeted(gatepost.address());
        let reply = asked(&mut client);
        assert!(matches!(reply.code, 250 | 451), "{reply:?}");
        client.must("RSET", 250);
        client.quit();
        (reply.code == 250).then_some(())
    });
}

const MESSAGE: &[u8] = b"Subject: patience\r\n\r\nbody\r\n";
