//! What became of a transaction: the log line, the counts, and what policies are told.

use std::rc::Rc;

use tokio::time::Instant;

use crate::net::names::ClientName;
use crate::observe::record::TransactionRecord;
use crate::policy::event::{Disposition, Origin, Outcome, RecipientOutcome, Report, Stage};
use crate::proxy::record::{Answered, Record};
use crate::proxy::said::Said;
use crate::proxy::serve::Serve;
use crate::session::effects::PolicyName;
use crate::session::envelope::{Discard, Transaction};
use crate::session::tls::Tls;
use crate::smtp::reply::Reply;

impl Serve {
    /// Notes what a policy, or the core, decided at `stage`, if that was a refusal.
    pub(super) fn note_decision(&mut self, stage: &'static str, policy: Option<PolicyName>, reply: &Reply) {
        let Some(record) = self.record.as_mut().filter(|_| !reply.is_positive()) else { return };
        record.stage = stage;
        record.policy = policy;
        record.reply = (stage == "mail").then(|| reply.clone());
    }

    /// Recipients that a transaction's record holds: the accepted ones, and as many again.
    pub(super) fn most_noted(&self) -> usize {
        self.context.rules.limits.recipients.saturating_mul(2)
    }

    /// Notes the reply to one RCPT.
    pub(super) fn note_recipient(&mut self, forward_path: &str, said: &Said) {
        let is_from_backend = said.origin == Origin::Backend;
        let backend = is_from_backend.then(|| self.context.server.config.name.clone());
        let most = self.most_noted();
        let Some(record) = &mut self.record else { return };
        record.reach("rcpt");
        let (code, status) = (said.reply.code, said.reply.enhanced);
        let recipient = RecipientOutcome { address: forward_path.to_owned(), backend, code, status };
        record.add_recipient(recipient, most);
    }

    /// Notes that the transaction has come to `stage`.
    pub(super) fn reach(&mut self, stage: &'static str) {
        if let Some(record) = &mut self.record {
            record.reach(stage);
        }
    }

    /// Notes who has discarded the message for the last of its recipients: nobody else decides about it.
    pub(super) fn note_discards(&mut self) {
        let session = self.session.borrow();
        let last = session.transaction().and_then(|transaction| transaction.discards().last());
        if let (Some(record), Some(last)) = (&mut self.record, last) {
            record.decide(last.stage, Some(last.policy.clone()));
        }
    }

    /// Says what became of `transaction`: logs it, counts it, tells policies.
    pub(super) fn conclude(&mut self, transaction: &Transaction, answered: Option<Answered>) {
        let Some(mut record) = self.record.take() else { return };
        match answered {
            Some(answered) => {
                record.reply = Some(answered.reply);
                record.stage = answered.stage;
                record.policy = answered.policy.or(record.policy);
                record.is_from_backend = answered.is_from_backend;
                record.acknowledged = answered.acknowledged;
            }
            None if transaction.accepted() == 0 && record.reply.is_none() => {
                // Nobody was left: what the last RCPT heard is what became of the transaction.
                let last = record.recipients.last().filter(|last| !last.code.is_positive());
                record.reply = last.map(|last| Reply::multiline(last.code.get(), last.status, [""]));
            }
            None => {}
        }
        self.count(&record);
        self.log_transaction(&record, transaction);
        if self.context.asks_at(Stage::Outcome) {
            self.tell(Report::Outcome(Rc::new(self.outcome(*record, transaction))));
        }
    }

    fn outcome(&self, record: Record, transaction: &Transaction) -> Outcome {
        let session = self.session.borrow();
        let own = transaction.standing.scores.iter();
        let symbols: Vec<_> = session.scores().chain(own).cloned().collect();
        Outcome {
            disposition: record.disposition(),
            stage: record.stage,
            policy: record.policy,
            reply: record.reply,
            size: record.size,
            reverse_path: record.reverse_path,
            recipients: record.recipients,
            score: symbols.iter().fold(0.0, |sum, score| sum + score.points),
            symbols,
        }
    }

