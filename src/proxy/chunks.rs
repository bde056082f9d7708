//! Content in chunks (BDAT, RFC 3030), turned into DATA towards the backend.

use std::sync::Arc;
use std::time::Duration;

use tokio::select;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::policy::event::Event;
use crate::policy::verdict::Verdict;
use crate::proxy::arrival::{Arrived, PATIENCE, read};
use crate::proxy::ending::End;
use crate::proxy::pace::Pace;
use crate::proxy::receive::{Receiving, Refusal};
use crate::proxy::said::Said;
use crate::proxy::serve::{Flow, Serve, called_back};

use crate::session::effects::Effects;
use crate::session::ehlo::Offer;
use crate::session::envelope::ContentState;
use crate::smtp::chunk::Chunk;
use crate::smtp::command::{Command, Verb};
use crate::smtp::reply::Reply;

impl Serve {
    /// Takes a BDAT command: its octets are eaten in any case, and before its reply. Source: RFC 3030 §2.
    pub(super) async fn take_chunk(&mut self, size: u64, last: bool, text: &str) -> Flow {
        let admitted = self.session.borrow().admit(Command::Bdat { size, last });
        let mut chunk = Chunk::new(size, last);
        let admitted = match admitted {
            Ok(admitted) => admitted,
            Err(reply) => return self.refuse_chunk(&mut chunk, reply, text).await,
        };
        if self.chunks.is_none() {
            self.reach("data");
            let mut decision = self.decide(Event::Data).await;
            let reply = match &decision.verdict {
                Verdict::Refuse(reply) => reply.clone(),
                Verdict::Accept | Verdict::Discard { .. } => Reply::OK,
            };
            let mut effects = decision.take_effects();
            self.change_recipients(&std::mem::take(&mut effects.recipients), "data");
            self.session.borrow_mut().commit(admitted, Offer::plain(&self.context.rules), effects, &reply);
            if !reply.is_positive() {
                if let Some(record) = &mut self.record {
                    record.decide("data", decision.policy.clone());
                }
                let said = Said::policy(reply, decision.policy);
                self.discard_chunk(&mut chunk, &said).await?;
                return self.fail_chunks(said, "data", text).await;
            }
            self.chunks = Some(Box::new(Receiving::in_chunks(&self.context)));
            self.session.borrow_mut().commit_chunks(ContentState::Chunks);
        } else {
            self.session.borrow_mut().commit(
                admitted,
                Offer::plain(&self.context.rules),
                Effects::default(),
                &Reply::OK,
            );
        }
        let Some(mut receiving) = self.chunks.take() else { return Ok(()) };
        self.receive_chunk(&mut chunk, &mut receiving).await?;
        if last {
            self.note_end_of_data();
        }
        self.judge_progress(&mut receiving).await;
        if last {
            if let Err(error) = receiving.end_chunks().await {
                self.refuse_for_spool(&mut receiving, &error);
            }
            return Box::pin(self.complete(receiving)).await;
        }
        // A message that a policy discards goes on as if it were taken.
        if let Some(refusal) = receiving.refusal.take_if(|refusal| !refusal.is_discard) {
            let stage = self.record.as_ref().and_then(|record| record.decided_at()).unwrap_or("message");
            return self.fail_chunks(refusal.said, stage, text).await;
        }
        self.chunks = Some(receiving);
        let said = Said::core(Reply::new(250, (2, 0, 0), format!("{size} octets received")));
        self.say(said.answering(Verb::Bdat, text)).await
    }

    /// Refuses a chunk that is out of order.
    async fn refuse_chunk(&mut self, chunk: &mut Chunk, reply: Reply, text: &str) -> Flow {
        let said = Said::core(reply);
        self.discard_chunk(chunk, &said).await?;
        if self.session.borrow().transaction().is_none() {
            return self.say_error(said.answering(Verb::Bdat, text), Verb::Bdat).await;
        }
        self.fail_chunks(said, "data", text).await
    }

