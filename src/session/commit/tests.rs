//! Tests of what each reply leaves behind.

use super::*;
use crate::session::effects::{Acceptance, Scope, Skip};
use crate::session::example::{
    admission, command, grant, held, policy, recipients, rules, say, say_with, score, session, session_after,
    session_from,
};
use crate::session::relay_guard::{Claim, judge};
use crate::smtp::path::Mailbox;

pub(super) const NO: Reply = Reply::fixed(550, (5, 7, 1), "no");
pub(super) const LATER: Reply = Reply::fixed(451, (4, 7, 1), "later");
pub(super) const EHLO: &str = "EHLO a.example";
pub(super) const MAIL: &str = "MAIL FROM:<a@a.example>";
pub(super) const RCPT: &str = "RCPT TO:<b@ours.example>";

fn offer(session: &Session) -> Offer {
    Offer::extended(session.rules(), None, false)
}

fn commit(session: &mut Session, line: &str, effects: Effects, reply: &Reply) -> Option<Box<Transaction>> {
    let admitted = session.admit(command(line)).unwrap();
    let offer = offer(session);
    session.commit(admitted, offer, effects, reply)
}

pub(super) fn assume(session: &mut Session, line: &str, effects: Effects) -> Assumed {
    let Command::Rcpt(rcpt) = command(line) else { panic!("{line}") };
    let permitted = permitted(session, rcpt.forward_path.mailbox().unwrap());
    let admitted = session.admit(command(line)).unwrap();
    session.assume(admitted, effects, Destination::Backend(permitted)).unwrap()
}

fn permitted(session: &Session, mailbox: &Mailbox) -> Permitted {
    let claim = Claim { client: Some("192.0.2.1".parse().unwrap()), granted: None };
    let path = crate::smtp::path::ForwardPath::Mailbox(mailbox.clone());
    judge(&session.rules().relay, claim, path).unwrap()
}

fn mailbox(text: &str) -> Mailbox {
    Mailbox::parse(text, false).unwrap()
}

pub(super) fn all_effects() -> Effects {
    let scopes = [Scope::Session, Scope::Transaction];
    Effects {
        skips: scopes.map(|scope| Skip { policy: "x".into(), scope }).to_vec(),
        acceptance: Some(Acceptance { policy: policy(), scope: Scope::Transaction }),
        notes: vec![("key".to_owned(), "value".to_owned())],
        headers: vec![("X-A".to_owned(), "b".to_owned())],
        scores: score(3.0).scores,
        ..grant("because")
    }
}

#[test]
fn a_refused_mail_opens_nothing_and_its_effects_are_gone() {
    let mut session = session_after(&[EHLO]);
    let ended = commit(&mut session, MAIL, all_effects(), &NO).unwrap();
    assert!(session.transaction().is_none());
    assert!(session.grant().is_none());
    assert!(!session.passes_over("x"));
    assert_eq!(session.score(), 0.0);
    assert_eq!((ended.number, session.counters().transactions), (1, 1));
    // For the log: what was scored and noted stays with the transaction that never was.
    assert_eq!(ended.standing.score(), 3.0);
    assert_eq!(ended.standing.notes.len(), 1);
    assert!(ended.standing.grant.is_none() && ended.headers.is_empty());
}

#[test]
fn an_accepted_mail_applies_all_effects_for_the_transaction() {
    let mut session = session_after(&[EHLO]);
    commit(&mut session, MAIL, all_effects(), &Reply::OK);
    assert_eq!(session.may_relay(), Some("because"));
    assert!(session.passes_over("x") && session.passes_over("any other"));
    assert!(!session.passes_over("some"));
    assert_eq!(session.score(), 3.0);
    let ended = commit(&mut session, "RSET", Effects::default(), &Reply::OK).unwrap();
    assert_eq!(ended.headers.len(), 1);
    assert_eq!(session.may_relay(), None);
    assert_eq!(session.score(), 0.0);
    assert!(session.passes_over("x"), "one skip was for the session");
    assert!(!session.passes_over("any other"));
}

#[test]
fn a_grant_at_rcpt_holds_for_this_recipient_alone() {
    let mut session = session_after(&[EHLO, MAIL]);
    let reply = say_with(&mut session, "RCPT TO:<x@else.example>", grant("this one"), &Reply::OK);
    assert!(reply.is_positive());
    assert_eq!(session.transaction().unwrap().recipients[0].granted.as_deref(), Some("this one"));
    assert_eq!(say(&mut session, "RCPT TO:<y@else.example>", &Reply::OK), Reply::RELAY_DENIED);
    // Neither does the grant of a recipient that is refused leak into the transaction.
    say_with(&mut session, RCPT, grant("refused"), &NO);
    assert_eq!(session.may_relay(), None);
}

