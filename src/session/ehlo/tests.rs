//! Tests of what is offered at EHLO and of the parameters that follow from it.

use super::*;
use crate::session::effects::Effects;
use crate::session::example::{admission, command, rules, session};
use crate::session::state::Session;

fn lines(offer: Offer, rules: &Rules) -> Vec<String> {
    offer.reply(rules).lines().map(str::to_owned).collect()
}

/// A session whose EHLO got `offer` and which has a transaction.
fn session_with(offer: Offer) -> Session {
    let mut session = session();
    let admitted = session.admit(command("EHLO a.example")).unwrap();
    session.commit(admitted, offer, Effects::default(), &Reply::OK);
    session
}

fn capabilities(lines: &[&str]) -> Capabilities {
    let mut all = vec!["b.example"];
    all.extend(lines);
    Capabilities::parse(&all)
}

/// RFC 5321 §4.1.1.1, and the table "What is advertised" of the design.
#[test]
fn what_is_offered_follows_from_us_and_the_backend() {
    let always = ["PIPELINING", "ENHANCEDSTATUSCODES", "CHUNKING"];
    for (backend, passes_8bit, more, why) in [
        (None, false, &["8BITMIME"][..], "nothing is known yet"),
        (Some(&[][..]), false, &[], "a backend that can do nothing"),
        (Some(&[]), true, &["8BITMIME"], "downgrade = pass"),
        (Some(&["8BITMIME"]), false, &["8BITMIME"], ""),
        (Some(&["8BITMIME", "SMTPUTF8"]), false, &["8BITMIME", "SMTPUTF8"], ""),
        (Some(&["SMTPUTF8"]), false, &[], "RFC 6531 §3.1: not without 8BITMIME"),
        (Some(&["SMTPUTF8"]), true, &["8BITMIME", "SMTPUTF8"], "we pass 8-bit on anyway"),
        (Some(&["DSN"]), false, &["DSN"], ""),
        (Some(&["8BITMIME", "SMTPUTF8", "DSN"]), false, &["8BITMIME", "SMTPUTF8", "DSN"], ""),
        (
            Some(&["STARTTLS", "AUTH PLAIN", "ETRN", "BINARYMIME", "XCLIENT ADDR"]),
            false,
            &[],
            "not ours to offer",
        ),
    ] {
        let rules = rules();
        let known = backend.map(capabilities);
        let said = lines(Offer::extended(&rules, known.as_ref(), passes_8bit), &rules);
        assert_eq!(said[0], "mx.ours.example");
        let mut got: Vec<&str> = said[1..].iter().map(String::as_str).collect();
        got.sort_unstable();
        let mut want: Vec<&str> = always.iter().chain(more).copied().collect();
        want.extend(["SIZE 50000000", "LIMITS RCPTMAX=1000"]);
        want.sort_unstable();
        assert_eq!(got, want, "{backend:?} {passes_8bit} {why}");
    }
}

#[test]
fn helo_offers_nothing() {
    let rules = rules();
    let reply = Offer::plain(&rules).reply(&rules);
    assert_eq!(reply.to_string(), "250 mx.ours.example");
}

/// RFC 1870 §4: zero means "no limit", so that it must not be said by accident.
#[test]
fn size_is_the_smaller_one_less_what_we_add() {
    for (backend, want) in [
        (None, 50_000_000),
        (Some("SIZE"), 50_000_000),
        (Some("SIZE 0"), 50_000_000),
        (Some("SIZE 100000000"), 50_000_000),
        (Some("SIZE 10240000"), 10_240_000 - OUR_FIELDS),
        (Some("SIZE 16384"), 1),
        (Some("SIZE 1"), 1),
    ] {
        let known = backend.map(|line| capabilities(&[line]));
        assert_eq!(Offer::extended(&rules(), known.as_ref(), false).size, want, "{backend:?}");
    }
}

/// RFC 9422 §3: one to six digits, not zero.
#[test]
fn limits_are_said_if_they_can_be() {
    for (recipients, messages, want) in [
        (1000, None, Some("LIMITS RCPTMAX=1000")),
        (100, Some(5), Some("LIMITS RCPTMAX=100 MAILMAX=5")),
        (1_000_000, Some(0), None),
        (999_999, None, Some("LIMITS RCPTMAX=999999")),
    ] {
        let mut rules = rules();
        (rules.limits.recipients, rules.limits.messages) = (recipients, messages);
        let said = lines(Offer::extended(&rules, None, false), &rules);
        let limits = said.iter().find(|line| line.starts_with("LIMITS")).map(String::as_str);
        assert_eq!(limits, want);
    }
}

