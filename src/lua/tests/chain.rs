//! The order of policies: first verdicts, exemptions, observers, held refusals, errors.

use std::rc::Rc;

use crate::lua::chain::Chain;
use crate::lua::config::OnError;
use crate::lua::tests::support::{Client, Setup, said, worker};
use crate::observe::policy_counts::PolicyCounts;
use crate::policy::event::Stage;
use crate::policy::mode::{Mode, PolicyUse};

fn rejecting(stage: &str, words: &str) -> String {
    format!("return {{ {stage} = function() return {words} end }}")
}

/// What the client hears at RCPT from these policies.
fn at_rcpt(setup: Setup) -> String {
    worker(async {
        let client = setup.client();
        client.connect().await;
        client.begin().await;
        said(&client.rcpt("<bob@ours.example>").await)
    })
}

#[test]
fn the_first_verdict_ends_the_stage() {
    let setup = Setup::new()
        .policy("silent", "return { rcpt = function() end }")
        .policy("first", &rejecting("rcpt", "reject('first')"))
        .policy("second", &rejecting("rcpt", "reject('second')"));
    assert_eq!(at_rcpt(setup), "550 5.7.1 first");
}

#[test]
fn accept_skips_the_others_but_not_the_required() {
    let accept = rejecting("rcpt", "accept()");
    let reject = rejecting("rcpt", "reject('no')");
    let setup = Setup::new().policy("a", &accept).policy("b", &reject);
    assert_eq!(at_rcpt(setup), "accept");
    let setup = Setup::new().policy("a", &accept).configured("b", &reject, |policy| policy.required = true);
    assert_eq!(at_rcpt(setup), "550 5.7.1 no");
}

#[test]
fn accept_lasts_as_long_as_it_says() {
    for (stage, words, want) in [
        ("connect", "accept('session')", "accept"),
        ("connect", "accept()", "550 5.7.1 no"),
        ("mail", "accept('transaction')", "accept"),
        ("mail", "accept()", "550 5.7.1 no"),
    ] {
        let setup = Setup::new()
            .policy("a", &rejecting(stage, words))
            .policy("b", &rejecting("rcpt", "reject('no')"));
        assert_eq!(at_rcpt(setup), want, "{stage} {words}");
    }
}

#[test]
fn accept_for_the_session_leaves_its_own_policy_in_force() {
    let text = "return { connect = function() return accept('session') end, rcpt = function() return reject('mine') end }";
    assert_eq!(at_rcpt(Setup::new().policy("a", text)), "550 5.7.1 mine");
}

#[test]
fn skip_exempts_from_those_named() {
    for (text, want) in [
        ("return { connect = function(session) session:skip('b', 'x') end }", "accept"),
        ("return { mail = function(_, mail) mail:skip('b') end }", "accept"),
        ("return { rcpt = function(session) session:skip('b') end }", "accept"), // in the same stage
        ("return { connect = function(session) session:skip('c') end }", "550 5.7.1 no"),
    ] {
        let setup = Setup::new().policy("a", text).policy("b", &rejecting("rcpt", "reject('no')"));
        assert_eq!(at_rcpt(setup), want, "{text}");
    }
}

#[test]
fn an_observer_decides_nothing() {
    for words in ["reject('no')", "accept('session')", "error('oh')", "discard('x')", "5"] {
        let text = format!(
            "return {{ rcpt = function(session) session:skip('b'); session:add_score(9, 'X'); return {words} end }}"
        );
        let setup = Setup::new()
            .configured("a", &text, |policy| {
                policy.mode = Mode::Observe;
                policy.on_error = OnError::Reject;
            })
            .policy("b", "return { rcpt = function(session) return reject('b ' .. session.score) end }");
        assert_eq!(at_rcpt(setup), "550 5.7.1 b 0.0", "{words}");
    }
}

#[test]
fn an_observers_shared_table_is_a_copy() {
    let writes = "return { connect = function(session) session.shared.n = 1 end }";
    let observes = "return { connect = function(session) assert(session.shared.n == 1); session.shared.n = 2; session.shared.m = 3 end,
        mail = function(session) assert(session.shared.n == 2 and session.shared.m == 3) end }";
    let reads = "return { rcpt = function(session) return reject(session.shared.n .. ' ' .. tostring(session.shared.m)) end }";
    let setup = Setup::new()
        .policy("a", writes)
        .configured("b", observes, |policy| policy.mode = Mode::Observe)
        .policy("c", reads);
    assert_eq!(at_rcpt(setup), "550 5.7.1 1 nil");
}

