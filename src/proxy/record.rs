//! What is to be said of a transaction when it ends: for the log, the counts, and policies.

use tokio::time::Instant;

use crate::backend::delivery::Source;
use crate::policy::event::{Disposition, RecipientOutcome};
use crate::session::effects::PolicyName;
use crate::smtp::command::Mail;
use crate::smtp::reply::Reply;

/// What is to be said of a transaction when it ends.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) started: Instant,
    pub(super) reverse_path: String,
    pub(super) recipients: Vec<RecipientOutcome>,
    /// The stage that was reached, or that decided.
    pub(super) stage: &'static str,
    /// The stage at which policies decided about the content, if they did.
    pub(super) content_stage: Option<&'static str>,
    pub(super) policy: Option<PolicyName>,
    /// Why the policy has discarded the message.
    pub(super) why: Option<String>,
    /// The last reply.
    pub(super) reply: Option<Reply>,
    pub(super) is_from_backend: bool,
    pub(super) acknowledged: Option<Source>,
    /// Octets of content.
    pub(super) size: u64,
    /// The Message-ID field, for the log.
    pub(super) message_id: Option<String>,
}

impl Record {
    /// The record of a transaction that `mail` opens.
    pub(super) fn new(mail: &Mail) -> Self {
        Record {
            started: Instant::now(),
            reverse_path: mail.reverse_path.as_str().to_owned(),
            recipients: Vec::new(),
            stage: "mail",
            content_stage: None,
            policy: None,
            why: None,
            reply: None,
            is_from_backend: false,
            acknowledged: None,
            size: 0,
            message_id: None,
        }
    }

    /// Notes what became of a recipient, as long as fewer than `most` are noted: no limit counts those that the
    /// backend refuses with 452.
    pub(super) fn add_recipient(&mut self, recipient: RecipientOutcome, most: usize) {
        if self.recipients.len() < most {
            self.recipients.push(recipient);
        }
    }

    /// Notes that the transaction has come to `stage`.
    pub(super) fn reach(&mut self, stage: &'static str) {
        self.stage = stage;
    }

    /// Notes that policies decided about the content at `stage`.
    pub(super) fn decide(&mut self, stage: &'static str, policy: Option<PolicyName>) {
        self.content_stage = Some(stage);
        self.policy = policy;
    }

    /// The stage at which policies decided about the content.
    pub(super) fn decided_at(&self) -> Option<&'static str> {
        self.content_stage
    }

    /// Notes the refusal that a transaction ends with before its content does, unless one is noted already; at `stage`,
    /// or at that which has decided last.
    pub(super) fn end_with(&mut self, reply: &Reply, stage: Option<&'static str>) {
        if self.reply.is_none() {
            self.reply = Some(reply.clone());
            self.stage = stage.unwrap_or(self.stage);
        }
    }

    /// What became of the transaction.
    pub(super) fn disposition(&self) -> Disposition {
        match (self.acknowledged, &self.reply) {
            (Some(Source::Backend | Source::Stored), _) => Disposition::Relayed,
            (Some(Source::Discarded), _) => Disposition::Discarded,
            (None, Some(reply)) if reply.is_permanent() => Disposition::Refused,
            (None, Some(reply)) if reply.is_transient() => Disposition::Deferred,
            (None, _) => Disposition::Aborted,
        }
    }
}

/// How a content was answered.
#[derive(Clone, Debug)]
pub(super) struct Answered {
    pub(super) reply: Reply,
    pub(super) stage: &'static str,
    pub(super) policy: Option<PolicyName>,
    pub(super) is_from_backend: bool,
    /// Who took the message; none if it was refused.
    pub(super) acknowledged: Option<Source>,
}
