//! The only changes of a session: what a command, a chunk or a content leaves behind once its reply is known.

use crate::session::admit::Admitted;
use crate::session::effects::{Effects, RecipientChange, Scope};
use crate::session::ehlo::{Greeting, Offer};
use crate::session::envelope::{ContentState, Destination, Recipient, Transaction};
use crate::session::grants::Standing;
use crate::session::relay_guard::Permitted;
use crate::session::state::Session;
use crate::session::tls::Tls;
use crate::smtp::command::{Command, Mail, Verb};
use crate::smtp::host::Host;
use crate::smtp::reply::Reply;

/// A RCPT whose reply is not known yet; it counts as accepted until then. Only `settle` takes it.
#[derive(Debug)]
#[must_use = "an assumed recipient is settled with its reply"]
pub struct Assumed {
    /// The transaction's number: a reply that comes after its end settles nothing.
    transaction: u64,
    index: usize,
    effects: Effects,
}

impl Session {
    /// Commits the banner. A refusal leaves a session in which only QUIT is heard (RFC 5321 §3.1).
    pub fn commit_banner(&mut self, effects: Effects, reply: &Reply) {
        self.is_turned_away = !reply.is_positive();
        let mut effects = if reply.is_positive() { effects } else { effects.of_refusal() };
        self.exempt(&mut effects);
        self.standing.take(&mut effects);
    }

    /// Commits `admitted`, which was answered with `reply`; gives the transaction that it has ended.
    ///
    /// A positive reply applies all effects, a refusal only what was counted, scored, noted and held.
    pub fn commit(
        &mut self,
        admitted: Admitted,
        offer: Offer,
        effects: Effects,
        reply: &Reply,
    ) -> Option<Box<Transaction>> {
        self.counters.commands += 1;
        self.counters.junk_commands += usize::from(is_junk(&admitted.0, reply));
        // A 354 is no refusal: what the `data` hooks asked for holds.
        let mut effects = if is_refusal(reply) { effects.of_refusal() } else { effects };
        match admitted.0 {
            Command::Ehlo(name) => self.commit_greeting((Verb::Ehlo, name, offer), effects, reply),
            Command::Helo(name) => self.commit_greeting((Verb::Helo, name, offer), effects, reply),
            Command::Mail(mail) => self.commit_mail(mail, effects, reply),
            Command::Rcpt(_) => {
                self.refuse_recipient(reply);
                let transaction = self.transaction.as_mut()?;
                transaction.rcpt_commands += 1;
                effects = effects.of_refusal(); // one that passes is assumed and settled, never committed
                transaction.standing.take(&mut effects);
                None
            }
            Command::Rset | Command::Quit => {
                self.forwarded = None;
                self.transaction.take()
            }
            Command::Xforward(told) if reply.is_positive() => {
                self.note_forwarded(&told);
                None
            }
            Command::StartTls if reply.is_positive() => self.forget_greeting(),
            Command::Data | Command::Bdat { .. } => {
                self.commit_content_verdict(effects, reply);
                None
            }
            _ => None,
        }
    }

    /// RFC 3207 §4.2: what the client has said in clear text is forgotten, and what hooks have set at `ehlo` with it.
    fn forget_greeting(&mut self) -> Option<Box<Transaction>> {
        self.greeting = None;
        self.greeting_refusal = None;
        self.forwarded = None;
        self.transaction.take()
    }

    /// Notes the TLS that is spoken from now on, so that policies can judge it.
    pub fn note_tls(&mut self, tls: Tls) {
        self.login = None; // what was said in clear text counts no more: RFC 3207 §4.2
        self.tls = Some(Box::new(tls));
    }

    /// Commits what the `tls` policies made of the TLS; `refusal` is what they said against it.
    pub fn commit_tls(&mut self, effects: Effects, refusal: Option<Reply>) {
        let mut effects = if refusal.is_some() { effects.of_refusal() } else { effects };
        self.tls_refusal = refusal;
        self.exempt(&mut effects);
        self.standing.take(&mut effects);
    }

    fn commit_greeting(
        &mut self,
        greeting: (Verb, Host, Offer),
        mut effects: Effects,
        reply: &Reply,
    ) -> Option<Box<Transaction>> {
        // The session's line in the log has them, also those of a greeting that another one replaces.
        self.standing.take_notes(&mut effects);
        self.greeting_refusal = (!reply.is_positive()).then(|| reply.clone());
        if self.greeting_refusal.is_some()
            && let (Some(greeting), Some(_)) = (&mut self.greeting, &self.transaction)
        {
            // RFC 5321 §4.1.4: after a refusal the state is the one before; only the next MAIL hears of it.
            greeting.standing.take(&mut effects);
            return None;
        }
        let (verb, name, offer) = greeting;
        let mut standing = Standing::default();
        self.exempt(&mut effects);
        standing.take(&mut effects);
        self.greeting = Some(Greeting { verb, name, offer, standing });
        self.forwarded = None;
        self.transaction.take()
    }

