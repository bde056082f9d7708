//! Content in chunks (BDAT, RFC 3030), turned into DATA towards the backend.

use tokio::select;
use tokio::time::{Instant, sleep_until};

use crate::fault::ClientFault;
use crate::policy::event::Event;
use crate::policy::verdict::Verdict;
use crate::proxy::disposition::End;
use crate::proxy::drain::Phase;
use crate::proxy::pace::Pace;
use crate::proxy::receive::Receiving;
use crate::proxy::say::Said;
use crate::proxy::serve::{Flow, Serve};
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
            Err(reply) => {
                self.discard_chunk(&mut chunk).await?;
                return self.fail_chunks(Said::core(reply), text).await;
            }
        };
        if self.chunks.is_none() {
            let decision = self.decide(Event::Data).await;
            let reply = match &decision.verdict {
                Verdict::Refuse(reply) => reply.clone(),
                Verdict::Accept | Verdict::Discard { .. } => Reply::OK,
            };
            let mut effects = decision.effects;
            self.change_recipients(std::mem::take(&mut effects.recipients)).await;
            self.session.borrow_mut().commit(admitted, Offer::plain(&self.context.rules), effects, &reply);
            if !reply.is_positive() {
                self.note_decision("data", decision.policy.clone(), &reply);
                self.discard_chunk(&mut chunk).await?;
                return self.fail_chunks(Said::policy(reply, decision.policy), text).await;
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
        self.judge_progress(&mut receiving).await;
        if last {
            if let Err(error) = receiving.end_chunks().await {
                self.refuse_for_spool(&mut receiving, &error);
            }
            return Box::pin(self.complete(receiving)).await;
        }
        if let Some(said) = receiving.refusal.take() {
            return self.fail_chunks(said, text).await;
        }
        self.chunks = Some(receiving);
        let said = Said::core(Reply::new(250, (2, 0, 0), format!("{size} octets received")));
        self.say(said.to(Verb::Bdat, text)).await
    }

    /// Refuses a chunk: the transaction has failed until RSET, EHLO or MAIL.
    async fn fail_chunks(&mut self, said: Said, text: &str) -> Flow {
        self.chunks = None;
        self.edits.clear();
        if std::mem::take(&mut self.discards) {
            // A policy discards the message; the chunks to come are eaten as if they were taken.
            let mut receiving = Box::new(Receiving::in_chunks(&self.context));
            receiving.refuse(said, &self.context);
            self.discards = true;
            self.chunks = Some(receiving);
            return self.say(Said::core(Reply::OK).to(Verb::Bdat, text)).await;
        }
        self.session.borrow_mut().commit_chunks(ContentState::Failed);
        self.say(said.to(Verb::Bdat, text)).await
    }

    /// Receives the octets of a chunk into `receiving`.
    async fn receive_chunk(&mut self, chunk: &mut Chunk, receiving: &mut Receiving) -> Flow {
        let mut pace = Pace::new();
        while !chunk.is_done() {
            let came = self.await_chunk(&mut pace).await?;
            let octets = self.wire.input().split();
            let mut rest: &[u8] = &octets;
            let taken = chunk.take(&mut rest);
            if let Err(error) = receiving.take_chunk(taken).await {
                self.refuse_for_spool(receiving, &error);
            }
            let left = octets.len() - rest.len();
            self.wire.input().extend_from_slice(octets.get(left..).unwrap_or_default());
            receiving.check_limits(self.size_limit(), &self.context);
            if !pace.take(left as u64, came) {
                return self.close_with(Reply::TIMEOUT, End::timeout()).await;
            }
            if receiving.refusal.is_some() && receiving.discarded > Receiving::patience(self.size_limit()) {
                let refusal = receiving.refusal.take().map_or(Reply::MESSAGE_TOO_BIG, |said| said.reply);
                return self.close_with(refusal, End::protocol()).await;
            }
        }
        Ok(())
    }

    /// Eats the octets of a chunk that nobody wants.
    async fn discard_chunk(&mut self, chunk: &mut Chunk) -> Flow {
        let mut pace = Pace::new();
        let mut discarded = 0;
        while !chunk.is_done() {
            let waited = self.await_chunk(&mut pace).await?;
            let octets = self.wire.input().split();
            let mut rest: &[u8] = &octets;
            let taken = chunk.take(&mut rest).len() as u64;
            self.wire.input().extend_from_slice(rest);
            discarded += taken;
            if !pace.take(taken, waited) || discarded > Receiving::patience(self.size_limit()) {
                return self.close_with(Reply::TIMEOUT, End::timeout()).await;
            }
        }
        Ok(())
    }

    /// Waits until octets are at hand; how long that took.
    async fn await_chunk(&mut self, pace: &mut Pace) -> Result<std::time::Duration, End> {
        let began = Instant::now();
        while self.wire.input().is_empty() {
            self.flush().await?;
            let deadline = pace.deadline(began);
            let deadline = self.session_deadline().map_or(deadline, |end| end.min(deadline));
            select! {
                biased;
                filled = self.wire.fill() => filled?,
                () = self.draining.reach(Phase::Ending) => return Err(End::drain()),
                () = sleep_until(deadline) => {
                    if pace.take(0, began.elapsed()) {
                        continue;
                    }
                    self.close_with(Reply::TIMEOUT, End::timeout()).await?;
                    return Err(ClientFault::Timeout.into());
                }
            }
        }
        Ok(began.elapsed())
    }
}
