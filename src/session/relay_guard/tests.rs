//! Tests of the relay guard: every address form that somebody could relay with, each with its reason.

use super::*;
use crate::names::domain_set::DomainSet;
use crate::names::network_set::NetworkSet;
use crate::smtp::command::{Command, Syntax};

const STRANGER: &str = "203.0.113.9";

fn relay(domains: RelayDomains) -> Relay {
    let networks = NetworkSet::parse(["192.0.2.0/24", "2001:db8:1::/48"]).unwrap();
    Relay { networks, ..Relay::new(domains) }
}

fn listed() -> RelayDomains {
    let ours = ["ours.example", ".sub.example", "bücher.example", "[192.0.2.25]", "[IPv6:2001:db8::25]"];
    RelayDomains::Set(DomainSet::parse(ours).unwrap())
}

/// The code and enhanced code that RCPT with `path` gets, from the first octet to the guard's word.
fn rcpt(relay: &Relay, claim: Claim<'_>, path: &str, strict: bool) -> String {
    let line = format!("RCPT TO:{path}");
    let reply = match Command::parse(line.as_bytes(), Syntax { strict }) {
        Err(error) => Reply::from(error),
        Ok(Command::Rcpt(rcpt)) => match judge(relay, claim, rcpt.forward_path.clone()) {
            Ok(permitted) => {
                assert_eq!(permitted.path(), &rcpt.forward_path, "octet for octet");
                return "yes".to_owned();
            }
            Err(refusal) => refusal,
        },
        Ok(other) => panic!("{other:?}"),
    };
    format!("{} {}", reply.code, reply.enhanced.unwrap())
}

