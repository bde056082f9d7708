//! The envelope of one transaction: one reverse-path, its forward-paths, and what became of each.

use crate::names::a_label;
use crate::session::effects::PolicyName;
use crate::session::grants::Standing;
use crate::session::relay_guard::Permitted;
use crate::smtp::command::{Mail, Rcpt};
use crate::smtp::params::RcptParams;
use crate::smtp::particulars::Particulars;
use crate::smtp::path::{Mailbox, ReversePath};

/// From an accepted MAIL to the end of data, RSET or a new EHLO. Source: RFC 5321 §3.3.
#[derive(Clone, Debug)]
pub struct Transaction {
    /// Counts the session's transactions, from 1.
    pub number: u64,
    /// The MAIL command as the client sent it.
    pub mail: Mail,
    /// The reverse-path that the backend sees, where a policy has rewritten it.
    pub rewritten: Option<ReversePath>,
    /// The recipients that have not been refused, in the client's order, then those that policies added.
    pub recipients: Vec<Recipient>,
    /// Those of the client's that policies have removed: it was told 250, and the message goes nowhere for them.
    pub removed: Vec<Recipient>,
    /// RCPT commands seen, whatever became of them.
    pub rcpt_commands: usize,
    /// RCPT commands that were refused.
    pub refused_recipients: usize,
    /// Fields that policies put on top of the message: name and value.
    pub headers: Vec<(String, String)>,
    /// Where the content stands.
    pub content: ContentState,
    /// Whose message it is, if XFORWARD has told.
    pub forwarded: Option<Box<Particulars>>,
    /// What hooks have set for this transaction.
    pub standing: Standing,
    /// Whether a policy has removed a recipient of the client's: one that it has added may stand in its place.
    pub has_removed: bool,
    /// Whether policies have changed the recipients since the backend was told of them.
    pub recipients_changed: bool,
}

/// How far the content of a transaction has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentState {
    /// No DATA and no BDAT yet.
    None,
    /// At least one chunk was taken; only BDAT, RSET, NOOP, QUIT and EHLO may follow. Source: RFC 3030 §2.
    Chunks,
    /// A chunk was refused: further chunks are eaten and refused until RSET, EHLO or MAIL.
    Failed,
}

/// One recipient of a transaction.
#[derive(Clone, Debug)]
pub struct Recipient {
    /// The RCPT command: as the client sent it, or as a policy added it.
    pub rcpt: Rcpt,
    /// Counts the transaction's RCPT commands, from 1; 0 for one that a policy added.
    pub index: usize,
    /// Where the message goes for this recipient.
    pub destination: Destination,
    /// Whether its reply is known.
    pub is_answered: bool,
    /// A grant that holds for this recipient alone.
    pub granted: Option<String>,
}

/// Where the message goes for one recipient.
#[derive(Clone, Debug)]
pub enum Destination {
    /// To the backend, under the path that the relay guard permitted.
    Backend(Permitted),
    /// Nowhere: a policy discards it for this recipient.
    Discarded {
        /// Who.
        policy: PolicyName,
        /// Why, for the log.
        why: String,
        /// The stage at which.
        stage: &'static str,
    },
}

/// A recipient that was told 250, and for whom a policy lets the message go nowhere.
#[derive(Clone, Copy, Debug)]
pub struct Discard<'a> {
    /// The forward-path, as the client sent it.
    pub forward_path: &'a str,
    /// Who.
    pub policy: &'a PolicyName,
    /// Why, in the policy's words or ours.
    pub why: &'a str,
    /// The stage at which.
    pub stage: &'static str,
}

/// Why a recipient is discarded that a policy has removed.
const REMOVED: &str = "recipient removed";

impl Transaction {
    /// A transaction that `mail` opens.
    pub fn new(number: u64, mail: Mail) -> Self {
        Transaction {
            number,
            mail,
            rewritten: None,
            recipients: Vec::new(),
            removed: Vec::new(),
            rcpt_commands: 0,
            refused_recipients: 0,
            headers: Vec::new(),
            content: ContentState::None,
            forwarded: None,
            standing: Standing::default(),
            has_removed: false,
            recipients_changed: false,
        }
    }