#[test]
fn a_grant_at_mail_or_connect_holds_as_long_as_its_stage() {
    let mut session = session_after(&[EHLO]);
    say_with(&mut session, MAIL, grant("transaction"), &Reply::OK);
    assert_eq!(say(&mut session, "RCPT TO:<x@else.example>", &Reply::OK), Reply::OK);
    say(&mut session, "RSET", &Reply::OK);
    say(&mut session, MAIL, &Reply::OK);
    assert_eq!(say(&mut session, "RCPT TO:<x@else.example>", &Reply::OK), Reply::RELAY_DENIED);

    say_with(&mut session, EHLO, grant("ehlo"), &Reply::OK);
    assert_eq!(session.may_relay(), Some("ehlo"));
    say(&mut session, EHLO, &Reply::OK);
    assert_eq!(session.may_relay(), None, "a new EHLO is a new start");
    session.commit_banner(grant("connect"), &Reply::plain(220, "hello"));
    say(&mut session, EHLO, &Reply::OK);
    assert_eq!(session.may_relay(), Some("connect"));
}

#[test]
fn a_354_is_no_refusal() {
    let mut session = session_after(&[EHLO, MAIL, RCPT]);
    assert!(commit(&mut session, "DATA", all_effects(), &Reply::START_DATA).is_none());
    assert_eq!(session.transaction().unwrap().headers.len(), 1);
    assert!(session.passes_over("x"));
    let mut session = session_after(&[EHLO, MAIL, RCPT]);
    commit(&mut session, "DATA", all_effects(), &LATER);
    assert!(session.transaction().unwrap().headers.is_empty());
    assert!(!session.passes_over("x"));
    assert_eq!(session.score(), 3.0);
}

/// RFC 5321 §4.1.4: "the server MUST stay in the same state".
#[test]
fn a_refused_ehlo_leaves_the_transaction_as_it_is() {
    let mut session = session_after(&[EHLO, MAIL, RCPT]);
    assert!(commit(&mut session, "EHLO other.example", all_effects(), &NO).is_none());
    assert_eq!(session.greeting().unwrap().name.as_str(), "a.example");
    assert_eq!(admission(&session, "DATA"), Reply::OK);
    assert_eq!(session.may_relay(), None);
    say(&mut session, "RSET", &Reply::OK);
    assert_eq!(admission(&session, MAIL), NO);
}

#[test]
fn a_transaction_whose_chunks_failed_ends_with_the_next_mail_that_is_accepted() {
    let mut session = session_after(&[EHLO, MAIL, RCPT]);
    session.commit_chunks(ContentState::Failed);
    let refused = commit(&mut session, MAIL, Effects::default(), &NO).unwrap();
    assert_eq!(refused.number, 2);
    assert_eq!(session.transaction().unwrap().number, 1, "it still has to be reported");
    let failed = commit(&mut session, MAIL, Effects::default(), &Reply::OK).unwrap();
    assert_eq!((failed.number, session.transaction().unwrap().number), (1, 3));
}

#[test]
fn numbers_of_recipients_never_repeat() {
    let mut session =
        session_after(&[EHLO, MAIL, RCPT, "RCPT TO:<c@ours.example>", "RCPT TO:<d@ours.example>"]);
    let gone = RecipientChange::Remove(mailbox("c@ours.example"), "site".into());
    session.commit_recipients(&[gone], Vec::new(), "rcpt");
    let refusal = session.admit(command("RCPT TO:<e@ours.example> X=1")).unwrap_err();
    session.commit_error(Verb::Rcpt, &refusal);
    let assumed = assume(&mut session, "RCPT TO:<f@ours.example>", Effects::default());
    let indices: Vec<_> = session.transaction().unwrap().recipients.iter().map(|known| known.index).collect();
    assert_eq!(indices, [1, 3, 5]);
    session.settle(assumed, &NO);
    assert_eq!(recipients(&session), ["<b@ours.example>", "<d@ours.example>"]);
}

#[test]
fn a_reply_that_comes_after_its_transaction_settles_nothing() {
    let mut session = session_after(&[EHLO, MAIL]);
    let assumed = assume(&mut session, RCPT, Effects::default());
    for line in ["RSET", MAIL] {
        say(&mut session, line, &Reply::OK);
    }
    let own = assume(&mut session, "RCPT TO:<c@ours.example>", Effects::default());
    session.settle(assumed, &NO);
    assert_eq!(recipients(&session), ["<c@ours.example>"]);
    assert_eq!(session.transaction().unwrap().refused_recipients, 0);
    session.settle(own, &Reply::OK);
    assert!(session.transaction().unwrap().recipients[0].is_answered);
}