    fn commit_mail(&mut self, mail: Mail, mut effects: Effects, reply: &Reply) -> Option<Box<Transaction>> {
        self.counters.transactions += 1;
        let mut transaction = Box::new(Transaction::new(self.counters.transactions, mail));
        transaction.rewritten = effects.reverse_path.take();
        self.exempt(&mut effects);
        transaction.standing.take_exemptions(&mut effects, Scope::Transaction);
        transaction.headers.append(&mut effects.headers);
        transaction.standing.take(&mut effects);
        if !reply.is_positive() {
            return Some(transaction);
        }
        transaction.forwarded = self.forwarded.take();
        // Only one whose chunks were refused can be open here; it ends with the MAIL that is accepted.
        self.transaction.replace(transaction)
    }

    /// Adds the recipient of an admitted RCPT that goes to `destination`, accepted until its reply is known.
    ///
    /// Gives nothing if `admitted` is no RCPT or no transaction is open, which `admit` excludes.
    pub fn assume(
        &mut self,
        admitted: Admitted,
        mut effects: Effects,
        destination: Destination,
    ) -> Option<Assumed> {
        let Command::Rcpt(rcpt) = admitted.0 else { return None };
        self.counters.commands += 1;
        let transaction = self.transaction.as_mut()?;
        let index = transaction.next_index();
        transaction.rcpt_commands += 1;
        let granted = effects.grant.take().map(|grant| grant.why);
        // Scores, notes and a held refusal stand whatever the reply will be; the rest waits for it.
        transaction.standing.take(&mut effects);
        transaction.recipients.push(Recipient { rcpt, index, destination, is_answered: false, granted });
        Some(Assumed { transaction: transaction.number, index, effects })
    }

    /// Settles an assumed recipient with its final reply; without effect once its transaction has ended.
    ///
    /// Gives the changes of the recipients that its hooks asked for, which the relay guard has to judge first.
    pub fn settle(&mut self, assumed: Assumed, reply: &Reply) -> Vec<RecipientChange> {
        let Assumed { transaction: number, index, mut effects } = assumed;
        if reply.is_positive() {
            self.exempt(&mut effects);
        }
        let Some(transaction) = self.transaction.as_mut().filter(|open| open.number == number) else {
            return Vec::new();
        };
        if reply.is_positive() {
            transaction.standing.take_exemptions(&mut effects, Scope::Transaction);
            transaction.headers.append(&mut effects.headers);
            if let Some(recipient) = transaction.recipients.iter_mut().find(|known| known.index == index) {
                recipient.is_answered = true;
            }
            effects.recipients
        } else {
            transaction.recipients.retain(|recipient| recipient.index != index);
            self.refuse_recipient(reply);
            Vec::new()
        }
    }

    /// Counts a RCPT that was refused.
    fn refuse_recipient(&mut self, reply: &Reply) {
        if let Some(transaction) = &mut self.transaction {
            transaction.refused_recipients += 1;
        }
        // 452 says that the rest may come in another transaction (RFC 5321 §4.5.3.1.10): that is no abuse.
        if reply.code != 452 {
            self.counters.recipients_refused += 1;
        }
    }

    /// Applies what the `data` hooks asked for, once a 354 or the first chunk's 250 is decided.
    pub fn commit_content_verdict(&mut self, mut effects: Effects, reply: &Reply) {
        let is_refusal = is_refusal(reply);
        if !is_refusal {
            self.exempt(&mut effects);
        }
        let Some(transaction) = self.transaction.as_mut() else { return };
        if !is_refusal {
            transaction.standing.take_exemptions(&mut effects, Scope::Transaction);
            transaction.headers.append(&mut effects.headers);
        }
        transaction.standing.take(&mut effects);
    }

    /// Changes the recipients as a policy asked at `stage`, in order; `permitted` holds those of the added ones that the guard
    /// let through, in the same order. One that is there already isn't added again. Gives whether any was changed.
    pub fn commit_recipients(
        &mut self,
        changes: &[RecipientChange],
        permitted: Vec<Permitted>,
        stage: &'static str,
    ) -> bool {
        let Some(transaction) = self.transaction.as_mut() else { return false };
        let mut permitted = permitted.into_iter().peekable();
        let mut is_changed = false;
        for change in changes {
            is_changed |= match change {
                RecipientChange::Remove(gone, policy) => transaction.remove_recipient(gone, policy, stage),
                RecipientChange::Add(added) => permitted
                    .next_if(|permitted| permitted.path().mailbox() == Some(added))
                    .is_some_and(|permitted| transaction.add_recipient(added, permitted)),
            };
        }
        transaction.recipients_changed |= is_changed;
        is_changed
    }

