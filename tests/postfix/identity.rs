//! Who the client is, as Postfix's own log tells it. The proxy has no name there; the client has one, or another address.

use crate::support::client::Client;
use crate::support::gatepost::{Gatepost, Lines};
use crate::support::names::{CLIENT_NAME, NAMED_CLIENT};
use crate::support::postfix::{Options, PostfixBackend};

#[test]
fn by_xclient_postfix_takes_the_client_for_its_own() {
    let postfix = PostfixBackend::start(&Options { xclient: true, ..Options::default() });
    let gatepost =
        Gatepost::with(&postfix, &Lines { backend: Some("xclient = \"required\""), ..Lines::default() });
    send_as(NAMED_CLIENT, &gatepost);
    postfix.log_line(&["smtpd[", ": client=localhost[127.0.0.1]"]);
    let line = postfix.log_line(&["cleanup[", "info: header Subject: who am I", "helo=<helo.front.example>"]);
    assert!(line.contains("from localhost[127.0.0.1];"), "{line}");
    assert_eq!(postfix.maildir("ann", 1).len(), 1);
}

#[test]
fn by_xclient_postfix_names_the_client_when_it_refuses() {
    let postfix = PostfixBackend::start(&Options { xclient: true, xforward: true, ..Options::default() });
    let gatepost = Gatepost::in_front_of(&postfix);
    let mut client = Client::connect_from(NAMED_CLIENT, gatepost.address());
    client.must("EHLO helo.front.example", 250);
    client.must("MAIL FROM:<ann@front.example>", 250);
    client.must("RCPT TO:<nobody@ours.example>", 550);
    let who = format!("RCPT from {CLIENT_NAME}[{NAMED_CLIENT}]: 550 5.1.1");
    postfix.log_line(&["NOQUEUE: reject: ", &who, "helo=<helo.front.example>"]);
}

#[test]
fn a_client_without_a_name_has_its_address_alone() {
    let postfix = PostfixBackend::start(&Options { xclient: true, ..Options::default() });
    let gatepost = Gatepost::in_front_of(&postfix);
    send_as([127, 0, 0, 3].into(), &gatepost);
    postfix.log_line(&["smtpd[", ": client=unknown[127.0.0.3]"]);
}

#[test]
fn without_xclient_the_client_is_told_by_xforward() {
    let postfix = PostfixBackend::start(&Options { xforward: true, ..Options::default() });
    let gatepost = Gatepost::in_front_of(&postfix);
    send_as(NAMED_CLIENT, &gatepost);
    let line = postfix.log_line(&["smtpd[", ": client=unknown[127.0.0.1]"]);
    assert!(line.contains("orig_client=localhost[127.0.0.1]"), "{line}");
    let line = postfix.log_line(&["cleanup[", "info: header Subject: who am I", "helo=<helo.front.example>"]);
    assert!(line.contains("from localhost[127.0.0.1];"), "{line}");
}

#[test]
fn two_clients_are_never_taken_for_one_another() {
    for options in
        [Options { xclient: true, ..Options::default() }, Options { xforward: true, ..Options::default() }]
    {
        let postfix = PostfixBackend::start(&options);
        let gatepost = Gatepost::in_front_of(&postfix);
        let clients = [2u8, 3, 2, 4];
        for (number, last) in clients.iter().enumerate() {
            let mut client = Client::connect_from([127, 0, 0, *last].into(), gatepost.address());
            client.must(&format!("EHLO helo{last}.front.example"), 250);
            let content = format!("Subject: number {number}.\r\n\r\n");
            client.deliver("ann@front.example", "ann@ours.example", content.as_bytes());
            let line = postfix.log_line(&["info: header", &format!("number {number}.")]);
            assert!(line.contains(&format!("[127.0.0.{last}];")), "{options:?}: {line}");
            assert!(line.contains(&format!("helo=<helo{last}.front.example>")), "{options:?}: {line}");
        }
    }
}

#[test]
fn xclient_required_and_not_permitted_defers() {
    let postfix = PostfixBackend::start(&Options { xforward: true, ..Options::default() });
    let gatepost =
        Gatepost::with(&postfix, &Lines { backend: Some("xclient = \"required\""), ..Lines::default() });
    let mut client = Client::connect_from(NAMED_CLIENT, gatepost.address());
    client.must("EHLO helo.front.example", 250);
    client.must("MAIL FROM:<ann@front.example>", 250);
    client.must("RCPT TO:<ann@ours.example>", 451);
}

fn send_as(source: std::net::Ipv4Addr, gatepost: &Gatepost) {
    let mut client = Client::connect_from(source, gatepost.address());
    client.must("EHLO helo.front.example", 250);
    client.deliver("ann@front.example", "ann@ours.example", b"Subject: who am I\r\n\r\n\r\n");
    client.quit();
}
