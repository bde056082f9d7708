//! `sender_domain`: mail that nobody could answer, and no other.

use super::{Setup, VISIT, Visit, served, text, texts};

const ZONE: &str = "mx.example MX 10 mail.mx.example
    a.example A 192.0.2.1
    six.example AAAA 2001:db8::1
    alias.example CNAME a.example
    null.example MX 0 .
    txt.example TXT \"nothing else\"
    broken.example SERVFAIL
    refused.example REFUSE
    dead.example DROP
    xn--bcher-kva.example MX 10 mail.mx.example";

const NEITHER: &str = "rcpt 550 5.1.8 Your sender's domain has neither MX nor address";

#[test]
fn the_senders_domain_must_be_able_to_receive() {
    served(ZONE, |server| async move {
        let setup =
            Setup::new().asking(&server).built_in("sender_domain", vec![texts("exempt", &[".lan.example"])]);
        for (mail, want, reason) in [
            ("<x@mx.example>", "accept", "an MX"),
            ("<x@a.example>", "accept", "an address alone: RFC 5321 5.1"),
            ("<x@six.example>", "accept", "an IPv6 address alone"),
            ("<x@alias.example>", "accept", "behind a CNAME"),
            ("<x@xn--bcher-kva.example>", "accept", "A-labels"),
            (
                "<x@null.example>",
                "rcpt 550 5.7.27 Your sender's domain says that it takes no mail",
                "RFC 7505",
            ),
            ("<x@gone.example>", NEITHER, "no such domain"),
            ("<x@txt.example>", NEITHER, "nothing that mail could go to"),
            ("<x@broken.example>", "accept", "not known is no \"no\""),
            ("<x@refused.example>", "accept", "likewise"),
            ("<x@dead.example>", "accept", "likewise"),
            ("<>", "accept", "a bounce"),
            ("<x@[192.0.2.1]>", "accept", "an address literal has no domain"),
            ("<x@ours.example>", "accept", "ours, whatever the DNS says here"),
            ("<x@host.lan.example>", "accept", "exempt"),
        ] {
            assert_eq!(Visit { mail, ..VISIT }.heard(&setup).await, want, "{mail}: {reason}");
        }
        let visit = Visit { mail: "<x@gone.example>", rcpt: "<postmaster@ours.example>", ..VISIT };
        assert_eq!(visit.heard(&setup).await, "accept", "postmaster stays reachable");
    });
}

#[test]
fn what_is_not_known_can_be_put_off() {
    served(ZONE, |server| async move {
        let setup = Setup::new().asking(&server).built_in("sender_domain", vec![text("unknown", "defer")]);
        for (mail, want) in [
            ("<x@broken.example>", "rcpt 451 4.1.8 Your sender's domain can't be looked up now"),
            ("<x@dead.example>", "rcpt 451 4.1.8 Your sender's domain can't be looked up now"),
            ("<x@mx.example>", "accept"),
            ("<x@gone.example>", NEITHER),
        ] {
            assert_eq!(Visit { mail, ..VISIT }.heard(&setup).await, want, "{mail}");
        }
    });
}

#[test]
fn clients_that_may_relay_are_not_asked() {
    served(ZONE, |server| async move {
        let grant = "return { connect = function(session) session:permit_relay('ours') end }";
        let setup = Setup::new().asking(&server).policy("grant", grant).built_in("sender_domain", vec![]);
        assert_eq!(Visit { mail: "<root@host.gone.example>", ..VISIT }.heard(&setup).await, "accept");
    });
}