fn claim(client: &str, granted: Option<&'static str>) -> Claim<'static> {
    Claim { client: Some(client.parse().unwrap()), granted }
}

const DENIED: &str = "550 5.7.1";
const FOREIGN: &str = "553 5.6.7";
const SYNTAX: &str = "501 5.1.3";

/// Columns: a stranger; a client with a grant.
const FORMS: &[(&str, &str, &str, &str)] = &[
    ("<b@ours.example>", "yes", "yes", "what we are there for"),
    ("<b@OURS.Example>", "yes", "yes", "domains have no case"),
    ("b@ours.example", "yes", "yes", "a courtesy: no brackets"),
    ("<b@else.example>", DENIED, "yes", "not ours"),
    ("<b@a.ours.example>", DENIED, "yes", "an exact entry holds nothing below it"),
    ("<b@oursxexample>", DENIED, "yes", "a dot is a dot"),
    ("<b@ours.example.else.example>", DENIED, "yes", "ours in front is not ours"),
    ("<b@x.sub.example>", "yes", "yes", "below a suffix"),
    ("<b@sub.example>", DENIED, "yes", "a suffix isn't itself"),
    ("<b@xsub.example>", DENIED, "yes", "a suffix begins at a dot"),
    // Local parts that hide a route (sendmail's, UUCP's, and quoted ones)
    ("<u%else.example@ours.example>", DENIED, "yes", "percent hack"),
    ("<u%else.example%third.example@ours.example>", DENIED, "yes", "twice"),
    ("<\"u%else.example\"@ours.example>", DENIED, "yes", "quoted percent hack"),
    ("<\"u\\%else.example\"@ours.example>", DENIED, "yes", "quoted pair"),
    ("<else.example!u@ours.example>", DENIED, "yes", "bang path"),
    ("<\"else.example!u\"@ours.example>", DENIED, "yes", "quoted bang path"),
    ("<\"u@else.example\"@ours.example>", DENIED, "yes", "an address in quotes"),
    ("<\"u\\@else.example\"@ours.example>", DENIED, "yes", "an address in quotes, escaped"),
    ("<u@else.example@ours.example>", DENIED, "yes", "an address without quotes: the last @ counts"),
    ("<\"@else.example:u\"@ours.example>", DENIED, "yes", "a quoted source route"),
    ("<smtp:u@ours.example>", DENIED, "yes", "a transport in front"),
    ("<else.example:u@ours.example>", DENIED, "yes", "DECnet's colon"),
    ("<u\\%else@ours.example>", SYNTAX, SYNTAX, "a backslash outside quotes"),
    ("<b+detail@ours.example>", "yes", "yes", "a detail is no route"),
    ("<b=else.example@ours.example>", "yes", "yes", "neither is a VERP"),
    ("<\"b c\"@ours.example>", "yes", "yes", "a quoted space is no route"),
    // Source routes are dropped (appendix C); what is left is judged
    ("<@else.example:b@ours.example>", "yes", "yes", "for us, by way of another"),
    ("<@ours.example:b@else.example>", DENIED, "yes", "by way of us, for another"),
    ("<@ours.example,@a.example:b@else.example>", DENIED, "yes", "by way of two"),
    ("<@ours.example:u%else.example@ours.example>", DENIED, "yes", "a route in a route"),
    // Names beyond ASCII
    ("<b@bücher.example>", "yes", "yes", "listed, as U-label"),
    ("<b@BÜCHER.example>", "yes", "yes", "case beyond ASCII"),
    ("<b@xn--bcher-kva.example>", "yes", "yes", "listed, as A-label"),
    ("<b@XN--BCHER-KVA.EXAMPLE>", "yes", "yes", "listed, as A-label in upper case"),
    ("<b@bucher.example>", DENIED, "yes", "another name"),
    ("<b@ours\u{3002}example>", FOREIGN, FOREIGN, "ideographic full stop"),
    ("<b@ours\u{ff0e}example>", FOREIGN, FOREIGN, "full-width full stop"),
    ("<b@ours\u{ff61}example>", FOREIGN, FOREIGN, "half-width ideographic full stop"),
    ("<b@else.example\u{3002}ours.example>", FOREIGN, FOREIGN, "one among dots"),
    ("<b@\u{ff4f}urs.example>", FOREIGN, FOREIGN, "full-width letter: maps to ours, isn't ours"),
    ("<b@ou\u{ad}rs.example>", FOREIGN, FOREIGN, "soft hyphen vanishes"),
    ("<b@bu\u{308}cher.example>", FOREIGN, FOREIGN, "decomposed"),
    ("<b@xn--ours-.example>", SYNTAX, SYNTAX, "an A-label of plain ASCII ends in a hyphen"),
    ("<b@xn--zzzzzzzzzz999999.example>", FOREIGN, FOREIGN, "an A-label of nothing"),
    // Dots
    ("<b@ours.example.>", SYNTAX, SYNTAX, "trailing dot, also when lenient"),
    ("<b@ours..example>", SYNTAX, SYNTAX, "empty label"),
    ("<b@.ours.example>", SYNTAX, SYNTAX, "leading dot"),
    ("<b@>", SYNTAX, SYNTAX, "no domain behind the @"),
    ("<b>", SYNTAX, SYNTAX, "no domain"),
    ("<>", SYNTAX, SYNTAX, "nobody"),
    ("<@ours.example>", SYNTAX, SYNTAX, "no local part"),
    // Literals
    ("<b@[192.0.2.25]>", "yes", "yes", "listed"),
    ("<b@[192.0.2.26]>", DENIED, "yes", "not listed"),
    ("<b@[IPv6:2001:db8::25]>", "yes", "yes", "listed"),
    ("<b@[ipv6:2001:DB8:0:0::25]>", "yes", "yes", "listed, written otherwise"),
    ("<b@[IPv6:2001:db8::26]>", DENIED, "yes", "not listed"),
    ("<b@[IPv6:::ffff:192.0.2.25]>", DENIED, "yes", "mapped is not what was listed"),
    ("<b@[x:ours.example]>", DENIED, "yes", "a literal of another kind"),
    ("<b@[192.0.2.025]>", SYNTAX, SYNTAX, "octal to some"),
    ("<b@[ours.example]>", SYNTAX, SYNTAX, "a name in brackets"),
    ("<b@192.0.2.25>", DENIED, "yes", "an address without brackets is a name, not ours"),
    // RFC 5321 §4.1.1.3, §4.5.1
    ("<postmaster>", "yes", "yes", "ours"),
    ("<PostMaster>", "yes", "yes", "ours in any case"),
    ("<postmaster@ours.example>", "yes", "yes", "ours"),
    ("<postmaster@else.example>", DENIED, "yes", "theirs"),
    ("<postmaster%else.example>", SYNTAX, SYNTAX, "nobody's"),
];

#[test]
fn a_stranger_reaches_our_domains_alone() {
    let relay = relay(listed());
    for (path, want, _, why) in FORMS {
        assert_eq!(rcpt(&relay, claim(STRANGER, None), path, false), *want, "{path}: {why}");
    }
}

#[test]
fn a_grant_opens_all_but_what_is_ambiguous() {
    let relay = relay(listed());
    for (path, _, want, why) in FORMS {
        assert_eq!(rcpt(&relay, claim(STRANGER, Some("why")), path, false), *want, "{path}: {why}");
        assert_eq!(rcpt(&relay, claim("192.0.2.77", None), path, false), *want, "{path}: {why}");
    }
}

/// `strict` takes courtesies away and gives nobody more.
#[test]
fn strict_syntax_permits_nothing_more() {
    let relay = relay(listed());
    for (path, lenient, ..) in FORMS {
        let strict = rcpt(&relay, claim(STRANGER, None), path, true);
        assert!(strict == *lenient || strict == SYNTAX, "{path}: {strict}");
    }
}

/// `relay.domains = "backend"`: it sees the real client and decides, but not over what it could misread.
#[test]
fn a_backend_that_decides_is_asked_about_clear_addresses_only() {
    let relay = relay(RelayDomains::Backend);
    for (path, want, _, why) in FORMS {
        let plain_stranger = rcpt(&relay, claim(STRANGER, None), path, false);
        let hides = ["%", "!", ":u", "p:u", "u@", "u\\@"].iter().any(|mark| path.contains(mark));
        let want = if *want == DENIED && !hides { "yes" } else { want };
        assert_eq!(plain_stranger, want, "{path}: {why}");
    }
}

#[test]
fn networks_hold_their_clients_in_each_spelling() {
    let relay = relay(listed());
    for (client, want, why) in [
        ("192.0.2.1", "yes", "in the network"),
        ("::ffff:192.0.2.1", "yes", "v4-mapped is its IPv4"),
        ("::192.0.2.1", DENIED, "v4-compatible is not"),
        ("64:ff9b::192.0.2.1", DENIED, "nor is NAT64"),
        ("192.0.3.1", DENIED, "beside it"),
        ("::ffff:192.0.3.1", DENIED, "beside it, mapped"),
        ("2001:db8:1::1", "yes", "in the IPv6 network"),
        ("2001:db8:2::1", DENIED, "beside it"),
        ("127.0.0.1", DENIED, "loopback is nobody special"),
    ] {
        let got = rcpt(&relay, claim(client, None), "<b@else.example>", false);
        assert_eq!(got, want, "{client}: {why}");
    }
}

#[test]
fn without_domains_nothing_is_ours_but_the_postmaster() {
    let relay = relay(RelayDomains::Set(DomainSet::new()));
    for (path, want) in [("<b@ours.example>", DENIED), ("<postmaster>", "yes"), ("<b@[192.0.2.25]>", DENIED)]
    {
        assert_eq!(rcpt(&relay, claim(STRANGER, None), path, false), want, "{path}");
    }
}

proptest::proptest! {
    /// Whatever the local part: a stranger's recipient is at a listed domain and hides no route.
    #[test]
    fn what_a_stranger_may_say_is_plain_and_ours(
        local in "[a-z%!@:.\"\\\\ ]{1,12}",
        domain in "(ours|else|x\\.sub|bücher|b\u{ff0e})(\\.|\u{3002})example\\.?",
    ) {
        let path = format!("<{local}@{domain}>");
        if rcpt(&relay(listed()), claim(STRANGER, None), &path, false) == "yes" {
            proptest::prop_assert!(
                ["ours.example", "x.sub.example", "bücher.example"].contains(&domain.as_str()),
                "{}", path
            );
            // What stands before the last @, but for a source route, which is dropped.
            let local = local.rsplit_once(':').filter(|_| local.starts_with('@')).map_or(&*local, |(_, rest)| rest);
            proptest::prop_assert!(!local.contains(['%', '!', '@', ':']), "{}", path);
        }
    }
}
