//! A reply that is decided, and what policies are told of it.

use std::time::Duration;

use crate::policy::event::Origin;
use crate::session::effects::PolicyName;
use crate::smtp::command::Verb;
use crate::smtp::reply::Reply;

/// A reply that is decided, with what policies are told of it.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub(super) reply: Reply,
    pub(super) origin: Origin,
    /// The verb and argument that it answers; empty where policies are not told.
    pub(super) line: String,
    /// How long a policy holds it back.
    pub(super) delay: Duration,
    pub(super) is_reported: bool,
    /// Whether it may hold UTF-8 though no transaction with SMTPUTF8 is open: it ends one, or refuses one.
    pub(super) is_utf8: bool,
}

impl Said {
    /// A reply of our own.
    pub(super) fn core(reply: Reply) -> Said {
        let (line, delay) = (String::new(), Duration::ZERO);
        Said { reply, origin: Origin::Core, line, delay, is_reported: false, is_utf8: false }
    }

    /// A policy's reply.
    pub(super) fn policy(reply: Reply, policy: Option<PolicyName>) -> Said {
        Said { origin: policy.map_or(Origin::Core, Origin::Policy), ..Said::core(reply) }
    }

    /// The policy whose decision it is.
    pub(super) fn author(&self) -> Option<PolicyName> {
        if let Origin::Policy(policy) = &self.origin { Some(policy.clone()) } else { None }
    }

    /// What the backend said, which is its own words or, where screening left none of them, ours.
    pub(super) fn backend(reply: Reply) -> Said {
        let is_ours =
            [Reply::BACKEND_CONFUSED, Reply::CANNOT_CONVERT, Reply::NO_VALID_RECIPIENTS].contains(&reply);
        let origin = if is_ours { Origin::Core } else { Origin::Backend };
        Said { origin, ..Said::core(reply) }
    }

    /// The same, as the answer to the line `text` with `verb`; policies are told of it where they may be.
    pub(super) fn answering(mut self, verb: Verb, text: &str) -> Said {
        let is_told =
            matches!(verb, Verb::Auth | Verb::Mail | Verb::Rcpt | Verb::Data | Verb::Bdat | Verb::Unknown);
        self.is_reported = is_told;
        self.line = text.to_owned();
        self
    }

    /// The same, as the answer to the end of data.
    pub(super) fn at_end_of_data(mut self) -> Said {
        self.is_reported = true;
        self.line = ".".to_owned();
        self
    }

    /// The same, with its UTF-8 kept if `is_utf8`. Source: RFC 6531 §3.7.4.2.
    pub(super) fn in_utf8(mut self, is_utf8: bool) -> Said {
        self.is_utf8 = is_utf8;
        self
    }

    /// The same, held back for `delay`.
    pub(super) fn after(mut self, delay: Duration) -> Said {
        self.delay = delay;
        self
    }
}
