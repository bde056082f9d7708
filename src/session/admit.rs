//! Which command may be said now.

use crate::session::envelope::{ContentState, Transaction};
use crate::session::state::Session;
use crate::session::tls::TlsUse;
use crate::smtp::command::{Command, Mail, Rcpt};
use crate::smtp::params::Params;
use crate::smtp::reply::Reply;

/// A command that is in order. Only `admit` makes one, and only `commit` and `assume` take it.
#[derive(Debug)]
#[must_use = "an admitted command is committed with its reply"]
pub struct Admitted(pub(super) Command);

impl Admitted {
    /// The command.
    pub fn command(&self) -> &Command {
        &self.0
    }
}

impl Session {
    /// Admits `command` in the present state, or gives the reply that refuses it.
    ///
    /// Changes nothing: `commit` does, once the reply is known.
    /// Source: RFC 5321 §4.1.4, §3.1; RFC 3030 §2.
    pub fn admit(&self, command: Command) -> Result<Admitted, Reply> {
        let stranger = self.refuse_stranger(&command);
        let refusal = match &command {
            Command::Quit => None,
            _ if self.is_turned_away => Some(Reply::QUIT_ONLY),
            _ if self.tls_refusal.is_some() => self.tls_refusal.clone(),
            command if self.needs_tls_for(command) => Some(Reply::TLS_FIRST),
            _ if stranger.is_some() => stranger,
            Command::Auth(argument) => self.refuse_auth(argument),
            Command::Mail(mail) => self.refuse_mail(mail),
            Command::Rcpt(rcpt) => self.refuse_rcpt(rcpt),
            Command::Data => self.refuse_content(false),
            Command::Bdat { .. } => self.refuse_content(true),
            Command::StartTls => self.refuse_starttls(),
            Command::Etrn(_) | Command::Lhlo(_) => Some(Reply::NOT_OFFERED),
            Command::Expn(_) => Some(Reply::NO_EXPN),
            Command::Vrfy(_) if self.rules.refuses_vrfy => Some(Reply::NOT_OFFERED),
            Command::Xclient(told) => self.refuse_xclient(told),
            Command::Xforward(told) => self.refuse_xforward(told),
            Command::Unknown(_) => Some(Reply::UNKNOWN_COMMAND),
            Command::Ehlo(_)
            | Command::Helo(_)
            | Command::Rset
            | Command::Noop
            | Command::Help(_)
            | Command::Vrfy(_) => None,
        };
        refusal.map_or(Ok(Admitted(command)), Err)
    }

    /// Whether `command` has to wait for STARTTLS. Source: RFC 3207 §4.
    fn needs_tls_for(&self, command: &Command) -> bool {
        let may_come_before = matches!(command, Command::Noop | Command::Ehlo(_) | Command::StartTls);
        self.rules.tls == TlsUse::Required && !self.is_encrypted() && !may_come_before
    }

    /// Source: RFC 3207 §4, §4.2.
    fn refuse_starttls(&self) -> Option<Reply> {
        if self.is_encrypted() {
            return Some(Reply::TLS_ACTIVE);
        }
        if !self.rules.tls.has_starttls() {
            return Some(Reply::NOT_OFFERED);
        }
        if !self.greeting.as_ref().is_some_and(|greeting| greeting.offer.is_extended) {
            return Some(Reply::HELO_FIRST);
        }
        self.transaction.is_some().then_some(Reply::TLS_IN_TRANSACTION)
    }

    fn refuse_mail(&self, mail: &Mail) -> Option<Reply> {
        if let Some(refusal) = &self.greeting_refusal {
            return Some(refusal.clone());
        }
        let Some(greeting) = &self.greeting else { return Some(Reply::HELO_FIRST) };
        if self.identity.is_probe {
            return Some(Reply::PROBE_SENDS_NO_MAIL);
        }
        let failed = |transaction: &Transaction| transaction.content == ContentState::Failed;
        if self.transaction().is_some_and(|transaction| !failed(transaction)) {
            return Some(Reply::NESTED_MAIL);
        }
        // MAILMAX counts transactions, whatever became of them (RFC 9422 §4.1).
        if self.rules.limits.messages.is_some_and(|most| self.counters.transactions >= most as u64) {
            return Some(Reply::TOO_MANY_MESSAGES);
        }
        if let Some(refusal) = greeting.offer.refuse_mail(&mail.params) {
            return Some(refusal);
        }
        let is_ascii = mail.reverse_path.is_ascii() && is_ascii(&mail.params.all);
        let needs_utf8 = !mail.params.smtputf8 && !is_ascii;
        needs_utf8.then_some(Reply::NEEDS_SMTPUTF8)
    }

    fn refuse_rcpt(&self, rcpt: &Rcpt) -> Option<Reply> {
        let Some(greeting) = &self.greeting else { return Some(Reply::HELO_FIRST) };
        let Some(transaction) = &self.transaction else { return Some(Reply::MAIL_FIRST) };
        match transaction.content {
            ContentState::None => {}
            ContentState::Chunks => return Some(Reply::BDAT_BEGUN),
            ContentState::Failed => return Some(Reply::BDAT_FAILED),
        }
        if transaction.accepted() >= self.rules.limits.recipients {
            return Some(Reply::TOO_MANY_RECIPIENTS);
        }
        if let Some(refusal) = greeting.offer.refuse_rcpt(&rcpt.params) {
            return Some(refusal);
        }
        let is_ascii = rcpt.forward_path.is_ascii() && is_ascii(&rcpt.params.all);
        let needs_utf8 = !transaction.mail.params.smtputf8 && !is_ascii;
        needs_utf8.then_some(Reply::NEEDS_SMTPUTF8)
    }

    /// Refuses DATA or, if `is_chunk`, BDAT.
    fn refuse_content(&self, is_chunk: bool) -> Option<Reply> {
        let Some(greeting) = &self.greeting else { return Some(Reply::HELO_FIRST) };
        if is_chunk && !greeting.offer.is_extended {
            return Some(Reply::NOT_OFFERED);
        }
        let Some(transaction) = &self.transaction else { return Some(Reply::MAIL_FIRST) };
        match transaction.content {
            ContentState::Failed => return Some(Reply::BDAT_FAILED),
            ContentState::Chunks if is_chunk => return None,
            ContentState::Chunks => return Some(Reply::BDAT_BEGUN),
            ContentState::None => {}
        }
        match (transaction.accepted() == 0, transaction.refused_recipients) {
            (false, _) => None,
            (true, 0) => Some(Reply::RCPT_FIRST),
            (true, _) => Some(Reply::NO_VALID_RECIPIENTS),
        }
    }

    /// Our own answer to an admitted command that neither policies nor the backend answer.
    pub fn answer(&self, admitted: &Admitted) -> Reply {
        match admitted.command() {
            Command::Quit => Reply::BYE,
            Command::StartTls => Reply::START_TLS,
            Command::Help(_) => Reply::HELP,
            Command::Vrfy(_) => Reply::CANNOT_VERIFY,
            Command::Mail(_) => Reply::REVERSE_PATH_OK,
            Command::Rcpt(_) => Reply::FORWARD_PATH_OK,
            _ => Reply::OK,
        }
    }
}

/// Whether `params` can be passed on without SMTPUTF8 (RFC 6533 §3: an ORCPT may hold UTF-8 as it is).
fn is_ascii(params: &Params) -> bool {
    params.iter().all(|param| param.raw().is_ascii())
}

#[cfg(test)]
mod tests;
