//! A message's way through: content in, header and message judged, out to the backend, its answer back.
//!
//! After the end of data nothing here is dropped when the client leaves: it runs to the backend's answer.

use std::rc::Rc;

use jiff::Timestamp;
use tokio::select;
use tokio::time::{Duration, Instant, sleep_until};

use crate::backend::delivery::{Ack, Delivery, Source};
use crate::backend::transmission::Message;
use crate::fault::{ClientFault, Fault};
use crate::message::content::{Content, SpoolError};
use crate::message::edit::{Edit, NewField};
use crate::message::header::{Header, unfold};
use crate::message::outgoing::Outgoing;
use crate::message::trace::{self, Hops};
use crate::message::view::MessageView;
use crate::net::names::ClientName;
use crate::policy::event::{Event, Origin, Stage};
use crate::policy::verdict::{Decision, Verdict};
use crate::proxy::config::Received;
use crate::proxy::disposition::{Answered, End};
use crate::proxy::drain::Phase;
use crate::proxy::pace::Pace;
use crate::proxy::receive::Receiving;
use crate::proxy::say::Said;
use crate::proxy::serve::{Flow, Serve, called_back};
use crate::session::admit::Admitted;
use crate::session::effects::{Effects, RecipientChange};
use crate::session::ehlo::Offer;
use crate::session::envelope::Destination;
use crate::session::identity::SessionId;
use crate::smtp::command::Verb;
use crate::smtp::data_decoder::ContentFacts;
use crate::smtp::path::ForwardPath;
use crate::smtp::reply::Reply;

/// How long the rest of a refused content may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
/// Received fields of our own that a message may have; more are a loop.
const OUR_HOPS: usize = 5;

/// A message that has come whole, and what is to be changed in it.
struct Complete {
    content: Content,
    facts: ContentFacts,
    header: Header,
    edits: Vec<Edit>,
    /// Until when the backend may take to answer.
    deadline: Instant,
}

impl Serve {
    /// Takes DATA: policies, the recipients' replies, 354, the content, the final reply. Source: RFC 5321 §4.1.1.4.
    pub(super) async fn take_data(&mut self, admitted: Admitted, text: &str) -> Flow {
        let is_at_once = self.batch.has_mail && !self.batch.is_empty() && !self.context.holds_content();
        let backend = self.settle(is_at_once).await?;
        let mut said = match backend {
            _ if self.has_no_recipients() => Said::core(Reply::NO_VALID_RECIPIENTS),
            // Where all recipients of its own were refused, the rest are discarded: it has no say.
            Some(reply) if !reply.is_intermediate() && self.has_backend_recipients() => Said::backend(reply),
            _ => Said::core(Reply::START_DATA),
        };
        let mut effects = Effects::default();
        if said.reply.is_intermediate() {
            let decision = self.decide(Event::Data).await;
            said = said.after(decision.effects.delay);
            if let Verdict::Refuse(reply) = decision.verdict {
                self.note_decision("data", decision.policy.clone(), &reply);
                said = Said::policy(reply, decision.policy);
            }
            effects = decision.effects;
        }
        let reply = said.reply.clone();
        let is_from_backend = said.origin == Origin::Backend;
        self.change_recipients(std::mem::take(&mut effects.recipients)).await;
        let offer = Offer::plain(&self.context.rules);
        self.session.borrow_mut().commit(admitted, offer, effects, &reply);
        self.say(said.to(Verb::Data, text)).await?;
        if !reply.is_intermediate() {
            self.end_refused_data(reply, is_from_backend);
            return Ok(());
        }
        self.flush().await?;
        let mut receiving = Box::new(Receiving::after_data(&self.context));
        self.receive(&mut receiving).await?;
        Box::pin(self.complete(receiving)).await
    }

    fn has_no_recipients(&self) -> bool {
        self.session.borrow().transaction().is_none_or(|transaction| transaction.recipients.is_empty())
    }