#[test]
fn changes_of_recipients_are_made_in_their_order() {
    use RecipientChange::Add;
    let remove = |mailbox| RecipientChange::Remove(mailbox, "site".into());
    let (b, c, d) = (mailbox("b@ours.example"), mailbox("c@ours.example"), mailbox("d@ours.example"));
    for (changes, want, adds_copies, why) in [
        (vec![Add(c.clone())], vec!["b", "c"], true, ""),
        (vec![remove(b.clone())], vec![], false, ""),
        (vec![remove(b.clone()), Add(b.clone())], vec!["b"], false, "added anew"),
        (vec![Add(c.clone()), remove(c.clone())], vec!["b"], true, "taken back"),
        (vec![Add(c.clone()), Add(c.clone())], vec!["b", "c"], true, "once is enough"),
        (vec![Add(b.clone())], vec!["b"], true, "the client has named it"),
        (vec![remove(mailbox("\"b\"@OURS.example"))], vec![], false, "the same address, written otherwise"),
        (vec![remove(mailbox("B@ours.example"))], vec!["b"], true, "a local part has a case"),
        (vec![Add(d.clone()), Add(c.clone())], vec!["b", "c"], true, "the guard refused d"),
    ] {
        let mut session = session_after(&[EHLO, MAIL, RCPT]);
        let added = changes.iter().filter_map(|change| match change {
            Add(mailbox) if *mailbox != d => Some(permitted(&session, mailbox)),
            _ => None,
        });
        let permitted: Vec<Permitted> = added.collect();
        session.commit_recipients(&changes, permitted, "data");
        let want: Vec<String> = want.iter().map(|name| format!("<{name}@ours.example>")).collect();
        assert_eq!(recipients(&session), want, "{changes:?} {why}");
        assert_eq!(session.transaction().unwrap().adds_copies(), adds_copies, "{changes:?} {why}");
    }
}

#[test]
fn who_was_removed_is_a_discard_unless_added_anew() {
    let b = || mailbox("b@ours.example");
    let mut session = session_after(&[EHLO, MAIL, RCPT]);
    session.commit_recipients(&[RecipientChange::Remove(b(), "site".into())], Vec::new(), "data");
    let open = session.transaction().unwrap();
    let discards: Vec<_> =
        open.discards().map(|one| (one.forward_path, &**one.policy, one.why, one.stage)).collect();
    assert_eq!(discards, [("b@ours.example", "site", "recipient removed", "data")]);
    assert_eq!(open.accepted(), 1, "it has heard 250");
    let anew = vec![permitted(&session, &b())];
    session.commit_recipients(&[RecipientChange::Add(b())], anew, "message");
    assert_eq!(session.transaction().unwrap().discards().count(), 0);
}

#[test]
fn u_labels_and_a_labels_are_one_address() {
    let mut session = session_after(&[EHLO, "MAIL FROM:<a@a.example> SMTPUTF8"]);
    say_with(&mut session, "RCPT TO:<b@bücher.example>", grant("x"), &Reply::OK);
    let gone = RecipientChange::Remove(mailbox("b@xn--bcher-kva.example"), "site".into());
    session.commit_recipients(&[gone], Vec::new(), "data");
    assert!(recipients(&session).is_empty());
    assert!(session.transaction().unwrap().recipients_changed);
}

/// RFC 5321 §4.5.3.1.10, §7.8: errors are bounded, 452 is none.
#[test]
fn only_bad_commands_and_refused_recipients_are_counted_against_the_client() {
    let mut rules = rules();
    (rules.limits.errors, rules.limits.rejected_recipients) = (Some(3), Some(2));
    let mut session = session_from(rules, "203.0.113.9");
    assert_eq!(session.commit_error(Verb::Unknown, &Reply::LINE_TOO_LONG), None);
    assert_eq!(session.commit_error(Verb::Rcpt, &Reply::MAIL_FIRST), None);
    say(&mut session, EHLO, &Reply::OK);
    say(&mut session, MAIL, &Reply::OK);
    for _ in 0..100 {
        assert_eq!(session.commit_error(Verb::Rcpt, &Reply::TOO_MANY_RECIPIENTS), None);
        assert_eq!(session.commit_error(Verb::Data, &Reply::NO_VALID_RECIPIENTS), None);
        say(&mut session, RCPT, &Reply::fixed(452, (4, 5, 3), "the backend has a limit of its own"));
    }
    assert_eq!(session.counters().recipients_refused, 0);
    assert_eq!(session.excess_of_rejections(), None);
    say(&mut session, RCPT, &NO);
    assert_eq!(session.excess_of_rejections(), None);
    say(&mut session, RCPT, &LATER);
    assert_eq!(session.excess_of_rejections(), Some(Reply::TOO_MANY_REJECTED_RECIPIENTS));
    assert_eq!(session.commit_error(Verb::Unknown, &Reply::UNKNOWN_COMMAND), Some(Reply::TOO_MANY_ERRORS));
    assert_eq!(session.counters().command_errors, 3);
}

