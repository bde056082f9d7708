//! Properties of random dialogues: what a session holds is what a careful reader of the RFC would have written down.

use proptest::prelude::*;

use super::tests::{EHLO, LATER, MAIL, NO, RCPT, all_effects, assume};
use super::*;
use crate::session::effects::{Scope, Skip};
use crate::session::example::{
    admission, held, recipients, rules, say, say_with, session_after, session_from,
};

/// One step of a random dialogue: a line, and the reply of whoever answers it.
fn step() -> impl Strategy<Value = (&'static str, Reply)> {
    let lines = prop::sample::select(vec![
        EHLO,
        "HELO a.example",
        MAIL,
        MAIL,
        RCPT,
        RCPT,
        "RCPT TO:<c@ours.example>",
        "RCPT TO:<x@else.example>",
        "RCPT TO:<d@ours.example> X=1",
        "DATA",
        "BDAT 5",
        "RSET",
        "NOOP",
        "FROBNICATE",
    ]);
    (lines, prop::sample::select(vec![Reply::OK, Reply::OK, NO, LATER]))
}

/// What a careful reader of RFC 5321 §4.1.4 would write down of the dialogue.
#[derive(Default)]
struct Model {
    transaction: Option<Vec<String>>,
    number: u64,
}

impl Model {
    fn note(&mut self, line: &str, reply: &Reply) {
        let mail = line.starts_with("MAIL") && reply.code != 503 && reply.code != 421;
        self.number += u64::from(mail && reply != &Reply::NESTED_MAIL);
        if !reply.is_positive() {
            return;
        }
        match line.get(..4) {
            Some("EHLO" | "HELO" | "RSET") => self.transaction = None,
            Some("MAIL") => self.transaction = Some(Vec::new()),
            Some("RCPT") => {
                self.transaction.as_mut().unwrap().push(line.trim_start_matches("RCPT TO:").to_owned())
            }
            _ => {}
        }
    }
}

proptest! {
    #[test]
    fn the_recipients_are_exactly_those_accepted(steps in prop::collection::vec(step(), 0..60)) {
        let mut rules = rules();
        (rules.limits.errors, rules.limits.rejected_recipients) = (None, None);
        let mut session = session_from(rules, "203.0.113.9");
        let mut model = Model::default();
        let mut refused_greeting = None;
        for (line, reply) in steps {
            let before = session.transaction().map(|open| open.number);
            let reply = if line == "RSET" { Reply::OK } else { reply }; // ours, and never refused
            let said = say_with(&mut session, line, all_effects_but_grant(), &reply);
            if line.starts_with("EHLO") || line.starts_with("HELO") {
                refused_greeting = (!said.is_positive()).then_some(said.clone());
            }
            // MAIL that gets the reply of a refused EHLO is not a transaction of its own.
            let is_echo = line == MAIL && refused_greeting.as_ref() == Some(&said);
            if !is_echo {
                model.note(line, &said);
            }
            prop_assert_eq!(recipients(&session), model.transaction.clone().unwrap_or_default());
            prop_assert_eq!(session.transaction().is_some(), model.transaction.is_some());
            if !said.is_positive() {
                prop_assert_eq!(session.transaction().map(|open| open.number), before);
            }
            if session.transaction().is_none() {
                prop_assert!(session.grant().is_none());
                prop_assert!(!session.passes_over("any other"));
            }
            let open = session.transaction();
            prop_assert!(open.is_none_or(|open| open.recipients.len() + open.refused_recipients == open.rcpt_commands));
        }
        prop_assert_eq!(session.counters().transactions, model.number);
    }

    /// A batch as RFC 2920 has it: many RCPTs before the first reply; unanswered ones count as accepted.
    #[test]
    fn unanswered_recipients_count_until_they_are_refused(
        replies in prop::collection::vec(any::<bool>(), 1..20),
        ends in any::<bool>(),
    ) {
        let mut session = session_after(&[EHLO, MAIL]);
        let line = |n: usize| format!("RCPT TO:<r{n}@ours.example>");
        let assumed: Vec<_> =
            (0..replies.len()).map(|n| assume(&mut session, &line(n), Effects::default())).collect();
        prop_assert_eq!(recipients(&session).len(), replies.len());
        prop_assert_eq!(admission(&session, "DATA"), Reply::OK);
        if ends {
            say(&mut session, "RSET", &Reply::OK);
        }
        for (assumed, is_accepted) in assumed.into_iter().zip(&replies) {
            let reply = if *is_accepted { Reply::FORWARD_PATH_OK } else { NO };
            session.settle(assumed, &reply);
        }
        let accepted = replies.iter().enumerate().filter(|(_, is_accepted)| **is_accepted && !ends);
        let want: Vec<String> = accepted.map(|(n, _)| format!("<r{n}@ours.example>")).collect();
        prop_assert_eq!(&recipients(&session), &want);
        let data = admission(&session, "DATA");
        let want_data = match (ends, want.is_empty()) {
            (true, _) => Reply::MAIL_FIRST,
            (false, true) => Reply::NO_VALID_RECIPIENTS,
            (false, false) => Reply::OK,
        };
        prop_assert_eq!(data, want_data);
    }
}

fn all_effects_but_grant() -> Effects {
    let skips = vec![Skip { policy: "x".into(), scope: Scope::Transaction }];
    Effects { grant: None, held: held("held", true).held, skips, ..all_effects() }
}
