//! `helo`: names that can't be the client's.

use super::{Setup, VISIT, Visit, served, text, texts, truth, unserved};

const ADDRESS: &str = "rcpt 550 5.7.1 Your HELO says another address than yours";
const BRACKETS: &str = "rcpt 550 5.7.1 An address in HELO goes in brackets";
const OURS: &str = "rcpt 550 5.7.1 Your HELO says our name";
const DOT: &str = "rcpt 550 5.7.1 Your HELO is no full host name";
const NOBODY: &str = "rcpt 550 5.7.1 Your HELO name doesn't exist";

#[test]
fn names_that_can_not_be_the_clients_are_refused() {
    unserved(|server| async move {
        let setup =
            Setup::new().asking(&server).built_in("helo", vec![texts("own_names", &["ours.example"])]);
        for (from, helo, want, reason) in [
            ("192.0.2.7", "mail.client.example", "accept", "a host name"),
            ("192.0.2.7", "[192.0.2.7]", "accept", "its own address"),
            ("192.0.2.7", "[192.0.2.8]", ADDRESS, "another's"),
            ("2001:db8::1", "[IPv6:2001:DB8:0::1]", "accept", "its own in another spelling"),
            ("2001:db8::1", "[IPv6:2001:db8::2]", ADDRESS, "another's"),
            ("192.0.2.7", "[x]", ADDRESS, "no address at all"),
            ("192.0.2.7", "192.0.2.7", BRACKETS, "RFC 5321 4.1.3"),
            ("192.0.2.7", "mx.ours.example", OURS, "our hostname"),
            ("192.0.2.7", "MX.Ours.Example", OURS, "in any case"),
            ("192.0.2.7", "ours.example", OURS, "a name that is configured"),
            ("127.0.0.1", "mx.ours.example", "accept", "we ourselves"),
            ("192.0.2.7", "a.ours.example", "accept", "a name below ours may be a neighbour's"),
            ("192.0.2.7", "WORKSTATION", DOT, "no dot"),
        ] {
            assert_eq!(Visit { from, helo, ..VISIT }.heard(&setup).await, want, "{helo}: {reason}");
        }
        let visit = Visit { helo: "localhost", rcpt: "<postmaster@ours.example>", ..VISIT };
        assert_eq!(visit.heard(&setup).await, "accept", "postmaster stays reachable");
    });
}

#[test]
fn a_better_name_makes_good() {
    unserved(|server| async move {
        let setup = Setup::new().asking(&server).built_in("helo", vec![]);
        let client = setup.client();
        client.ehlo("localhost").await;
        client.begin().await;
        assert_eq!(super::said(&client.rcpt(VISIT.rcpt).await), "accept");
    });
}

#[test]
fn clients_that_may_relay_are_not_asked() {
    unserved(|server| async move {
        let grant = "return { connect = function(session) session:permit_relay('ours') end }";
        let setup = Setup::new().asking(&server).policy("grant", grant).built_in("helo", vec![]);
        assert_eq!(Visit { helo: "localhost", ..VISIT }.heard(&setup).await, "accept");
    });
}

#[test]
fn each_check_can_be_turned() {
    unserved(|server| async move {
        for (option, helo, want) in [
            (text("literals", "any"), "[192.0.2.8]", "accept"),
            (text("literals", "refuse"), "[192.0.2.7]", "rcpt 550 5.7.1 Say HELO with your host name"),
            (truth("address", false), "192.0.2.7", "accept"),
            (truth("dot", false), "localhost", "accept"),
        ] {
            let setup = Setup::new().asking(&server).built_in("helo", vec![option]);
            assert_eq!(Visit { helo, ..VISIT }.heard(&setup).await, want, "{helo}");
        }
    });
}

#[test]
fn a_name_must_exist_where_that_is_asked_for() {
    let zone = "a.client.example A 192.0.2.200
        six.client.example AAAA 2001:db8::9
        mx.client.example MX 10 a.client.example
        txt.client.example TXT \"nothing else\"
        broken.client.example SERVFAIL
        dead.client.example DROP";
    served(zone, |server| async move {
        let setup = Setup::new().asking(&server).built_in("helo", vec![truth("resolve", true)]);
        for (helo, want, reason) in [
            ("a.client.example", "accept", "whatever address"),
            ("six.client.example", "accept", "IPv6 only"),
            ("mx.client.example", "accept", "a mail domain"),
            ("txt.client.example", NOBODY, "nothing that mail could go to"),
            ("gone.example", NOBODY, "no such name"),
            ("broken.client.example", "accept", "not known is no \"no\""),
            ("dead.client.example", "accept", "no answer is none either"),
            ("a!b.example", "accept", "no name that could be asked for"),
        ] {
            assert_eq!(Visit { helo, ..VISIT }.heard(&setup).await, want, "{helo}: {reason}");
        }
    });
}
