//! Tests of the order of commands.

use crate::session::effects::Effects;
use crate::session::ehlo::Offer;
use crate::session::envelope::ContentState;
use crate::session::example::{admission, command, rules, say, session, session_after, session_from};
use crate::session::state::Session;
use crate::smtp::reply::Reply;

const REFUSED: Reply = Reply::fixed(550, (5, 7, 1), "no");

fn with_content(lines: &[&str], state: ContentState) -> Session {
    let mut session = session_after(lines);
    session.commit_chunks(state);
    session
}

fn turned_away() -> Session {
    let mut session = session();
    session.commit_banner(Effects::default(), &Reply::fixed(554, (5, 7, 1), "no"));
    session
}

fn refused_at_ehlo() -> Session {
    let mut session = session();
    say(&mut session, "EHLO a.example", &REFUSED);
    session
}

fn all_recipients_refused() -> Session {
    let mut session = session_after(&["EHLO a.example", "MAIL FROM:<a@a.example>"]);
    say(&mut session, "RCPT TO:<b@ours.example>", &REFUSED);
    session
}

const EHLO: &str = "EHLO a.example";
const HELO: &str = "HELO a.example";
const MAIL: &str = "MAIL FROM:<a@a.example>";
const RCPT: &str = "RCPT TO:<b@ours.example>";
const BDAT: &str = "BDAT 10";

/// RFC 5321 §4.1.4, RFC 3030 §2: a row a state, a column a command.
#[test]
fn every_state_knows_what_may_be_said_in_it() {
    use Reply as R;
    let ok = R::OK;
    let chunks = ContentState::Chunks;
    let failed = ContentState::Failed;
    let mail = [EHLO, MAIL];
    let rcpt = [EHLO, MAIL, RCPT];
    // The reply to MAIL, RCPT, DATA, BDAT.
    let rows = [
        ("new", session(), [R::HELO_FIRST, R::HELO_FIRST, R::HELO_FIRST, R::HELO_FIRST]),
        ("turned away", turned_away(), [R::QUIT_ONLY, R::QUIT_ONLY, R::QUIT_ONLY, R::QUIT_ONLY]),
        ("refused at EHLO", refused_at_ehlo(), [REFUSED, R::MAIL_FIRST, R::MAIL_FIRST, R::MAIL_FIRST]),
        ("EHLO", session_after(&[EHLO]), [ok.clone(), R::MAIL_FIRST, R::MAIL_FIRST, R::MAIL_FIRST]),
        ("HELO", session_after(&[HELO]), [ok.clone(), R::MAIL_FIRST, R::MAIL_FIRST, R::NOT_OFFERED]),
        ("MAIL", session_after(&mail), [R::NESTED_MAIL, ok.clone(), R::RCPT_FIRST, R::RCPT_FIRST]),
        (
            "all recipients refused",
            all_recipients_refused(),
            [R::NESTED_MAIL, ok.clone(), R::NO_VALID_RECIPIENTS, R::NO_VALID_RECIPIENTS],
        ),
        ("RCPT", session_after(&rcpt), [R::NESTED_MAIL, ok.clone(), ok.clone(), ok.clone()]),
        (
            "RCPT after HELO",
            session_after(&[HELO, MAIL, RCPT]),
            [R::NESTED_MAIL, ok.clone(), ok.clone(), R::NOT_OFFERED],
        ),
        ("a chunk", with_content(&rcpt, chunks), [R::NESTED_MAIL, R::BDAT_BEGUN, R::BDAT_BEGUN, ok.clone()]),
        (
            "a refused chunk",
            with_content(&rcpt, failed),
            [ok.clone(), R::BDAT_FAILED, R::BDAT_FAILED, R::BDAT_FAILED],
        ),
        (
            "RSET",
            session_after(&[EHLO, MAIL, RCPT, "RSET"]),
            [ok.clone(), R::MAIL_FIRST, R::MAIL_FIRST, R::MAIL_FIRST],
        ),
        (
            "a new EHLO",
            session_after(&[EHLO, MAIL, RCPT, EHLO]),
            [ok, R::MAIL_FIRST, R::MAIL_FIRST, R::MAIL_FIRST],
        ),
    ];
    for (state, session, replies) in rows {
        for (line, want) in [MAIL, RCPT, "DATA", BDAT].into_iter().zip(replies) {
            assert_eq!(admission(&session, line), want, "{line} in state {state}");
        }
        assert_eq!(admission(&session, "BDAT 0 LAST"), admission(&session, BDAT), "state {state}");
    }
}

/// RFC 5321 §4.1.4: "at any time"; §3.1 for the one exception; the rest is not offered in any state.
#[test]
fn commands_without_an_order_have_the_same_reply_in_every_state() {
    let states = || {
        let rcpt = [EHLO, MAIL, RCPT];
        [session(), session_after(&rcpt), with_content(&rcpt, ContentState::Chunks), refused_at_ehlo()]
    };
    for (line, want) in [
        ("RSET", Reply::OK),
        ("NOOP", Reply::OK),
        ("QUIT", Reply::OK),
        ("HELP", Reply::OK),
        ("VRFY ann", Reply::OK),
        (EHLO, Reply::OK),
        (HELO, Reply::OK),
        ("EXPN staff", Reply::NO_EXPN),
        ("STARTTLS", Reply::NOT_OFFERED),
        ("AUTH PLAIN AGEAYg==", Reply::NOT_OFFERED),
        ("ETRN a.example", Reply::NOT_OFFERED),
        ("LHLO a.example", Reply::NOT_OFFERED),
        ("XCLIENT ADDR=192.0.2.1", Reply::NOT_FOR_YOU),
        ("XFORWARD ADDR=192.0.2.1", Reply::NOT_FOR_YOU),
        ("FROBNICATE", Reply::UNKNOWN_COMMAND),
    ] {
        for session in states() {
            assert_eq!(admission(&session, line), want, "{line} with {:?}", session.transaction());
        }
        let want = if line == "QUIT" { Reply::OK } else { Reply::QUIT_ONLY };
        assert_eq!(admission(&turned_away(), line), want, "{line} after a 554 banner");
    }
}