    /// Leaves out the recipients that a policy added as `path` and the backend refuses for good.
    pub fn commit_left_out(&mut self, path: &str) {
        if let Some(transaction) = self.transaction.as_mut() {
            let is_it = |known: &Recipient| known.index == 0 && known.rcpt.forward_path.as_str() == path;
            transaction.recipients.retain(|known| !is_it(known));
            transaction.recipients_changed = true;
        }
    }

    /// Notes that chunks have begun, or that one was refused (RFC 3030 §2).
    pub fn commit_chunks(&mut self, state: ContentState) {
        if let Some(transaction) = self.transaction.as_mut() {
            transaction.content = state;
        }
    }

    /// Ends the transaction with the final reply to its content of `octets`.
    pub fn commit_content(&mut self, octets: u64, reply: &Reply) -> Option<Box<Transaction>> {
        self.counters.octets = self.counters.octets.saturating_add(octets);
        if reply.is_positive() {
            self.counters.messages += 1;
            self.counters.junk_commands = 0;
        }
        self.transaction.take()
    }

    /// Ends the transaction without a reply: the connection is gone.
    pub fn abort(&mut self) -> Option<Box<Transaction>> {
        self.transaction.take()
    }

    /// Commits a command that was refused before anyone was asked: one that could not be read (`Verb::Unknown` if
    /// not even its verb could), or that was not admitted. At `limits.errors` of bad ones, the reply that is said
    /// instead and closes.
    ///
    /// A refusal that a well-behaved client can meet, such as 452 at RCPT, is no error.
    pub fn commit_error(&mut self, verb: Verb, reply: &Reply) -> Option<Reply> {
        self.counters.commands += 1;
        if let (Verb::Rcpt, Some(transaction)) = (verb, &mut self.transaction) {
            transaction.rcpt_commands += 1;
            self.refuse_recipient(reply);
        }
        let is_bad = matches!(reply.code.get(), 500..=504 | 555) || *reply == Reply::NOT_FOR_YOU;
        self.counters.command_errors += usize::from(is_bad);
        // Recipients in vain have a bound of their own; a 452 among them is none.
        self.counters.junk_commands += usize::from(!is_bad && verb != Verb::Rcpt);
        let most = self.rules.limits.errors?;
        (is_bad && self.counters.command_errors >= most).then_some(Reply::TOO_MANY_ERRORS)
    }

    /// Takes what policies asked for at a command that changes nothing itself: scores, notes, skips. They last as long
    /// as the open transaction, else as the session.
    pub fn commit_asides(&mut self, mut effects: Effects) {
        self.exempt(&mut effects);
        match &mut self.transaction {
            Some(transaction) => {
                transaction.standing.take_exemptions(&mut effects, Scope::Transaction);
                transaction.standing.take(&mut effects);
            }
            None => self.standing.take(&mut effects),
        }
    }

    /// At `limits.rejected_recipients` refused RCPTs, the reply that is said instead and closes.
    pub fn excess_of_rejections(&self) -> Option<Reply> {
        let most = self.rules.limits.rejected_recipients?;
        (self.counters.recipients_refused >= most).then_some(Reply::TOO_MANY_REJECTED_RECIPIENTS)
    }

    /// Past `limits.junk_commands` commands without a message between them, the reply that closes.
    ///
    /// Between two messages of one connection there is a RSET or two, before the first a few EHLOs.
    pub fn excess_of_junk(&self) -> Option<Reply> {
        let most = self.rules.limits.junk_commands?;
        (self.counters.junk_commands > most).then_some(Reply::TOO_MANY_JUNK_COMMANDS)
    }

    /// Counts a reply of the backend that was a refusal.
    pub fn count_backend_refusal(&mut self) {
        self.counters.refused_by_backend += 1;
    }

    /// Notes that the client spoke before the banner.
    pub fn note_early_talk(&mut self) {
        self.counters.talked_early = true;
    }

    /// Counts data behind a command that ends a batch.
    pub fn note_pipelining_violation(&mut self) {
        self.counters.pipelining_violations += 1;
    }

    /// Takes the skips and the acceptance that last for the session.
    fn exempt(&mut self, effects: &mut Effects) {
        self.standing.take_exemptions(effects, Scope::Session);
    }
}

/// Whether `command`, answered with `reply`, has brought no message nearer. Those of TLS, logins and intermediaries have
/// bounds of their own.
fn is_junk(command: &Command, reply: &Reply) -> bool {
    match command {
        Command::Ehlo(_) | Command::Helo(_) | Command::Rset | Command::Noop => true,
        Command::Help(_) | Command::Vrfy(_) | Command::Expn(_) | Command::Etrn(_) => true,
        Command::Mail(_) | Command::Data => is_refusal(reply),
        _ => false,
    }
}

/// Whether `reply` ends what the command asked for: 4yz or 5yz, not 354.
fn is_refusal(reply: &Reply) -> bool {
    reply.is_transient() || reply.is_permanent()
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
