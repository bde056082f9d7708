//! A Postfix that trusts 127.0.0.0/8 takes the proxy for its own: only the relay guard keeps strangers from relaying.

use crate::OUTSIDE;
use crate::support::client::Client;
use crate::support::drive;
use crate::support::gatepost::{Gatepost, Lines};
use crate::support::names::UNNAMED_CLIENT;
use crate::support::postfix::{Options, PostfixBackend};

/// That Postfix would take each of these is proved by `the_fixture_itself_relays_for_loopback`.
#[test]
fn a_relay_attempt_is_refused_though_postfix_trusts_the_proxy() {
    let postfix = PostfixBackend::start(&Options::default());
    let gatepost = Gatepost::in_front_of(&postfix);
    let mut client = Client::greeted(gatepost.address());
    for outside in OUTSIDE.into_iter().chain(["@ours.example:user@else.example", "user@[192.0.2.1]"]) {
        client.must("MAIL FROM:<ann@ours.example>", 250);
        let reply = client.command(&format!("RCPT TO:<{outside}>"));
        assert!(reply.text().starts_with("550 5.7.1 "), "{outside}: {reply:?}");
        client.must("RSET", 250);
    }
    // None of them was even asked for.
    client.deliver("ann@front.example", "ann@ours.example", b"Subject: x\r\n\r\n");
    postfix.log_line(&["to=<ann@ours.example>", "status=sent"]);
    assert!(!postfix.log().contains("else.example"), "{}", postfix.log());
}

#[test]
fn swaks_can_not_relay() {
    let postfix = PostfixBackend::start(&Options::default());
    let gatepost = Gatepost::in_front_of(&postfix);
    for outside in ["user@else.example", "user%else@ours.example"] {
        let run = drive::swaks(gatepost.address(), &["--from", "ann@front.example", "--to", outside]);
        assert_eq!(run.code, Some(24), "swaks: no recipient was taken: {}", run.text());
        assert!(run.text().contains("<** 550 5.7.1 "), "{}", run.text());
    }
}

#[test]
fn a_client_in_the_relay_networks_may_relay_and_its_neighbour_may_not() {
    let postfix = PostfixBackend::start(&Options::default());
    let relay = "domains = [\"ours.example\"]\nnetworks = [\"127.0.0.2/32\"]";
    let gatepost = Gatepost::with(&postfix, &Lines { relay: Some(relay), ..Lines::default() });
    let mut client = Client::connect_from(UNNAMED_CLIENT, gatepost.address());
    client.must("EHLO client.front.example", 250);
    client.deliver("ann@ours.example", "user@else.example", b"Subject: out\r\n\r\n");
    postfix.log_line(&["to=<user@else.example>", "status=sent", "discard"]);
    let mut neighbour = Client::connect_from([127, 0, 0, 3].into(), gatepost.address());
    neighbour.must("EHLO client.front.example", 250);
    neighbour.must("MAIL FROM:<ann@ours.example>", 250);
    let reply = neighbour.command("RCPT TO:<user@else.example>");
    assert!(reply.text().starts_with("550 5.7.1 "), "{reply:?}");
}

#[test]
fn postmaster_without_a_domain_is_ours() {
    let postfix = PostfixBackend::start(&Options::default());
    let gatepost = Gatepost::in_front_of(&postfix);
    Client::greeted(gatepost.address()).deliver("", "Postmaster", b"Subject: help\r\n\r\n");
    assert_eq!(postfix.maildir("postmaster", 1).len(), 1);
}

#[test]
fn left_to_the_backend_postfix_judges_by_the_real_client() {
    // The proxy's address is trusted, the client's is not.
    let mynetworks = vec!["mynetworks = 127.0.0.1/32".to_owned()];
    let postfix =
        PostfixBackend::start(&Options { xclient: true, main_cf: mynetworks, ..Options::default() });
    let lines = Lines { relay: Some("domains = \"backend\""), backend: Some("xclient = \"required\"") };
    let gatepost = Gatepost::with(&postfix, &lines);
    let mut client = Client::connect_from(UNNAMED_CLIENT, gatepost.address());
    client.must("EHLO client.front.example", 250);
    client.must("MAIL FROM:<ann@front.example>", 250);
    let reply = client.command("RCPT TO:<user@else.example>");
    assert_eq!(reply.text(), "554 5.7.1 <user@else.example>: Relay access denied");
    client.must("RCPT TO:<ann@ours.example>", 250);
}

#[test]
fn left_to_a_backend_that_does_not_see_the_client_nothing_is_taken() {
    let postfix = PostfixBackend::start(&Options { xforward: true, ..Options::default() });
    let lines = Lines { relay: Some("domains = \"backend\""), backend: Some("xclient = \"required\"") };
    let gatepost = Gatepost::with(&postfix, &lines);
    let mut client = Client::greeted(gatepost.address());
    client.must("MAIL FROM:<ann@front.example>", 250);
    let reply = client.command("RCPT TO:<ann@ours.example>");
    assert!(reply.text().starts_with("451 4.3.5 "), "{reply:?}");
}
