//! What became of a transaction and of a session: the log lines, the counts, and what policies are told.

use std::rc::Rc;

use tokio::time::{Instant, timeout};

use crate::backend::delivery::Source;
use crate::net::closing;
use crate::net::names::ClientName;
use crate::observe::record::{SessionRecord, TransactionRecord};
use crate::policy::event::{Disposition, Ending, Origin, Outcome, RecipientOutcome, Report, Stage};
use crate::proxy::said::Said;
use crate::proxy::serve::Serve;
use crate::session::effects::PolicyName;
use crate::session::envelope::Transaction;
use crate::session::tls::Tls;
use crate::smtp::command::Mail;
use crate::smtp::reply::Reply;

/// Why a session ends, and by whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    pub(super) reason: &'static str,
    pub(super) by: &'static str,
}

impl End {
    /// The client said QUIT.
    pub(super) const fn quit() -> End {
        End { reason: "quit", by: "client" }
    }

    /// The client's connection is gone.
    pub(super) const fn lost() -> End {
        End { reason: "lost", by: "client" }
    }

    /// The client took too long.
    pub(super) const fn timeout() -> End {
        End { reason: "timeout", by: "server" }
    }

    /// Service ends.
    pub(super) const fn drain() -> End {
        End { reason: "drain", by: "server" }
    }

    /// What the client sends can't be followed any more.
    pub(super) const fn protocol() -> End {
        End { reason: "protocol", by: "server" }
    }

    /// The client comes too often.
    pub(super) const fn limit() -> End {
        End { reason: "limit", by: "server" }
    }

    /// There was no TLS handshake.
    pub(super) const fn tls() -> End {
        End { reason: "tls", by: "client" }
    }

    /// A 421 was said.
    pub(super) fn of_refusal(origin: &Origin) -> End {
        match origin {
            Origin::Policy(_) => End { reason: "policy", by: "server" },
            Origin::Core | Origin::Backend => End::limit(),
        }
    }
}

/// What is to be said of a transaction when it ends.
#[derive(Debug)]
pub(super) struct Record {
    started: Instant,
    reverse_path: String,
    recipients: Vec<RecipientOutcome>,
    /// The stage that decided.
    stage: &'static str,
    /// The stage at which policies decided about the content, if they did.
    content_stage: Option<&'static str>,
    policy: Option<PolicyName>,
    /// The last reply.
    reply: Option<Reply>,
    is_from_backend: bool,
    acknowledged: Option<Source>,
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

    fn disposition(&self) -> Disposition {
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
        if !said.reply.is_positive() {
            record.stage = "rcpt";
        }
        let (code, status) = (said.reply.code, said.reply.enhanced);
        let recipient = RecipientOutcome { address: forward_path.to_owned(), backend, code, status };
        record.add_recipient(recipient, most);
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
            None if transaction.recipients.is_empty() && record.reply.is_none() => {
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
    fn tell(&mut self, report: Report) {
        if let Some(policies) = &self.policies {
            self.reports.retain(|running| !running.is_finished());
            self.reports.push(tokio::task::spawn_local(policies.tell(report)));
        }
    }

    /// Ends the session: the transaction, the backend's connection, the client's, the log line, the `closed` hooks.
    pub(super) async fn finish(mut self: Box<Self>, end: End) {
        let last_words = timeout(closing::PATIENCE, self.wire.flush()).await;
        let is_lost = matches!(last_words, Ok(Err(_))) || end == End::lost();
        self.abort_transaction();
        self.link.close();
        self.log_session(end);
        if self.context.asks_at(Stage::Closed) {
            self.tell_closed(end).await;
        }
        for report in self.reports.drain(..) {
            let _ = report.await; // an error in it was logged by the engine
        }
        if !self.session.borrow().identity().is_probe {
            self.context.counters.sessions_closed.increase();
        }
        match end {
            _ if is_lost => {}
            end if end == End::quit() => self.wire.close_after_quit().await,
            _ => self.wire.close().await,
        }
    }

    async fn tell_closed(&mut self, end: End) {
        let counters = *self.session.borrow().counters();
        let ending = Ending {
            reason: end.reason,
            by: end.by,
            last_verb: self.last_verb.map(|verb| verb.as_str().to_owned()),
            duration: self.started.elapsed(),
            messages: counters.messages,
            octets: counters.octets,
        };
        self.tell(Report::Closed(Rc::new(ending)));
    }

    fn log_session(&self, end: End) {
        if !tracing::enabled!(target: "gatepost::session", tracing::Level::INFO) {
            return;
        }
        let session = self.session.borrow();
        let (identity, counters) = (session.identity(), session.counters());
        if identity.is_probe {
            tracing::debug!(peer_ip = %identity.peer.ip(), reason = end.reason, "a balancer asked whether we are well");
            return;
        }
        let tls = session.tls().map(Tls::to_string);
        SessionRecord {
            session: identity.id.as_str(),
            listener: Some(&self.context.listener.name),
            client_ip: Some(identity.client.ip()),
            client_port: Some(identity.client.port()),
            client_name: known(self.name.now()),
            peer: identity.intermediary(),
            unique_id: identity.told.as_ref().and_then(|told| told.unique_id.as_deref()),
            ehlo: session.greeting().map(|greeting| greeting.name.as_str()),
            tls: tls.as_deref(),
            auth: session.login().map(|login| &*login.user),
            reason: Some(end.reason),
            by: Some(end.by),
            last_verb: self.last_verb.map(|verb| verb.as_str()),
            commands: Some(counters.commands),
            errors: Some(counters.command_errors),
            transactions: Some(counters.transactions),
            messages: Some(counters.messages),
            octets: Some(counters.octets),
            elapsed_ms: Some(millis(self.started)),
            ..SessionRecord::default()
        }
        .log();
    }
}

/// Reports of one session that may be under way.
const MOST_REPORTS: usize = 16;

/// The name, for a log that leaves out what is not known.
fn known(name: &ClientName) -> Option<&str> {
    if let ClientName::Known(name) = name { Some(name) } else { None }
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
