//! Content as it arrives: read at the client's pace, refused early where limits or the header already say so.

use std::rc::Rc;

use tokio::select;
use tokio::time::{Duration, Instant, sleep_until};

use crate::fault::ClientFault;
use crate::message::content::SpoolError;
use crate::message::edit::Edit;
use crate::message::header::{Header, unfold};
use crate::message::trace::{self, Hops};
use crate::message::view::MessageView;
use crate::policy::event::{Event, Stage};
use crate::policy::verdict::{Decision, Verdict};
use crate::proxy::ending::End;
use crate::proxy::pace::Pace;
use crate::proxy::receive::{Receiving, Refusal};
use crate::proxy::said::Said;
use crate::proxy::serve::{Flow, Serve, called_back};
use crate::proxy::wire::Wire;
use crate::session::identity::SessionId;
use crate::smtp::data_decoder::ContentFacts;
use crate::smtp::reply::Reply;

/// How long the rest of a refused content may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
/// Received fields of our own that a message may have; more are a loop.
const OUR_HOPS: usize = 5;

impl Serve {
    /// Receives content to its end of data.
    pub(super) async fn receive(&mut self, receiving: &mut Receiving) -> Flow {
        let mut pace = Pace::new();
        let recall = self.link.lend();
        let mut is_lent = recall.is_some();
        let mut cut_off: Option<Instant> = None;
        loop {
            let began = Instant::now();
            let deadline = self.within_session(pace.deadline(began));
            let deadline = cut_off.map_or(deadline, |end| end.min(deadline));
            let outcome = if self.wire.input().is_empty() {
                select! {
                    biased;
                    outcome = read(&mut self.wire, receiving, u64::MAX) => outcome,
                    () = called_back(recall.as_deref()), if is_lent => {
                        is_lent = false;
                        self.link.close();
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
                self.link.reclaim();
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
            Some(Refusal { is_discard: true, .. }) | None => {
                self.close_with(Reply::TIMEOUT, End::timeout()).await
            }
            Some(Refusal { said, .. }) => {
                let end = End::of_refusal(&said.origin);
                self.answer_content((said, None), receiving.facts().size).await?;
                Err(end)
            }
        }
    }

    /// Takes what has arrived; whether the end of data was in it.
    pub(super) async fn take_content(&mut self, receiving: &mut Receiving, arrived: Arrived) -> bool {
        let taken = match arrived {
            Arrived::Input => receiving.take(self.wire.input()).await,
            Arrived::Chunk(start) => receiving.judge_chunk(start, self.wire.input()).await,
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
        receiving.refuse(Refusal::of_core(Reply::SPOOL_FULL), &self.context);
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
        if let Some(refusal) = self.judge_header(header, facts, &mut receiving.edits).await {
            receiving.refuse(refusal, &self.context);
        }
    }

    /// What the loop check and the `header` policies say to a header; nothing if they let it pass.
    pub(super) async fn judge_header(
        &mut self,
        header: Header,
        facts: ContentFacts,
        edits: &mut Vec<Edit>,
    ) -> Option<Refusal> {
        self.reach("header");
        let limits = &self.context.rules.limits;
        let Hops { all, ours } =
            trace::hops(&header, &self.context.rules.hostname, SessionId::is_well_formed);
        if all > limits.max_hops || ours > OUR_HOPS {
            return Some(Refusal::of_core(Reply::MAIL_LOOP));
        }
        if let Some(record) = &mut self.record {
            let field = header.named("message-id").next();
            record.message_id =
                field.map(|field| String::from_utf8_lossy(&unfold(header.raw_value(field))).into_owned());
        }
        if let Some(refusal) = self.judge_from(&header, edits).await {
            return Some(refusal);
        }
        if self.context.listener.add_missing {
            self.add_missing(&header, edits);
        }
        if !self.context.asks_at(Stage::Header) {
            return None;
        }
        let header_size = facts.header_end.unwrap_or(facts.wire_size);
        let view = MessageView { header, header_size, size: facts.size, edits: Vec::new(), content: None };
        let decision = self.decide(Event::Header(Rc::new(view))).await;
        self.take_content_decision("header", decision, edits).await
    }

    /// Commits a decision about content; what it refuses or discards with.
    pub(super) async fn take_content_decision(
        &mut self,
        stage: &'static str,
        mut decision: Decision,
        edits: &mut Vec<Edit>,
    ) -> Option<Refusal> {
        let mut effects = decision.take_effects();
        let delay = effects.delay;
        let (reply, is_discard) = match &decision.verdict {
            Verdict::Refuse(reply) => (reply.clone(), false),
            Verdict::Discard { .. } => (Reply::OK, true),
            Verdict::Accept => (Reply::START_DATA, false),
        };
        let changes = std::mem::take(&mut effects.recipients);
        self.session.borrow_mut().commit_content_verdict(effects, &reply);
        if decision.verdict == Verdict::Accept {
            self.change_recipients(&changes, stage);
            edits.append(&mut decision.edits);
            self.hold_back(delay).await;
            return None;
        }
        if let Some(record) = &mut self.record {
            record.decide(stage, decision.policy.clone());
            if let Verdict::Discard { why } = decision.verdict {
                record.why = Some(why);
            }
        }
        Some(Refusal { said: Said::policy(reply, decision.policy).after(delay), is_discard })
    }

    /// Octets of the largest message that the client was told of.
    pub(super) fn size_limit(&self) -> u64 {
        let ours = self.context.rules.limits.message_size;
        self.session.borrow().greeting().map_or(ours, |greeting| greeting.offer.size)
    }
}

/// What a read has brought.
pub(super) enum Arrived {
    /// Octets in the wire's input.
    Input,
    /// Octets in the intake's chunk, from here on.
    Chunk(usize),
}

/// Waits for content: at most `most` octets straight into the intake where that can be. Safe to drop.
pub(super) async fn read(
    wire: &mut Wire,
    receiving: &mut Receiving,
    most: u64,
) -> Result<Arrived, ClientFault> {
    if !receiving.takes_directly() {
        wire.fill().await?;
        return Ok(Arrived::Input);
    }
    let chunk = receiving.intake.chunk();
    let start = chunk.len();
    wire.read_into(chunk, most).await?;
    Ok(Arrived::Chunk(start))
}