/// RFC 5321 §7.8: who does much and sends nothing is told to go; who sends a message now and then is not.
#[test]
fn what_brings_no_message_nearer_is_bounded_between_messages() {
    let mut rules = rules();
    (rules.limits.junk_commands, rules.limits.errors) = (Some(3), None);
    for (lines, reply, is_junk) in [
        (&["RSET"][..], Reply::OK, true),
        (&["NOOP"], Reply::OK, true),
        (&["HELP"], Reply::HELP, true),
        (&["VRFY ann"], Reply::CANNOT_VERIFY, true),
        (&[EHLO], Reply::OK, true),
        (&[MAIL, "RSET"], Reply::OK, true),
        (&[MAIL], NO, true),                               // refused by a policy
        (&["RCPT TO:<b@ours.example>"], Reply::OK, false), // has bounds of its own; here it is out of order
        (&["WIBBLE"], Reply::OK, false),                   // `errors` counts it, if anything does
    ] {
        let mut session = session_from(rules.clone(), "203.0.113.9");
        say(&mut session, EHLO, &Reply::OK);
        for round in 1..=9 {
            lines.iter().for_each(|line| _ = say(&mut session, line, &reply));
            let excess = (is_junk && round > 2).then_some(Reply::TOO_MANY_JUNK_COMMANDS);
            assert_eq!(session.excess_of_junk(), excess, "{lines:?} {round}");
        }
        session.counters.junk_commands = 3;
        lines.iter().for_each(|line| _ = say(&mut session, line, &reply));
        session.commit_content(1234, &NO);
        assert_eq!(session.excess_of_junk().is_some(), is_junk, "{lines:?}: a refused message is none");
        session.commit_content(1234, &Reply::OK);
        assert_eq!(session.excess_of_junk(), None, "{lines:?}");
    }
    let mut session = session_from(rules, "203.0.113.9");
    (0..4).for_each(|_| _ = session.commit_error(Verb::Mail, &Reply::TLS_FIRST));
    assert_eq!(session.excess_of_junk(), Some(Reply::TOO_MANY_JUNK_COMMANDS));
}

/// RFC 2920 §3.1: the recipients may have been refused before any policy saw them.
#[test]
fn data_after_recipients_that_could_not_be_read_is_554() {
    let mut session = session_after(&[EHLO, MAIL]);
    session.commit_error(Verb::Rcpt, &Reply::BAD_FORWARD_PATH);
    assert_eq!(admission(&session, "DATA"), Reply::NO_VALID_RECIPIENTS);
}

#[test]
fn the_end_of_content_ends_the_transaction_whatever_the_reply() {
    for (reply, messages) in [(Reply::OK, 1), (NO, 0), (LATER, 0)] {
        let mut session = session_after(&[EHLO, MAIL, RCPT]);
        let ended = session.commit_content(1234, &reply).unwrap();
        assert_eq!(ended.recipients.len(), 1);
        assert!(session.transaction().is_none());
        assert_eq!((session.counters().messages, session.counters().octets), (messages, 1234));
        assert!(session.commit_content(0, &reply).is_none());
    }
}

#[test]
fn a_held_refusal_stands_until_a_grant_lifts_it() {
    let mut session = session();
    session.commit_banner(held("at connect", true), &Reply::plain(220, "hello"));
    say_with(&mut session, EHLO, held("at ehlo", false), &Reply::OK);
    assert_eq!(session.held().unwrap().reply.text(), "at connect");
    say_with(&mut session, MAIL, grant("trusted"), &Reply::OK);
    assert_eq!(session.held().unwrap().reply.text(), "at ehlo", "this one no grant lifts");
    say(&mut session, EHLO, &Reply::OK);
    assert_eq!(session.held().unwrap().reply.text(), "at connect");
}
