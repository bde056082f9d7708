//! `relay_networks`: who may relay, and nobody else.

use super::{Setup, VISIT, texts, unserved};

#[test]
fn clients_of_the_networks_get_a_grant_for_the_transaction() {
    unserved(|server| async move {
        let options = vec![texts("networks", &["192.0.2.0/28", "2001:db8::/32"])];
        let setup = Setup::new().asking(&server).built_in("relay_networks", options);
        for (from, want, reason) in [
            ("192.0.2.7", Some("trusted network"), "within"),
            ("2001:db8::1", Some("trusted network"), "IPv6"),
            ("::ffff:192.0.2.7", Some("trusted network"), "IPv4 in IPv6 clothes"),
            ("192.0.2.16", None, "the next network"),
            ("203.0.113.1", None, "a stranger"),
        ] {
            let client = setup.client_at(from);
            client.ehlo("a.example").await;
            assert_eq!(client.session.borrow().may_relay(), None, "{reason}: before MAIL");
            client.mail(VISIT.mail).await;
            assert_eq!(client.session.borrow().may_relay(), want, "{reason}");
        }
    });
}

#[test]
fn the_networks_must_be_said() {
    assert_eq!(
        Setup::new().built_in("relay_networks", vec![]).problems(),
        "policy relay_networks: option 'networks' is required"
    );
}