    fn count(&self, record: &Record) {
        let counters = &self.context.counters;
        counters.octets.add(record.size);
        let count = match record.disposition() {
            Disposition::Relayed => &counters.relayed,
            Disposition::Refused => &counters.refused,
            Disposition::Deferred => &counters.deferred,
            Disposition::Discarded => &counters.discarded,
            Disposition::Aborted => &counters.aborted,
        };
        count.increase();
    }

    fn log_transaction(&self, record: &Record, transaction: &Transaction) {
        if !tracing::enabled!(target: "gatepost::transaction", tracing::Level::INFO) {
            return;
        }
        let session = self.session.borrow();
        let paths: Vec<(&str, u16)> =
            record.recipients.iter().map(|one| (one.address.as_str(), one.code.get())).collect();
        let granted =
            session.may_relay().or(transaction.standing.grant.as_ref().map(|grant| grant.why.as_str()));
        let shown = record.reply.as_ref().filter(|_| record.is_from_backend).map(Reply::to_string);
        let tls = session.tls().map(Tls::to_string);
        let id = session.identity().id;
        let forwarded = transaction.forwarded.as_deref();
        let discards: Vec<(&str, &str)> =
            transaction.discards().map(|one| (one.forward_path, &**one.policy)).collect();
        let why = reasons(record.why.as_deref(), transaction.discards());
        TransactionRecord {
            session: id.as_str(),
            transaction: transaction.number,
            code: record.reply.as_ref().map(|reply| reply.code.get()),
            client_ip: Some(session.identity().client.ip()),
            client_name: known(self.name.now()),
            peer: session.identity().intermediary(),
            forwarded_ip: forwarded.and_then(|told| told.address.known().copied()),
            forwarded_name: forwarded.and_then(|told| told.name.known()).map(String::as_str),
            forwarded_ident: forwarded.and_then(|told| told.ident.known()).map(String::as_str),
            ehlo: session.greeting().map(|greeting| greeting.name.as_str()),
            tls: tls.as_deref(),
            auth: session.login().map(|login| &*login.user),
            reverse_path: Some(&record.reverse_path),
            forward_paths: &paths,
            message_id: record.message_id.as_deref(),
            octets: Some(record.size),
            disposition: record.disposition().as_str(),
            stage: Some(record.stage),
            policy: record.policy.as_deref(),
            discarded: &discards,
            why: why.as_deref(),
            relay_grant: granted,
            backend: Some(&self.context.server.config.name),
            backend_reply: shown.as_deref(),
            elapsed_ms: Some(millis(record.started)),
            score: Some(session.score() + transaction.standing.score()),
            notes: &transaction.standing.notes,
        }
        .log();
    }

    /// Waits while too many reports are under way: a client that opens one transaction after the other would have as
    /// many hooks waiting as it likes.
    pub(super) async fn bound_reports(&mut self) {
        while self.reports.len() >= MOST_REPORTS {
            let _ = self.reports.remove(0).await; // an error in it was logged by the engine
        }
    }

    /// Tells policies something that they are not asked about; the session does not wait.
    pub(super) fn tell(&mut self, report: Report) {
        if let Some(policies) = &self.policies {
            self.reports.retain(|running| !running.is_finished());
            self.reports.push(tokio::task::spawn_local(policies.tell(report)));
        }
    }
}

/// Reports of one session that may be under way.
const MOST_REPORTS: usize = 16;

/// Reasons that one line tells.
const MOST_REASONS: usize = 8;

/// Why policies have discarded a message or recipients of it: each reason once, as far as the line's bounds go.
fn reasons<'a>(of_all: Option<&'a str>, discards: impl Iterator<Item = Discard<'a>>) -> Option<String> {
    let mut reasons: Vec<&str> = Vec::new();
    for why in of_all.into_iter().chain(discards.map(|one| one.why)) {
        if reasons.len() < MOST_REASONS && !reasons.contains(&why) {
            reasons.push(why);
        }
    }
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

/// The name, for a log that leaves out what is not known.
pub(super) fn known(name: &ClientName) -> Option<&str> {
    if let ClientName::Known(name) = name { Some(name) } else { None }
}

/// Milliseconds since then.
pub(super) fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