    fn has_backend_recipients(&self) -> bool {
        self.session
            .borrow()
            .transaction()
            .is_some_and(|transaction| transaction.permitted().next().is_some())
    }

    /// A refused DATA ends nothing: the client may name other recipients, or RSET. But the backend knows of no
    /// transaction any more. Source: RFC 5321 §3.3.
    fn end_refused_data(&mut self, reply: Reply, is_from_backend: bool) {
        self.link.reset();
        let answered = Answered { reply, stage: "data", policy: None, is_from_backend, acknowledged: None };
        let ended = self.session.borrow_mut().abort();
        if let Some(transaction) = ended {
            self.conclude(&transaction, Some(answered));
        }
    }

    /// Receives content to its end of data.
    async fn receive(&mut self, receiving: &mut Receiving) -> Flow {
        let mut pace = Pace::new();
        let recall = self.link.lend();
        let mut is_lent = recall.is_some();
        let mut cut_off: Option<Instant> = None;
        loop {
            let began = Instant::now();
            let mut deadline = pace.deadline(began);
            deadline = self.session_deadline().map_or(deadline, |end| end.min(deadline));
            deadline = cut_off.map_or(deadline, |end| end.min(deadline));
            let outcome = if self.wire.input().is_empty() {
                select! {
                    biased;
                    () = self.draining.reach(Phase::Ending) => return Err(End::drain()),
                    outcome = read(&mut self.wire, receiving) => outcome,
                    () = called_back(recall.as_deref()), if is_lent => {
                        is_lent = false;
                        self.link.close().await;
                        continue;
                    }
                    () = sleep_until(deadline) => Err(ClientFault::Timeout),
                }
            } else {
                Ok(Arrived::Input)
            };
            let before = receiving.facts().wire_size + receiving.discarded;
            let is_end = match outcome {
                Err(ClientFault::Timeout)
                    if cut_off.is_none() && !self.is_overdue() && pace.take(0, began.elapsed()) =>
                {
                    continue;
                }
                Err(ClientFault::Timeout) => return self.cut_off(receiving).await,
                Err(fault) => return Err(fault.into()),
                Ok(arrived) => self.take_content(receiving, arrived).await,
            };
            let came = (receiving.facts().wire_size + receiving.discarded).saturating_sub(before);
            if is_end {
                self.link.reclaim().await;
                return Ok(());
            }
            if !pace.take(came, began.elapsed()) || self.is_overdue() {
                return self.cut_off(receiving).await;
            }
            self.judge_progress(receiving).await;
            if receiving.refusal.is_some() {
                cut_off = cut_off.or(Some(Instant::now() + PATIENCE));
                if receiving.discarded > Receiving::patience(self.size_limit()) {
                    return self.cut_off(receiving).await;
                }
            }
        }
    }

    /// Gives up on a content that comes too slowly, or goes on for too long after it was refused.
    pub(super) async fn cut_off(&mut self, receiving: &mut Receiving) -> Flow {
        match receiving.refusal.take() {
            Some(said) => {
                let end = End::of_refusal(&said.origin);
                self.say(said.to_end_of_data()).await?;
                self.flush().await?;
                Err(end)
            }
            None => self.close_with(Reply::TIMEOUT, End::timeout()).await,
        }
    }

    /// Takes what has arrived; whether the end of data was in it.
    async fn take_content(&mut self, receiving: &mut Receiving, arrived: Arrived) -> bool {
        let taken = match arrived {
            Arrived::Input => receiving.take(self.wire.input()).await,
            Arrived::Chunk(start) => {
                let is_end = receiving.judge_chunk(start, self.wire.input());
                receiving.intake.settle().await.map(|()| is_end)
            }
        };
        match taken {
            Ok(is_end) => is_end,
            Err(error) => {
                self.refuse_for_spool(receiving, &error);
                receiving.is_ended()
            }
        }
    }

