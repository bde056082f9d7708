//! Tests of what hooks leave behind.

use super::*;
use crate::session::example::{grant, held, policy, score};

#[test]
fn the_first_grant_and_the_first_held_refusal_stand() {
    let mut standing = Standing::default();
    standing.take(&mut grant("first"));
    standing.take(&mut grant("second"));
    standing.take(&mut held("first", true));
    standing.take(&mut held("second", true));
    assert_eq!(standing.grant.unwrap().why, "first");
    assert_eq!(standing.held.unwrap().reply.text(), "first");
}

#[test]
fn the_last_note_of_a_name_stands_and_their_number_is_bounded() {
    let note = |key: usize, value: &str| Effects {
        notes: vec![(key.to_string(), value.to_owned())],
        ..Effects::default()
    };
    let mut standing = Standing::default();
    for key in 0..1000 {
        standing.take(&mut note(key, "a"));
    }
    standing.take(&mut note(0, "b"));
    assert_eq!(standing.notes.len(), NOTES);
    assert_eq!(standing.notes[0], ("0".to_owned(), "b".to_owned()));
}

/// Otherwise a client with many recipients could outlive the points that they give it.
#[test]
fn points_add_up_also_past_the_bound_of_the_list() {
    let mut standing = Standing::default();
    for _ in 0..SCORES + 100 {
        standing.take(&mut score(1.0));
    }
    assert_eq!(standing.scores.len(), SCORES);
    assert_eq!(standing.score(), (SCORES + 100) as f64);
}

#[test]
fn an_exemption_stands_for_its_scope_alone() {
    let skip = |scope| Skip { policy: "x".into(), scope };
    let mut effects = Effects {
        skips: vec![skip(Scope::Session), skip(Scope::Transaction), skip(Scope::Session)],
        acceptance: Some(Acceptance { policy: policy(), scope: Scope::Transaction }),
        ..Effects::default()
    };
    let mut session = Standing::default();
    session.take_exemptions(&mut effects, Scope::Session);
    assert_eq!(session.skips, [skip(Scope::Session)], "once");
    assert!(session.acceptance.is_none());
    let mut transaction = Standing::default();
    transaction.take_exemptions(&mut effects, Scope::Transaction);
    assert_eq!(transaction.skips, [skip(Scope::Transaction)]);
    assert!(transaction.acceptance.is_some());
}