#[test]
fn a_held_refusal_is_said_at_rcpt() {
    for stage in ["connect", "ehlo", "mail"] {
        let held = rejecting(stage, "reject { text = 'held', at = 'rcpt' }");
        let later = rejecting("rcpt", "reject('never asked')");
        assert_eq!(at_rcpt(Setup::new().policy("a", &held).policy("b", &later)), "550 5.7.1 held", "{stage}");
    }
}

#[test]
fn the_first_of_several_held_refusals_is_said() {
    let setup = Setup::new()
        .policy("a", &rejecting("ehlo", "reject { text = 'second', at = 'rcpt' }"))
        .policy("b", &rejecting("connect", "defer { text = 'first', at = 'rcpt' }"))
        .policy("c", &rejecting("connect", "reject { text = 'not this', at = 'rcpt' }"));
    assert_eq!(at_rcpt(setup), "451 4.7.1 first");
}

#[test]
fn a_grant_lifts_a_held_refusal_unless_it_says_otherwise() {
    let grant = "return { mail = function(_, mail) mail:permit_relay('known') end }";
    for (words, want) in [
        ("reject { text = 'held', at = 'rcpt' }", "accept"),
        ("reject { text = 'held', at = 'rcpt', unless_auth = false }", "550 5.7.1 held"),
    ] {
        let setup = Setup::new().policy("a", &rejecting("connect", words)).policy("b", grant);
        assert_eq!(at_rcpt(setup), want, "{words}");
    }
}

#[test]
fn a_held_refusal_is_never_said_to_postmaster() {
    let held = rejecting("connect", "reject { text = 'held', at = 'rcpt' }");
    worker(async {
        let client = Setup::new().policy("a", &held).client();
        client.connect().await;
        client.begin().await;
        for (path, want) in [
            ("<Postmaster>", "accept"),
            ("<postmaster@ours.example>", "accept"),
            ("<ABUSE@ours.example>", "accept"),
            ("<\"abuse\"@ours.example>", "accept"),
            ("<abuse@elsewhere.example>", "550 5.7.1 held"), // not a relay domain
            ("<bob@ours.example>", "550 5.7.1 held"),
        ] {
            assert_eq!(said(&client.rcpt(path).await), want, "{path}");
        }
    });
}

#[test]
fn errors_become_what_on_error_says() {
    let raises = rejecting("rcpt", "error('secret words')");
    for (on_error, want) in [
        (OnError::Defer, "451 4.3.0 Local policy error, try again later"),
        (OnError::Reject, "550 5.3.0 Local policy error"),
        (OnError::Skip, "550 5.7.1 next"),
    ] {
        let setup = Setup::new()
            .configured("a", &raises, |policy| policy.on_error = on_error)
            .policy("b", &rejecting("rcpt", "reject('next')"));
        assert_eq!(at_rcpt(setup), want);
    }
}

#[test]
fn only_stages_with_hooks_are_asked() {
    let setup = Setup::new().policy("a", "return { mail = function() end, closed = function() end }");
    let stages = setup.client().policies.stages();
    let asked: Vec<&str> =
        Stage::ALL.into_iter().filter(|stage| stages.contains(*stage)).map(Stage::as_str).collect();
    // RCPT too, for a refusal that `mail` holds back.
    assert_eq!(asked, ["mail", "rcpt", "closed"]);
}

#[test]
fn what_hooks_say_is_counted() {
    worker(async {
        let setup = Setup::new()
            .policy("a", "return { connect = function() end, ehlo = function() return reject('no') end }")
            .configured(
                "b",
                "return { ehlo = function() error('oh') end, connect = function() return accept() end }",
                |b| {
                    b.mode = Mode::Observe;
                },
            );
        let engine = setup.load().unwrap();
        let counts = PolicyCounts::default();
        engine.count(&counts, 0);
        let uses = ["b", "a"].map(|name| PolicyUse { name: name.into(), mode: None });
        let client = Client::new(Rc::new(Chain::new(&engine, &uses).unwrap()));
        client.connect().await;
        client.ehlo("c.example").await;
        let told = |policy, stage: Stage| format!("{:?}", counts.hook(policy, stage.as_str(), 0));
        assert!(told("a", Stage::Ehlo).contains("reject: OwnCount(1)"), "{}", told("a", Stage::Ehlo));
        assert!(told("a", Stage::Connect).contains("none: OwnCount(1)"));
        assert!(told("b", Stage::Ehlo).contains("errors: OwnCount(1)"));
        assert!(told("b", Stage::Connect).contains("accept: OwnCount(1)"));
    });
}
