//! Content on its way to an SMTP backend, and the one reply that counts.

use bytes::Bytes;
use tokio::time::{Instant, timeout_at};

use crate::backend::conversation::Conversation;
use crate::backend::delivery::{Ack, Delivery};
use crate::backend::envelope::Envelope;
use crate::backend::introduction::Introduction;
use crate::backend::relay::{PATIENCE, Relay, overdue};
use crate::backend::screen::{Due, screen};
use crate::backend::telling::END_OF_DATA;
use crate::fault::{BackendFault, Fault};
use crate::message::content::CHUNK;
use crate::message::outgoing::Outgoing;
use crate::message::spool::SpoolFile;
use crate::smtp::reply::Reply;

/// A message that is complete and was found good.
#[derive(Debug)]
pub struct Message<'a> {
    /// Its octets.
    pub outgoing: &'a Outgoing,
    /// Until when the backend may take to answer.
    pub deadline: Instant,
}

/// Why an attempt has failed, and whether the backend may have the message.
enum Failure {
    /// The end of data was not sent: it can't have it.
    BeforeEnd(BackendFault),
    /// It may have it: nothing is sent again. Source: RFC 1047.
    AfterEnd(BackendFault),
    /// Our own.
    Local(Fault),
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Backend(fault) => Failure::BeforeEnd(fault),
            fault => Failure::Local(fault),
        }
    }
}

impl From<BackendFault> for Failure {
    fn from(fault: BackendFault) -> Self {
        Failure::BeforeEnd(fault)
    }
}

impl Relay {
    /// Delivers `message` to the recipients of `envelope`, which were all accepted.
    ///
    /// If the connection is lost before the end of data is sent, the envelope is told once more on another one.
    /// *Errors*: `Unreachable` if that fails too; `Lost` if the connection ends, or the answer is overdue, after the
    /// end of data; `Confused`; `Local` if the spool can't be read.
    pub async fn deliver(
        &mut self,
        introduction: &Introduction,
        envelope: &Envelope,
        message: Message<'_>,
    ) -> Result<Delivery, Fault> {
        let mut may_retry = true;
        loop {
            match self.attempt(introduction, envelope, &message).await {
                Ok(delivery) => return Ok(delivery),
                Err(failure) => {
                    self.line = None;
                    match failure {
                        Failure::BeforeEnd(BackendFault::Lost(why)) if may_retry => {
                            may_retry = false;
                            tracing::debug!(backend = %self.server.config.name, error = why, "told anew");
                        }
                        Failure::BeforeEnd(BackendFault::Lost(why)) => {
                            return Err(BackendFault::Unreachable(why).into());
                        }
                        Failure::BeforeEnd(fault) | Failure::AfterEnd(fault) => return Err(fault.into()),
                        Failure::Local(fault) => return Err(fault),
                    }
                }
            }
        }
    }

    async fn attempt(
        &mut self,
        introduction: &Introduction,
        envelope: &Envelope,
        message: &Message<'_>,
    ) -> Result<Delivery, Failure> {
        let until = message.deadline.min(Instant::now() + PATIENCE);
        let refusal = timeout_at(until, async {
            self.ready(introduction).await?;
            if message.outgoing.has_8bit() && !self.takes_8bit() {
                // What waits for content already must not get it.
                self.line = self.line.take().filter(|line| !line.awaits_content);
                return Ok(Some(Reply::CANNOT_CONVERT));
            }
            self.await_content(envelope).await
        });
        if let Some(refusal) = refusal.await.map_err(|_| overdue())?? {
            return Ok(Delivery::Refused(refusal));
        }
        let Some(line) = &mut self.line else {
            return Err(Failure::BeforeEnd(BackendFault::Lost("no connection".to_owned())));
        };
        line.told = None;
        let conversation = &mut line.opened.conversation;
        let (mut pieces, file) = send(conversation, message).await?;
        conversation.expect_silence()?;
        pieces.push(Bytes::from_static(END_OF_DATA));
        if let Err(fault) = conversation.write_content(&mut pieces, message.deadline).await {
            // What was not written stands there still.
            let is_dot_unsent = pieces.last().is_some_and(|dot| dot.len() == END_OF_DATA.len());
            return Err(if is_dot_unsent { Failure::BeforeEnd(fault) } else { Failure::AfterEnd(fault) });
        }
        let reply = conversation.reply(message.deadline).await.map_err(Failure::AfterEnd)?;
        let screened = screen(&reply, Due::Completion, envelope.utf8).map_err(Failure::AfterEnd)?;
        line.awaits_content = false;
        line.is_dirty = false;
        if reply.code == 421 {
            self.line = None;
        }
        Ok(match Ack::of_backend(&screened) {
            Some(ack) => {
                // Nobody takes what he hasn't read.
                file.iter().for_each(SpoolFile::has_arrived);
                Delivery::Acknowledged(ack)
            }
            None => Delivery::Refused(screened),
        })
    }

    /// Whether 8-bit content may go to the backend that is connected.
    fn takes_8bit(&self) -> bool {
        let offers = self.line.as_ref().is_some_and(|line| line.opened.capabilities.eight_bit_mime);
        offers || self.server.passes_8bit()
    }

    /// Brings the backend to the point where it waits for content; the reply that refuses it.
    async fn await_content(&mut self, envelope: &Envelope) -> Result<Option<Reply>, BackendFault> {
        if self.line.as_ref().is_some_and(|line| line.awaits_content) {
            return Ok(None);
        }
        let answers = self.tell(envelope, true).await?;
        if answers.recipients.iter().any(|reply| !reply.is_positive()) {
            return Err(BackendFault::Unreachable("a recipient of a policy's was refused".to_owned()));
        }
        let data = answers.data.unwrap_or(Reply::BACKEND_CONFUSED);
        if data.is_intermediate() {
            return Ok(None);
        }
        if let Some(line) = &mut self.line {
            line.told = None;
        }
        Ok(Some(data))
    }
}

/// Sends `message` but for its end: what of it is not written yet, and the file that part of it went from.
async fn send(
    conversation: &mut Conversation,
    message: &Message<'_>,
) -> Result<(Vec<Bytes>, Option<SpoolFile>), Failure> {
    let mut reader = message.outgoing.reader();
    let mut pieces: Vec<Bytes> = Vec::new();
    let mut gathered = 0;
    let (mut socket, mut file) = (None, None);
    loop {
        let local = |error: &dyn std::fmt::Display| Failure::Local(Fault::Local(error.to_string()));
        if let Some(range) = reader.in_file()
            && let Some(socket) = conversation.socket(&mut socket)?
        {
            conversation.expect_silence()?;
            conversation.write_content(&mut pieces, message.deadline).await?;
            file.get_or_insert_with(|| {
                range.file.sets_out();
                range.file.clone()
            });
            conversation.send_file(socket, &range, message.deadline).await?;
            reader.skip(range.length);
            gathered = 0;
            continue;
        }
        let read = timeout_at(message.deadline, reader.next()).await;
        let read = read.map_err(|_| BackendFault::Lost("the time for its answer is over".to_owned()))?;
        let Some(piece) = read.map_err(|error| local(&error))? else { break };
        gathered += piece.len();
        pieces.push(piece);
        if gathered >= CHUNK || pieces.len() >= 15 {
            conversation.expect_silence()?;
            conversation.write_content(&mut pieces, message.deadline).await?;
            gathered = 0;
        }
    }
    Ok((pieces, file))
}