/// RFC 5321 §4.1.1.11: 555 for what was not offered.
#[test]
fn parameters_follow_the_offer() {
    let none = Offer { is_extended: true, size: 1000, ..Offer::plain(&rules()) };
    let all = Offer { eight_bit_mime: true, smtputf8: true, dsn: true, ..none };
    let eight = Offer { eight_bit_mime: true, ..none };
    let utf8 = Offer { smtputf8: true, ..none };
    let dsn = Offer { dsn: true, ..none };
    let plain = Offer::plain(&rules());
    let yes = Reply::OK;
    let no = Reply::UNKNOWN_PARAMETER;
    for (offer, parameter, want) in [
        (none, "SIZE=1000", &yes),
        (none, "size=1000", &yes),
        (none, "SIZE=1001", &Reply::MESSAGE_TOO_BIG),
        (plain, "SIZE=1", &no),
        (none, "BODY=8BITMIME", &no),
        (none, "BODY=7BIT", &no),
        (eight, "BODY=8BITMIME", &yes),
        (eight, "BODY=7BIT", &yes),
        (all, "BODY=BINARYMIME", &no), // not in this version
        (none, "SMTPUTF8", &no),
        (utf8, "SMTPUTF8", &yes),
        (none, "RET=FULL", &no),
        (dsn, "RET=FULL", &yes),
        (dsn, "ENVID=x", &yes),
        (none, "ENVID=x", &no),
        (none, "ENVID=a+2", &no), // what it means nobody has said
        (dsn, "ENVID=a+2", &Reply::BAD_PARAMETER),
        (all, "AUTH=<>", &no),
        (all, "REQUIRETLS", &no),
        (all, "MT-PRIORITY=3", &no),
        (all, "NOTIFY=NEVER", &no), // a parameter of RCPT
        (all, "ORCPT=rfc822;a@b", &no),
        (all, "X", &no),
    ] {
        let line = format!("MAIL FROM:<a@a.example> {parameter}");
        assert_eq!(admission(&session_with(offer), &line), *want, "{parameter} under {offer:?}");
    }
    for (offer, parameter, want) in [
        (dsn, "NOTIFY=NEVER", &yes),
        (dsn, "NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;a@b.example", &yes),
        (none, "NOTIFY=NEVER", &no),
        (none, "NOTIFY=LATER", &no),
        (dsn, "NOTIFY=LATER", &Reply::BAD_PARAMETER),
        (none, "ORCPT=rfc822;a@b", &no),
        (all, "SIZE=10", &no), // a parameter of MAIL
        (all, "BODY=7BIT", &no),
        (all, "SMTPUTF8", &no),
        (all, "RET=FULL", &no),
        (all, "ENVID=x", &no),
        (all, "X=y", &no),
    ] {
        let mut session = session_with(offer);
        let admitted = session.admit(command("MAIL FROM:<a@a.example>")).unwrap();
        session.commit(admitted, offer, Effects::default(), &Reply::OK);
        let line = format!("RCPT TO:<b@ours.example> {parameter}");
        assert_eq!(admission(&session, &line), *want, "{parameter} under {offer:?}");
    }
}

/// What a backend offers later changes nothing for a session that has its EHLO.
#[test]
fn an_offer_is_frozen_until_the_next_ehlo() {
    let rules = rules();
    let mut session = session_with(Offer::extended(&rules, Some(&capabilities(&["DSN"])), false));
    let poorer = Offer::extended(&rules, None, false);
    let admitted = session.admit(command("NOOP")).unwrap();
    session.commit(admitted, poorer, Effects::default(), &Reply::OK);
    assert!(session.greeting().unwrap().offer.dsn);
    let admitted = session.admit(command("EHLO a.example")).unwrap();
    session.commit(admitted, poorer, Effects::default(), &Reply::OK);
    assert!(!session.greeting().unwrap().offer.dsn);
}
