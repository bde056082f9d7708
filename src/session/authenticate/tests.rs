//! Tests of when AUTH may be said, and of what a login changes.

use super::*;
use crate::session::effects::Effects;
use crate::session::ehlo::Offer;
use crate::session::example::{backend, command, held, rules, say, session_from};
use crate::session::login::Logins;
use crate::session::rules::Rules;
use crate::smtp::mechanism::Mechanisms;

fn rules_of(demand: Demand, without_tls: bool) -> Rules {
    Rules { logins: Logins { demand, without_tls }, ..rules() }
}

/// A session after EHLO, which offered PLAIN.
fn greeted(rules: Rules) -> Session {
    let mut session = session_from(rules, "203.0.113.9");
    let offer = Offer::extended(session.rules(), Some(&backend()), false);
    let offer = offer.with_auth(Mechanisms::NONE.with(Mechanism::Plain));
    let admitted = session.admit(command("EHLO a.example")).unwrap();
    session.commit(admitted, offer, Effects::default(), &Reply::OK);
    session
}

fn log_in(session: &mut Session) {
    let admitted = session.admit(command("AUTH PLAIN")).unwrap();
    let login = Login::new("ann@ours.example", Mechanism::Plain);
    session.commit_login(admitted, login, Effects::default(), &Reply::LOGGED_IN);
}

fn answer(session: &Session, line: &str) -> Reply {
    session.admit(command(line)).map_or_else(|refusal| refusal, |_| Reply::OK)
}

/// RFC 4954 §4: a row a state, with the reply to AUTH in it.
#[test]
fn auth_is_admitted_where_the_rfc_says() {
    use Reply as R;
    let optional = || rules_of(Demand::Optional, true);
    let after = |lines: &[&str]| {
        let mut session = greeted(optional());
        lines.iter().for_each(|line| drop(say(&mut session, line, &R::OK)));
        session
    };
    let mut logged_in = greeted(optional());
    log_in(&mut logged_in);
    let mut refused = greeted(optional());
    say(&mut refused, "EHLO b.example", &Reply::fixed(550, (5, 7, 1), "no"));
    let mut helo = session_from(optional(), "203.0.113.9");
    say(&mut helo, "HELO a.example", &R::OK);
    for (session, line, want, why) in [
        (greeted(optional()), "AUTH PLAIN", R::OK, ""),
        (greeted(optional()), "auth plain AGEAYg==", R::OK, "any case, an initial response"),
        (greeted(optional()), "AUTH LOGIN", R::UNKNOWN_MECHANISM, "known, not offered"),
        (greeted(optional()), "AUTH GSSAPI", R::UNKNOWN_MECHANISM, "not known"),
        (greeted(optional()), "AUTH PLAIN a b", R::AUTH_SYNTAX, "too much"),
        (greeted(optional()), "AUTH PL(AIN", R::AUTH_SYNTAX, "no name"),
        (greeted(rules_of(Demand::Off, true)), "AUTH PLAIN", R::NOT_OFFERED, "no logins here"),
        (greeted(rules_of(Demand::Optional, false)), "AUTH PLAIN", R::LOGIN_NEEDS_TLS, "no TLS"),
        (session_from(optional(), "203.0.113.9"), "AUTH PLAIN", R::HELO_FIRST, "before EHLO"),
        (helo, "AUTH PLAIN", R::HELO_FIRST, "HELO offers nothing"),
        (refused, "AUTH PLAIN", R::HELO_FIRST, "a policy has refused EHLO"),
        (after(&["MAIL FROM:<a@a.example>"]), "AUTH PLAIN", R::AUTH_IN_TRANSACTION, ""),
        (after(&["MAIL FROM:<a@a.example>", "RSET"]), "AUTH PLAIN", R::OK, "the transaction is over"),
        (logged_in, "AUTH PLAIN", R::LOGGED_IN_ALREADY, "twice"),
    ] {
        assert_eq!(answer(&session, line), want, "{line}: {why}");
    }
}

/// RFC 4954 §6, code 530.
#[test]
fn where_logins_are_required_nothing_goes_without() {
    let mut session = greeted(rules_of(Demand::Required, true));
    for line in ["MAIL FROM:<a@a.example>", "VRFY a", "EXPN a", "ETRN a.example", "DATA", "BDAT 1 LAST"] {
        assert_eq!(answer(&session, line), Reply::LOGIN_REQUIRED, "{line}");
    }
    for line in ["NOOP", "RSET", "QUIT", "EHLO b.example", "HELP", "AUTH PLAIN"] {
        assert_eq!(answer(&session, line), Reply::OK, "{line}");
    }
    log_in(&mut session);
    assert_eq!(answer(&session, "MAIL FROM:<a@a.example>"), Reply::OK);
    let early = session_from(rules_of(Demand::Required, true), "203.0.113.9");
    assert_eq!(answer(&early, "MAIL FROM:<a@a.example>"), Reply::HELO_FIRST, "AUTH is learned of at EHLO");
}

#[test]
fn a_login_relays_where_the_listener_says_so() {
    for authenticated in [false, true] {
        let mut rules = rules_of(Demand::Optional, true);
        rules.relay.authenticated = authenticated;
        let mut session = greeted(rules);
        assert_eq!(session.may_relay(), None);
        log_in(&mut session);
        assert_eq!(session.may_relay().is_some(), authenticated);
        assert_eq!(session.login_grant().is_some(), authenticated);
    }
}

#[test]
fn a_login_lifts_what_was_held_back() {
    for unless_auth in [false, true] {
        let mut session = greeted(rules_of(Demand::Optional, true));
        let admitted = session.admit(command("EHLO a.example")).unwrap();
        let offer = session.greeting().unwrap().offer;
        session.commit(admitted, offer, held("no", unless_auth), &Reply::OK);
        assert!(session.held().is_some());
        log_in(&mut session);
        assert_eq!(session.held().is_none(), unless_auth);
    }
}

#[test]
fn a_refused_login_changes_nothing_but_counts() {
    let mut session = greeted(rules_of(Demand::Optional, true));
    let admitted = session.admit(command("AUTH PLAIN")).unwrap();
    session.count_auth_failure();
    let login = Login::new("ann", Mechanism::Plain);
    session.commit_login(admitted, login, Effects::default(), &Reply::LOGIN_REFUSED);
    assert!(session.login().is_none());
    assert_eq!(session.counters().auth_failures, 1);
    for name in ["", "a\r\nb", &"x".repeat(256)] {
        assert!(Login::new(name, Mechanism::Plain).is_none(), "{name:?}");
    }
}
