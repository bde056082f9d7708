//! A batch of commands to a backend, written together where it takes that, and the replies in order.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use crate::backend::config::Timeouts;
use crate::backend::connect::Opened;
use crate::backend::conversation::Commands;
use crate::backend::delivery::Answers;
use crate::backend::screen::{Due, screen, shown};
use crate::fault::BackendFault;
use crate::smtp::reply::Reply;
use crate::smtp::reply_decoder::BackendReply;

/// What a command is for, and so what its reply means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// RSET of a transaction that has ended here.
    Reset,
    /// XFORWARD.
    Forward,
    /// MAIL.
    Mail,
    /// RCPT for a recipient that the client was already told is accepted.
    Again,
    /// RCPT for one that a policy added, at this place in the envelope; nobody was told anything of it.
    Added(usize),
    /// RCPT for a new one.
    Recipient,
    /// DATA.
    Data,
}

/// The commands to say, in order.
#[derive(Debug)]
pub(super) struct Steps<'a> {
    steps: Vec<(Cow<'a, str>, Step)>,
    timeouts: Timeouts,
}

/// What came of them.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// The answers for the client.
    pub(super) answers: Answers,
    /// The refusal of MAIL, as RCPT says it.
    pub(super) mail_refusal: Option<Reply>,
    /// Whether the backend waits for content, wanted or not.
    pub(super) awaits_content: bool,
    /// Whether a recipient was accepted.
    pub(super) has_recipient: bool,
    /// The recipients that a policy added and the backend refuses for good, by their place in the envelope.
    pub(super) left_out: Vec<(usize, Reply)>,
    /// Whether the client was told already that recipients are accepted.
    is_replay: bool,
}

impl<'a> Steps<'a> {
    /// No commands yet.
    pub(super) fn new(timeouts: Timeouts) -> Self {
        Steps { steps: Vec::with_capacity(4), timeouts }
    }

    /// Adds one.
    pub(super) fn push(&mut self, command: impl Into<Cow<'a, str>>, step: Step) {
        self.steps.push((command.into(), step));
    }

    /// Says them all on `opened` and takes the replies.
    ///
    /// *Errors*: `Lost`, also on 421; `Unreachable` if what was accepted before is not accepted again; `Confused`.
    pub(super) async fn run(self, opened: &mut Opened, utf8: bool) -> Result<Outcome, BackendFault> {
        let is_pipelined = opened.capabilities.pipelining;
        if is_pipelined {
            let mut commands = Commands::default();
            for (command, _) in &self.steps {
                commands.push(command)?;
            }
            if !commands.is_empty() {
                opened.conversation.write(&commands, self.deadline(Step::Mail)).await?;
            }
        }
        let is_replay = self.steps.iter().any(|(_, step)| matches!(step, Step::Again | Step::Added(_)));
        let mut outcome = Outcome { is_replay, ..Outcome::default() };
        for (command, step) in &self.steps {
            // Without pipelining a refused MAIL ends the batch; with it the rest has been said already.
            if outcome.mail_refusal.is_some() && !is_pipelined {
                outcome.skip(*step);
                continue;
            }
            let deadline = self.deadline(*step);
            if !is_pipelined {
                let mut commands = Commands::default();
                commands.push(command)?;
                opened.conversation.write(&commands, deadline).await?;
            }
            let reply = opened.conversation.reply(deadline).await?;
            outcome.take(*step, &reply, utf8)?;
        }
        Ok(outcome)
    }

    fn deadline(&self, step: Step) -> Instant {
        let limit: Duration = if step == Step::Data { self.timeouts.data } else { self.timeouts.command };
        Instant::now() + limit
    }
}

impl Outcome {
    fn take(&mut self, step: Step, reply: &BackendReply, utf8: bool) -> Result<(), BackendFault> {
        if reply.code == 421 {
            return Err(BackendFault::Lost(shown(reply)));
        }
        self.awaits_content |= step == Step::Data && reply.code == 354;
        if self.mail_refusal.is_some() {
            // The answers to what was pipelined behind a refused MAIL say nothing of their own.
            self.skip(step);
            return Ok(());
        }
        let due = if step == Step::Data { Due::Content } else { Due::Completion };
        let screened = screen(reply, due, utf8)?;
        match step {
            Step::Reset if !screened.is_positive() => Err(BackendFault::Lost(shown(reply))),
            Step::Reset => Ok(()),
            Step::Forward => {
                if !screened.is_positive() {
                    tracing::warn!(reply = %shown(reply), "the backend refuses XFORWARD");
                }
                Ok(())
            }
            Step::Mail if self.is_replay && !screened.is_positive() => {
                Err(BackendFault::Unreachable(shown(reply)))
            }
            Step::Mail => {
                if !screened.is_positive() {
                    self.answers.mail = Some(screened.clone());
                    self.mail_refusal = Some(said_at_rcpt(screened));
                }
                Ok(())
            }
            Step::Added(place) if screened.is_permanent() => {
                // It would be refused on each try: a policy's copy must not keep the client's mail from the others.
                self.left_out.push((place, screened));
                Ok(())
            }
            Step::Again | Step::Added(_) if !screened.is_positive() => {
                Err(BackendFault::Unreachable(shown(reply)))
            }
            Step::Again | Step::Added(_) => {
                self.has_recipient = true;
                Ok(())
            }
            Step::Recipient => {
                self.has_recipient |= screened.is_positive();
                self.answers.recipients.push(screened);
                Ok(())
            }
            Step::Data => {
                self.answers.data = Some(screened);
                Ok(())
            }
        }
    }

    /// Answers `step` with the refusal of MAIL.
    fn skip(&mut self, step: Step) {
        match (step, &self.mail_refusal) {
            (Step::Recipient, Some(refusal)) => self.answers.recipients.push(refusal.clone()),
            (Step::Data, _) => self.answers.data = Some(Reply::NO_VALID_RECIPIENTS),
            _ => {}
        }
    }
}

/// A refusal of MAIL as the answer to RCPT: a 552 there would be taken for too many recipients, and tried again.
///
/// Source: RFC 5321 §4.5.3.1.10.
fn said_at_rcpt(refusal: Reply) -> Reply {
    if refusal.code != 552 {
        return refusal;
    }
    let lines: Vec<String> = refusal.lines().map(str::to_owned).collect();
    Reply::multiline(554, Reply::MESSAGE_TOO_BIG.enhanced, lines)
}

impl Opened {
    /// Writes the dot that ends content, and takes the reply.
    ///
    /// *Errors*: as `Conversation::reply`.
    pub(super) async fn end_content(&mut self, deadline: Instant) -> Result<BackendReply, BackendFault> {
        let mut dot = vec![Bytes::from_static(END_OF_DATA)];
        self.conversation.write_content(&mut dot, deadline).await?;
        self.conversation.reply(deadline).await
    }
}

/// What ends content in wire form, which itself ends in CRLF or is empty. Source: RFC 5321 §4.1.1.4.
pub(super) const END_OF_DATA: &[u8] = b".\r\n";