    /// The reverse-path for the backend.
    pub fn reverse_path(&self) -> &ReversePath {
        self.rewritten.as_ref().unwrap_or(&self.mail.reverse_path)
    }

    /// The recipients whose mail goes to the backend.
    pub fn permitted(&self) -> impl Iterator<Item = (&Recipient, &Permitted)> {
        self.recipients.iter().filter_map(|recipient| match &recipient.destination {
            Destination::Backend(permitted) => Some((recipient, permitted)),
            Destination::Discarded { .. } => None,
        })
    }

    /// Recipients that were told 250, those that policies have removed too: so many may have content.
    pub fn accepted(&self) -> usize {
        self.recipients.len() + self.removed.len()
    }

    /// The recipients of the client's for whom policies let the message go nowhere.
    pub fn discards(&self) -> impl Iterator<Item = Discard<'_>> {
        let all = self.recipients.iter().chain(&self.removed);
        all.filter_map(|recipient| match &recipient.destination {
            Destination::Discarded { policy, why, stage } => {
                let forward_path = recipient.rcpt.forward_path.as_str();
                Some(Discard { forward_path, policy, why, stage })
            }
            Destination::Backend(_) => None,
        })
    }

    /// Whether what policies have added are copies beside all that the client named, and stand in nobody's place.
    pub fn adds_copies(&self) -> bool {
        let is_discarded = |known: &Recipient| matches!(known.destination, Destination::Discarded { .. });
        !self.has_removed && !self.recipients.iter().any(is_discarded)
    }

    /// The number of the next RCPT, from 1.
    pub fn next_index(&self) -> usize {
        self.rcpt_commands + 1
    }

    /// Adds `mailbox` as a policy asked; gives whether it was not there yet.
    pub(super) fn add_recipient(&mut self, mailbox: &Mailbox, permitted: Permitted) -> bool {
        // One whose reply is still due may be refused by the backend: it doesn't count as there.
        let is_there = |known: &Recipient| {
            known.is_answered && matches!(known.destination, Destination::Backend(_)) && known.is_for(mailbox)
        };
        if self.recipients.iter().any(is_there) {
            return false;
        }
        self.removed.retain(|gone| !gone.is_for(mailbox));
        let rcpt = Rcpt { forward_path: permitted.path().clone(), params: RcptParams::default() };
        let destination = Destination::Backend(permitted);
        self.recipients.push(Recipient { rcpt, index: 0, destination, is_answered: true, granted: None });
        true
    }

    /// Removes every recipient with the address of `mailbox`, as `policy` asked at `stage`; gives whether there was one.
    ///
    /// One whose reply is not known was named later, in the same batch: it stays.
    pub(super) fn remove_recipient(
        &mut self,
        mailbox: &Mailbox,
        policy: &PolicyName,
        stage: &'static str,
    ) -> bool {
        let is_gone = |known: &mut Recipient| known.is_answered && known.is_for(mailbox);
        let gone: Vec<Recipient> = self.recipients.extract_if(.., is_gone).collect();
        let is_changed = !gone.is_empty();
        for mut recipient in gone.into_iter().filter(|known| known.index != 0) {
            self.has_removed = true;
            if let Destination::Backend(_) = recipient.destination {
                let (policy, why) = (policy.clone(), REMOVED.to_owned());
                recipient.destination = Destination::Discarded { policy, why, stage };
            }
            self.removed.push(recipient);
        }
        is_changed
    }
}

impl Recipient {
    /// Whether the client or a policy named the address of `mailbox`, however either is written.
    fn is_for(&self, mailbox: &Mailbox) -> bool {
        let Some(own) = self.rcpt.forward_path.mailbox() else { return false };
        let is_same_domain =
            || match (a_label::to_ascii(own.domain().as_str()), a_label::to_ascii(mailbox.domain().as_str()))
            {
                (Ok(own), Ok(other)) => own == other,
                _ => own.domain().as_str().eq_ignore_ascii_case(mailbox.domain().as_str()), // a literal
            };
        own.unquoted_local_part() == mailbox.unquoted_local_part() && is_same_domain()
    }
}