    pub(super) fn refuse_for_spool(&self, receiving: &mut Receiving, error: &SpoolError) {
        tracing::warn!(session = %self.session.borrow().identity().id, %error, "content refused");
        receiving.refuse(Said::core(Reply::SPOOL_FULL), &self.context);
    }

    /// Refuses content early where limits or the header already say so.
    pub(super) async fn judge_progress(&mut self, receiving: &mut Receiving) {
        receiving.check_limits(self.size_limit(), &self.context);
        let facts = receiving.facts();
        let Some(end) =
            facts.header_end.filter(|_| !receiving.is_header_judged && receiving.refusal.is_none())
        else {
            return;
        };
        receiving.is_header_judged = true;
        let header = Header::parse(receiving.intake.head(end));
        if let Some(said) = self.judge_header(header, facts).await {
            receiving.refuse(said, &self.context);
        }
    }

    /// What the loop check and the `header` policies say to a header; nothing if they let it pass.
    async fn judge_header(&mut self, header: Header, facts: ContentFacts) -> Option<Said> {
        let limits = &self.context.rules.limits;
        let Hops { all, ours } =
            trace::hops(&header, &self.context.rules.hostname, SessionId::is_well_formed);
        if all > limits.max_hops || ours > OUR_HOPS {
            return Some(Said::core(Reply::MAIL_LOOP));
        }
        if let Some(record) = &mut self.record {
            let field = header.named("message-id").next();
            record.message_id =
                field.map(|field| String::from_utf8_lossy(&unfold(header.raw_value(field))).into_owned());
        }
        if !self.context.asks_at(Stage::Header) {
            return None;
        }
        let header_size = facts.header_end.unwrap_or(facts.wire_size);
        let view = MessageView { header, header_size, size: facts.size, edits: Vec::new(), content: None };
        let decision = self.decide(Event::Header(Rc::new(view))).await;
        self.take_content_decision("header", decision).await
    }

    /// Commits a decision about content; what it refuses or discards with.
    async fn take_content_decision(&mut self, stage: &'static str, mut decision: Decision) -> Option<Said> {
        let delay = decision.effects.delay;
        let (reply, acknowledges) = match &decision.verdict {
            Verdict::Refuse(reply) => (reply.clone(), false),
            Verdict::Discard { .. } => (Reply::OK, true),
            Verdict::Accept => (Reply::START_DATA, false),
        };
        let changes = std::mem::take(&mut decision.effects.recipients);
        self.session.borrow_mut().commit_content_verdict(std::mem::take(&mut decision.effects), &reply);
        if decision.verdict == Verdict::Accept {
            self.change_recipients(changes).await;
            self.edits.append(&mut decision.edits);
            self.hold_back(delay).await;
            return None;
        }
        if let Some(record) = &mut self.record {
            record.decide(stage, decision.policy.clone());
        }
        self.discards = acknowledges;
        Some(Said::policy(reply, decision.policy).after(delay))
    }

    /// Octets of the largest message that the client was told of.
    pub(super) fn size_limit(&self) -> u64 {
        let ours = self.context.rules.limits.message_size;
        self.session.borrow().greeting().map_or(ours, |greeting| greeting.offer.size)
    }

    /// Judges a content that has come whole, delivers it, says the final reply and concludes the transaction.
    pub(super) async fn complete(&mut self, mut receiving: Box<Receiving>) -> Flow {
        let deadline = Instant::now() + self.context.server.config.timeouts.r#final;
        self.judge_progress(&mut receiving).await;
        let facts = receiving.facts();
        if receiving.refusal.is_none() && !receiving.is_header_judged {
            // A message without a body: its header is all of it.
            let header = Header::parse(receiving.intake.head(facts.wire_size));
            receiving.refusal = self.judge_header(header, facts).await;
        }
        let size = facts.size;
        let answered = match receiving.refusal.take() {
            Some(said) => self.answer_refused(said),
            None => match receiving.intake.finish().await {
                Ok(content) => self.judge_and_deliver(content, facts, deadline).await,
                Err(error) => {
                    tracing::warn!(session = %self.session.borrow().identity().id, %error, "content refused");
                    (Said::core(Reply::SPOOL_FULL), None)
                }
            },
        };
        self.answer_content(answered, size).await
    }