#[test]
fn our_own_answers_are_those_of_rfc5321_4_2() {
    let session = session_after(&[EHLO, MAIL]);
    for (line, code, status) in [
        ("QUIT", 221, "2.0.0"),
        ("HELP", 214, "2.0.0"),
        ("VRFY ann", 252, "2.0.0"),
        ("NOOP", 250, "2.0.0"),
        ("RSET", 250, "2.0.0"),
        (RCPT, 250, "2.1.5"),
    ] {
        let reply = session.answer(&session.admit(command(line)).unwrap());
        assert_eq!(
            (reply.code.get(), reply.enhanced.unwrap().to_string()),
            (code, status.to_owned()),
            "{line}"
        );
    }
    let session = session_after(&[EHLO]);
    let reply = session.answer(&session.admit(command(MAIL)).unwrap());
    assert_eq!(reply.to_string(), "250 2.1.0 Ok");
}

#[test]
fn vrfy_is_refused_where_the_listener_says_so() {
    let mut rules = rules();
    rules.refuses_vrfy = true;
    let session = session_from(rules, "203.0.113.9");
    assert_eq!(admission(&session, "VRFY ann"), Reply::NOT_OFFERED);
}

#[test]
fn a_better_ehlo_lifts_the_refusal_of_the_last() {
    let mut session = refused_at_ehlo();
    assert_eq!(admission(&session, MAIL), REFUSED);
    say(&mut session, EHLO, &Reply::OK);
    assert_eq!(admission(&session, MAIL), Reply::OK);
}

#[test]
fn recipients_past_the_limit_are_452() {
    let mut rules = rules();
    rules.limits.recipients = 2;
    let mut session = session_from(rules, "203.0.113.9");
    for line in [EHLO, MAIL, RCPT] {
        assert_eq!(say(&mut session, line, &Reply::OK), Reply::OK);
    }
    say(&mut session, "RCPT TO:<no@ours.example>", &REFUSED); // a refused one takes no place
    assert_eq!(say(&mut session, "RCPT TO:<c@ours.example>", &Reply::OK), Reply::OK);
    assert_eq!(admission(&session, "RCPT TO:<d@ours.example>"), Reply::TOO_MANY_RECIPIENTS);
}

/// MAILMAX of RFC 9422 §4.1: the count is of transactions, whether they succeed or not.
#[test]
fn transactions_past_the_limit_are_421() {
    let mut rules = rules();
    rules.limits.messages = Some(2);
    let mut session = session_from(rules, "203.0.113.9");
    for line in [EHLO, MAIL, "RSET", MAIL, "RSET"] {
        assert_eq!(say(&mut session, line, &Reply::OK), Reply::OK);
    }
    assert_eq!(admission(&session, MAIL), Reply::TOO_MANY_MESSAGES);
}

/// RFC 6531 §3.5, RFC 6533 §3: UTF-8 goes nowhere without SMTPUTF8.
#[test]
fn text_beyond_ascii_needs_smtputf8() {
    let session = session_after(&[EHLO]);
    for (line, want) in [
        ("MAIL FROM:<jörg@a.example>", Reply::NEEDS_SMTPUTF8),
        ("MAIL FROM:<a@bücher.example>", Reply::NEEDS_SMTPUTF8),
        ("MAIL FROM:<jörg@a.example> SMTPUTF8", Reply::OK),
        ("MAIL FROM:<a@a.example> SMTPUTF8", Reply::OK),
    ] {
        assert_eq!(admission(&session, line), want, "{line}");
    }
    let plain = session_after(&[EHLO, MAIL]);
    let utf8 = session_after(&[EHLO, "MAIL FROM:<a@a.example> SMTPUTF8"]);
    for line in ["RCPT TO:<jörg@ours.example>", "RCPT TO:<b@ours.example> ORCPT=utf-8;jörg@ours.example"] {
        assert_eq!(admission(&plain, line), Reply::NEEDS_SMTPUTF8, "{line}");
        assert_eq!(admission(&utf8, line), Reply::OK, "{line}");
    }
}

/// RFC 1870 §6.1.
#[test]
fn a_declared_size_past_the_limit_is_552() {
    let mut session = session_after(&[EHLO]);
    let size = Offer::extended(session.rules(), None, false).size;
    assert_eq!(admission(&session, &format!("{MAIL} SIZE={size}")), Reply::OK);
    assert_eq!(admission(&session, &format!("{MAIL} SIZE={}", size + 1)), Reply::MESSAGE_TOO_BIG);
    assert_eq!(admission(&session, &format!("{MAIL} SIZE=99999999999999999999")), Reply::MESSAGE_TOO_BIG);
    say(&mut session, HELO, &Reply::OK);
    assert_eq!(admission(&session, &format!("{MAIL} SIZE=1")), Reply::UNKNOWN_PARAMETER); // HELO offers nothing
}

#[test]
fn admission_changes_nothing() {
    let session = session_after(&[EHLO, MAIL, RCPT]);
    let before = format!("{session:?}");
    for line in [EHLO, MAIL, RCPT, "DATA", BDAT, "RSET", "QUIT", "FROBNICATE", "XCLIENT A=B"] {
        drop(session.admit(command(line)));
    }
    assert_eq!(format!("{session:?}"), before);
}