    /// Refuses a chunk: the transaction has failed until RSET, EHLO or MAIL.
    async fn fail_chunks(&mut self, said: Said, stage: &'static str, text: &str) -> Flow {
        self.chunks = None;
        if let Some(record) = &mut self.record {
            record.end_with(&said.reply, Some(stage));
        }
        self.session.borrow_mut().commit_chunks(ContentState::Failed);
        self.say(said.answering(Verb::Bdat, text)).await
    }

    /// Receives the octets of a chunk into `receiving`, which throws them away once they are refused.
    async fn receive_chunk(&mut self, chunk: &mut Chunk, receiving: &mut Receiving) -> Flow {
        let mut pace = Pace::new();
        let mut recall = self.link.lend();
        let mut cut_off = receiving.refusal.is_some().then(|| Instant::now() + PATIENCE);
        while !chunk.is_done() {
            let arriving = self.await_octets(chunk.remaining(), receiving, &mut pace, &mut recall, cut_off);
            let Some((arrived, waited)) = arriving.await? else {
                return self.cut_off(receiving).await;
            };
            let came = self.take_octets(chunk, receiving, arrived).await;
            receiving.check_limits(self.size_limit(), &self.context);
            let is_refused = receiving.refusal.is_some();
            cut_off = cut_off.or_else(|| is_refused.then(|| Instant::now() + PATIENCE));
            let is_too_much = is_refused && receiving.discarded > Receiving::patience(self.size_limit());
            let is_late = self.is_overdue() || cut_off.is_some_and(|end| Instant::now() >= end);
            if !pace.take(came, waited) || is_too_much || is_late {
                return self.cut_off(receiving).await;
            }
        }
        self.link.reclaim();
        Ok(())
    }

    /// Eats the octets of a chunk that is refused with `said`.
    async fn discard_chunk(&mut self, chunk: &mut Chunk, said: &Said) -> Flow {
        let mut receiving = Box::new(Receiving::in_chunks(&self.context));
        receiving.refuse(Refusal { said: said.clone(), is_discard: false }, &self.context);
        self.receive_chunk(chunk, &mut receiving).await
    }

    /// Takes the octets of a chunk that have arrived, and leaves what is behind it; how many they were.
    async fn take_octets(&mut self, chunk: &mut Chunk, receiving: &mut Receiving, arrived: Arrived) -> u64 {
        let (came, taken) = match arrived {
            Arrived::Input => {
                let mut rest: &[u8] = self.wire.input();
                let came = chunk.take(&mut rest).len();
                let mut octets = self.wire.input().split_to(came);
                (came, receiving.take(&mut octets).await)
            }
            Arrived::Chunk(start) => {
                let mut fresh = receiving.intake.chunk().get(start..).unwrap_or_default();
                let came = chunk.take(&mut fresh).len();
                (came, receiving.judge_chunk(start, self.wire.input()).await)
            }
        };
        if let Err(error) = taken {
            self.refuse_for_spool(receiving, &error);
        }
        came as u64
    }

    /// Waits for octets, at most `most` where they are read past the wire's input; with them how long that took, or
    /// nothing if it took too long.
    async fn await_octets(
        &mut self,
        most: u64,
        receiving: &mut Receiving,
        pace: &mut Pace,
        recall: &mut Option<Arc<Notify>>,
        cut_off: Option<Instant>,
    ) -> Result<Option<(Arrived, Duration)>, End> {
        let mut began = Instant::now();
        while self.wire.input().is_empty() {
            self.flush().await?;
            let deadline = self.within_session(pace.deadline(began));
            let deadline = cut_off.map_or(deadline, |end| end.min(deadline));
            select! {
                biased;
                arrived = read(&mut self.wire, receiving, most) => {
                    return Ok(Some((arrived?, began.elapsed())));
                }
                () = called_back(recall.as_deref()), if recall.is_some() => {
                    *recall = None;
                    self.link.close();
                }
                () = sleep_until(deadline) => {
                    let is_cut_off = cut_off.is_some_and(|end| Instant::now() >= end);
                    if is_cut_off || self.is_overdue() || !pace.take(0, began.elapsed()) {
                        return Ok(None);
                    }
                    began = Instant::now();
                }
            }
        }
        Ok(Some((Arrived::Input, began.elapsed())))
    }
}
