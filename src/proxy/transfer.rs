//! A message's way through: content in, header and message judged, out to the backend, its answer back.
//!
//! After the end of data nothing here is dropped when the client leaves: it runs to the backend's answer.

use std::rc::Rc;

use tokio::time::Instant;

use crate::backend::delivery::{Ack, Delivery, Source};
use crate::backend::transmission::Message;
use crate::fault::Fault;
use crate::message::content::Content;
use crate::message::edit::{Edit, NewField};
use crate::message::header::Header;
use crate::message::outgoing::Outgoing;
use crate::message::view::MessageView;
use crate::policy::event::{Event, Origin, Stage};
use crate::policy::verdict::Verdict;
use crate::proxy::receive::Receiving;
use crate::proxy::record::Answered;
use crate::proxy::said::Said;
use crate::proxy::serve::{Flow, Serve};
use crate::session::admit::Admitted;
use crate::session::effects::Effects;
use crate::session::ehlo::Offer;
use crate::smtp::command::Verb;
use crate::smtp::data_decoder::ContentFacts;
use crate::smtp::reply::Reply;

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
        if self.has_no_recipients() {
            // As where their replies were known before DATA came: the transaction stays, others may be named.
            if is_at_once {
                self.link.reset(); // but for the backend it has ended
            }
            let said = Said::core(Reply::NO_VALID_RECIPIENTS).answering(Verb::Data, text);
            return self.say_error(said, Verb::Data).await;
        }
        let mut said = match backend {
            // Where all recipients of its own were refused, the rest are discarded: it has no say.
            Some(reply) if !reply.is_intermediate() && self.has_backend_recipients() => Said::backend(reply),
            _ => Said::core(Reply::START_DATA),
        };
        let mut effects = Effects::default();
        if said.reply.is_intermediate() {
            self.reach("data");
            let mut decision = self.decide(Event::Data).await;
            effects = decision.take_effects();
            said = said.after(effects.delay);
            if let Verdict::Refuse(reply) = decision.verdict {
                self.note_decision("data", decision.policy.clone(), &reply);
                said = Said::policy(reply, decision.policy);
            }
        }
        let reply = said.reply.clone();
        let is_from_backend = said.origin == Origin::Backend;
        self.change_recipients(&std::mem::take(&mut effects.recipients), "data");
        let offer = Offer::plain(&self.context.rules);
        self.session.borrow_mut().commit(admitted, offer, effects, &reply);
        self.say(said.answering(Verb::Data, text)).await?;
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
        self.session.borrow().transaction().is_none_or(|transaction| transaction.accepted() == 0)
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

    /// Judges a content that has come whole, delivers it, says the final reply and concludes the transaction.
    pub(super) async fn complete(&mut self, mut receiving: Box<Receiving>) -> Flow {
        let deadline = self.note_end_of_data();
        self.judge_progress(&mut receiving).await;
        let facts = receiving.facts();
        if receiving.refusal.is_none() && !receiving.is_header_judged {
            // A message without a body: its header is all of it.
            let header = Header::parse(receiving.intake.head(facts.wire_size));
            receiving.refusal = self.judge_header(header, facts, &mut receiving.edits).await;
        }
        let size = facts.size;
        let Receiving { intake, refusal, edits, .. } = *receiving;
        let answered = match refusal {
            Some(refusal) => refusal.answer(),
            None => match intake.finish().await {
                Ok(content) => self.judge_and_deliver(content, facts, edits, deadline).await,
                Err(error) => {
                    tracing::warn!(session = %self.session.borrow().identity().id, %error, "content refused");
                    (Said::core(Reply::SPOOL_FULL), None)
                }
            },
        };
        self.answer_content(answered, size).await
    }

    /// Notes that the content has come whole; until when its answer is due.
    pub(super) fn note_end_of_data(&mut self) -> Instant {
        let due = || Instant::now() + self.context.server.config.timeouts.r#final;
        let due = self.answer_due.get().unwrap_or_else(due);
        self.answer_due.set(Some(due));
        due
    }

    async fn judge_and_deliver(
        &mut self,
        content: Content,
        facts: ContentFacts,
        mut edits: Vec<Edit>,
        deadline: Instant,
    ) -> (Said, Option<Ack>) {
        let header_size = facts.header_end.unwrap_or(facts.wire_size);
        let header = match content.head(header_size).await {
            Ok(octets) => Header::parse(octets),
            Err(error) => return (self.local_fault(&Fault::Local(error.to_string())), None),
        };
        self.reach("message");
        if self.context.asks_at(Stage::Message) {
            let view = MessageView {
                header: header.clone(),
                header_size,
                size: facts.size,
                edits: edits.clone(),
                content: Some(content.clone()),
            };
            let decision = self.decide(Event::Message(Rc::new(view))).await;
            if let Some(refusal) = self.take_content_decision("message", decision, &mut edits).await {
                return refusal.answer();
            }
        }
        self.deliver(Complete { content, facts, header, edits, deadline }).await
    }

    /// Hands the message to the backend, unless nobody is left to get it.
    async fn deliver(&mut self, mut message: Complete) -> (Said, Option<Ack>) {
        let Some(mut envelope) = self.envelope() else { return (Said::core(Reply::BACKEND_CONFUSED), None) };
        if envelope.recipients.is_empty() {
            self.note_discards();
            let ack = Ack::of_discard();
            return (Said::core(ack.reply().clone()), Some(ack));
        }
        let introduction = self.introduction().await;
        let trace = self.trace_field().await;
        let headers = self.session.borrow().transaction().map(|one| one.headers.clone()).unwrap_or_default();
        let new_fields = headers.iter().filter_map(|(name, value)| NewField::new(name, value).ok());
        message.edits.extend(new_fields.map(Edit::Prepend));
        let Complete { content, facts, header, edits, deadline } = message;
        let outgoing = if edits.is_empty() {
            Outgoing::untouched(content, &facts, trace)
        } else {
            Outgoing::edited(content, &facts, &header, &edits, trace, envelope.takes_utf8_fields())
        };
        envelope.real_size = Some(outgoing.size());
        envelope.has_8bit = outgoing.has_8bit();
        let message = Message { outgoing: &outgoing, deadline };
        let delivered = self.link.deliver(&introduction, &envelope, message).await;
        self.note_left_out();
        match delivered {
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
    pub(super) async fn answer_content(&mut self, (said, ack): (Said, Option<Ack>), size: u64) -> Flow {
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
        let said = said.in_utf8(self.speaks_utf8()).at_end_of_data();
        let ended = self.session.borrow_mut().commit_content(size, &said.reply);
        self.chunks = None;
        self.link.reset();
        let flow = match self.say(said).await {
            Ok(()) => self.flush().await,
            end => end,
        };
        self.answer_due.set(None);
        if let Some(transaction) = ended {
            self.conclude(&transaction, Some(answered));
        }
        flow
    }
}