    fn answer_refused(&mut self, said: Said) -> (Said, Option<Ack>) {
        if std::mem::take(&mut self.discards) { (said, Some(Ack::of_discard())) } else { (said, None) }
    }

    async fn judge_and_deliver(
        &mut self,
        content: Content,
        facts: ContentFacts,
        deadline: Instant,
    ) -> (Said, Option<Ack>) {
        let header_size = facts.header_end.unwrap_or(facts.wire_size);
        let header = match content.head(header_size).await {
            Ok(octets) => Header::parse(octets),
            Err(error) => return (self.local_fault(&Fault::Local(error.to_string())), None),
        };
        if self.context.asks_at(Stage::Message) {
            let view = MessageView {
                header: header.clone(),
                header_size,
                size: facts.size,
                edits: self.edits.clone(),
                content: Some(content.clone()),
            };
            let decision = self.decide(Event::Message(Rc::new(view))).await;
            if let Some(said) = self.take_content_decision("message", decision).await {
                return self.answer_refused(said);
            }
        }
        let edits = std::mem::take(&mut self.edits);
        self.deliver(Complete { content, facts, header, edits, deadline }).await
    }

    /// Hands the message to the backend, unless nobody is left to get it.
    async fn deliver(&mut self, mut message: Complete) -> (Said, Option<Ack>) {
        let Some(mut envelope) = self.envelope() else { return (Said::core(Reply::BACKEND_CONFUSED), None) };
        if envelope.recipients.is_empty() {
            let ack = Ack::of_discard();
            return (Said::core(ack.reply().clone()), Some(ack));
        }
        let introduction = self.introduction().await;
        let trace = self.trace_field().await;
        let headers = self.session.borrow().transaction().map(|one| one.headers.clone()).unwrap_or_default();
        let new_fields = headers.iter().filter_map(|(name, value)| NewField::new(name, value).ok());
        message.edits.extend(new_fields.map(Edit::Prepend));
        let outgoing = if message.edits.is_empty() {
            Outgoing::untouched(message.content, trace)
        } else {
            Outgoing::edited(message.content, &message.header, &message.edits, trace)
        };
        envelope.real_size = Some(outgoing.size());
        let (has_8bit, deadline) = (message.facts.has_8bit, message.deadline);
        let message = Message { outgoing: &outgoing, has_8bit, deadline };
        match self.link.deliver(&introduction, &envelope, message).await {
            Ok(Delivery::Acknowledged(ack)) => {
                let origin = if ack.source() == Source::Backend { Origin::Backend } else { Origin::Core };
                (Said { origin, ..Said::core(ack.reply().clone()) }, Some(ack))
            }
            Ok(Delivery::Refused(reply)) => (Said::backend(reply), None),
            Err(Fault::Backend(fault)) => {
                self.note_backend_fault(&fault);
                (Said::core(fault.reply()), None)
            }
            Err(fault) => (self.local_fault(&fault), None),
        }
    }

    fn local_fault(&self, fault: &Fault) -> Said {
        tracing::warn!(session = %self.session.borrow().identity().id, error = %fault, "message not passed on");
        Said::core(fault.reply().unwrap_or(Reply::SPOOL_FULL))
    }

