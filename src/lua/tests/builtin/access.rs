//! `access`: who is let in, who isn't, and what wins.

use super::{STRICT, Setup, VISIT, Visit, served, text, texts, unserved};

const DENIED: &str = "rcpt 550 5.7.1 Access denied";
const STRICTLY: &str = "rcpt 550 5.7.1 strict";

#[test]
fn each_list_denies_whom_it_names_and_nobody_else() {
    unserved(|server| async move {
        let setup = Setup::new().asking(&server).built_in(
            "access",
            vec![
                texts("deny_clients", &["203.0.113.0/24"]),
                texts("deny_helos", &["bad.example", ".bad.example"]),
                texts("deny_senders", &["eve@a.example", ".spam.example", "spam.example", "noreply@"]),
                texts("deny_recipients", &["old@ours.example"]),
            ],
        );
        for (visit, want, reason) in [
            (VISIT, "accept", "in no list"),
            (Visit { from: "203.0.113.9", ..VISIT }, DENIED, "its network; said at RCPT"),
            (
                Visit { from: "203.0.113.9", rcpt: "<postmaster@ours.example>", ..VISIT },
                "accept",
                "RFC 5321 4.5.1",
            ),
            (Visit { from: "203.0.113.9", rcpt: "<abuse@ours.example>", ..VISIT }, "accept", "likewise"),
            (Visit { from: "203.0.113.9", rcpt: "<postmaster@else.example>", ..VISIT }, DENIED, "not ours"),
            (Visit { helo: "bad.example", ..VISIT }, DENIED, "its HELO"),
            (Visit { helo: "A.BAD.example", ..VISIT }, DENIED, "below it, in any case"),
            (Visit { helo: "notbad.example", ..VISIT }, "accept", "a suffix is not an end of letters"),
            (Visit { mail: "<eve@a.example>", ..VISIT }, DENIED, "the address"),
            (Visit { mail: "<EVE@A.example>", ..VISIT }, DENIED, "in any case"),
            (Visit { mail: "<\"eve\"@a.example>", ..VISIT }, DENIED, "quotes that nobody needs"),
            (Visit { mail: "<eve@b.example>", ..VISIT }, "accept", "of another domain"),
            (Visit { mail: "<x@spam.example>", ..VISIT }, DENIED, "the domain"),
            (Visit { mail: "<x@a.spam.example>", ..VISIT }, DENIED, "below it"),
            (Visit { mail: "<noreply@x.example>", ..VISIT }, DENIED, "the local part"),
            (Visit { mail: "<>", ..VISIT }, "accept", "a bounce"),
            (Visit { rcpt: "<old@ours.example>", ..VISIT }, DENIED, "the recipient"),
            (Visit { rcpt: "<Postmaster>", ..VISIT }, "accept", "without a domain"),
        ] {
            assert_eq!(visit.heard(&setup).await, want, "{reason}");
        }
    });
}

#[test]
fn the_allowed_are_spared_by_the_policies_behind() {
    unserved(|server| async move {
        let options = vec![
            texts("allow_clients", &["203.0.113.7"]),
            texts("allow_helos", &["good.example"]),
            texts("allow_senders", &["ann@good.example", "boss@"]),
            texts("allow_recipients", &["open@ours.example"]),
            texts("deny_clients", &["203.0.113.0/24"]),
            texts("deny_senders", &["good.example"]),
        ];
        let setup = Setup::new().asking(&server).built_in("access", options).policy("strict", STRICT);
        for (visit, want, reason) in [
            (VISIT, STRICTLY, "in no list"),
            (Visit { from: "203.0.113.7", ..VISIT }, "accept", "its address, though its network is denied"),
            (Visit { from: "203.0.113.8", ..VISIT }, DENIED, "its neighbour"),
            (Visit { helo: "good.example", ..VISIT }, "accept", "its HELO"),
            (
                Visit { mail: "<ann@good.example>", ..VISIT },
                "accept",
                "the sender, though the domain is denied",
            ),
            (Visit { mail: "<bob@good.example>", ..VISIT }, DENIED, "another of the domain"),
            (Visit { mail: "<boss@x.example>", ..VISIT }, "accept", "the local part"),
            (Visit { rcpt: "<open@ours.example>", ..VISIT }, "accept", "the recipient"),
        ] {
            assert_eq!(visit.heard(&setup).await, want, "{reason}");
        }
    });
}

#[test]
fn to_allow_is_not_to_relay() {
    unserved(|server| async move {
        let options = vec![texts("allow_clients", &["192.0.2.0/24"]), texts("allow_senders", &["a.example"])];
        let setup = Setup::new().asking(&server).built_in("access", options);
        let client = setup.client();
        client.connect().await;
        client.begin().await;
        assert_eq!(client.session.borrow().may_relay(), None);
    });
}

#[test]
fn names_of_clients_count_as_far_as_they_are_known() {
    let zone = "192.0.2.7 PTR mail.good.example
        mail.good.example A 192.0.2.7
        192.0.2.8 PTR forged.good.example
        192.0.2.9 PTR host-9.dynamic.example
        192.0.2.10 PTR mail.slow.example
        10.2.0.192.in-addr.arpa SERVFAIL";
    served(zone, |server| async move {
        let options = vec![
            texts("allow_names", &[".good.example"]),
            texts("deny_names", &[".dynamic.example"]),
            text("text", "Use your provider's server"),
        ];
        let setup = Setup::new().asking(&server).built_in("access", options).policy("strict", STRICT);
        for (from, want, reason) in [
            ("192.0.2.7", "accept", "a name that points back"),
            ("192.0.2.8", STRICTLY, "a name that doesn't allows nothing"),
            ("192.0.2.9", "rcpt 550 5.7.1 Use your provider's server", "one that doesn't can be denied"),
            ("192.0.2.10", STRICTLY, "not known is neither"),
            ("192.0.2.11", STRICTLY, "no name at all"),
        ] {
            assert_eq!(Visit { from, ..VISIT }.heard(&setup).await, want, "{reason}");
        }
    });
}

#[test]
fn an_entry_that_is_no_address_is_a_mistake() {
    let problems = |entry| Setup::new().built_in("access", vec![texts("deny_senders", &[entry])]).problems();
    assert_eq!(problems("ann@a..b"), "access.lua: 'ann@a..b' is no address");
    let problem = problems("a..b");
    assert!(problem.contains("domains.set: \"a..b\" is no domain"), "{problem}");
}