    /// Says the final reply and concludes the transaction. A 2yz comes from an `Ack` and from nothing else.
    async fn answer_content(&mut self, (said, ack): (Said, Option<Ack>), size: u64) -> Flow {
        let counters = &self.context.counters;
        let said = match &ack {
            Some(ack) => {
                counters.acknowledged(ack.source().as_str()).increase();
                counters.acknowledgements_told.increase();
                Said { reply: ack.reply().clone(), ..said }
            }
            None if said.reply.is_positive() => Said::core(Reply::BACKEND_CONFUSED),
            None => said,
        };
        let mut answered = Answered {
            reply: said.reply.clone(),
            stage: "message",
            policy: None,
            is_from_backend: said.origin == Origin::Backend,
            acknowledged: ack.map(|ack| ack.source()),
        };
        if let Some(record) = &mut self.record {
            record.size = size;
            answered.stage = record.decided_at().unwrap_or("message");
        }
        if answered.is_from_backend && answered.acknowledged.is_none() {
            self.session.borrow_mut().count_backend_refusal();
        }
        let ended = self.session.borrow_mut().commit_content(size, &said.reply);
        self.forget_content();
        self.link.reset();
        let flow = self.say(said.to_end_of_data()).await;
        let flow = match flow {
            Ok(()) => self.flush().await,
            end => end,
        };
        if let Some(transaction) = ended {
            self.conclude(&transaction, Some(answered));
        }
        flow
    }

    /// Changes the recipients as policies asked; what they add the relay guard judges.
    pub(super) async fn change_recipients(&mut self, changes: Vec<RecipientChange>) {
        if changes.is_empty() {
            return;
        }
        let mut permitted = Vec::new();
        for change in &changes {
            let RecipientChange::Add(mailbox) = change else { continue };
            match self.permit_with(ForwardPath::Mailbox(mailbox.clone()), None) {
                Ok(path) => permitted.push(path),
                Err(reply) => tracing::warn!(
                    session = %self.session.borrow().identity().id,
                    reply = %reply,
                    "a recipient that a policy adds is refused"
                ),
            }
        }
        self.session.borrow_mut().commit_recipients(&changes, permitted);
        self.link.reset();
    }

    /// Our Received field, in wire form; empty if the listener writes none.
    async fn trace_field(&mut self) -> Vec<u8> {
        let style = self.context.listener.received;
        if style == Received::None {
            return Vec::new();
        }
        let name = match self.name.now() {
            ClientName::Known(name) => Some(name.clone()),
            ClientName::None | ClientName::Unknown => None,
        };
        let session = self.session.borrow();
        let (Some(greeting), Some(transaction)) = (session.greeting(), session.transaction()) else {
            return Vec::new();
        };
        let identity = session.identity();
        let only = match transaction.recipients.as_slice() {
            [one] if matches!(one.destination, Destination::Backend(_)) => {
                Some(one.rcpt.forward_path.as_str())
            }
            _ => None,
        };
        let from = trace::From {
            helo: greeting.name.as_str(),
            name: name.as_deref(),
            address: identity.client.ip(),
        };
        let field = trace::Received {
            from: (style == Received::Full).then_some(from),
            by: &self.context.rules.hostname,
            with: match greeting.verb {
                Verb::Helo => "SMTP",
                _ if transaction.mail.params.smtputf8 => "UTF8SMTP",
                _ => "ESMTP",
            },
            id: identity.id.as_str(),
            recipient: only,
            at: Timestamp::now(),
        };
        field.encode()
    }
}

/// What a read has brought.
pub(super) enum Arrived {
    /// Octets in the wire's input.
    Input,
    /// Octets in the intake's chunk, from here on.
    Chunk(usize),
}

/// Waits for content, straight into the intake where that can be.
async fn read(
    wire: &mut crate::proxy::wire::Wire,
    receiving: &mut Receiving,
) -> Result<Arrived, ClientFault> {
    if !receiving.takes_directly() {
        wire.fill().await?;
        return Ok(Arrived::Input);
    }
    let chunk = receiving.intake.chunk();
    let start = chunk.len();
    wire.read_into(chunk).await?;
    Ok(Arrived::Chunk(start))
}
