//! One session's way to an SMTP backend: envelopes told, told anew when the connection was lost, content delivered.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use crate::backend::ceiling::Slot;
use crate::backend::config::Xforward;
use crate::backend::connect::{Opened, open};
use crate::backend::delivery::{Answers, LeftOut};
use crate::backend::envelope::Envelope;
use crate::backend::introduction::Introduction;
use crate::backend::login::Login;
use crate::backend::server::Server;
use crate::backend::telling::{Step, Steps};
use crate::fault::BackendFault;
use crate::smtp::reply::Reply;

/// One session's connection to a backend, made when it is needed.
#[derive(Debug)]
pub struct Relay {
    pub(super) server: Arc<Server>,
    pub(super) line: Option<Line>,
    /// The address that was connected last.
    last: Option<usize>,
    /// What the backend said to the MAIL of the transaction of this number: the answer to all of its RCPTs.
    mail_refusal: Option<(u64, Reply)>,
    /// What the backend has refused for good of what policies added.
    left_out: Vec<LeftOut>,
    /// The session's own login there.
    pub(super) login: Login,
}

/// A connection and what the backend knows on it.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) opened: Opened,
    introduction: Introduction,
    slot: Slot,
    /// The number of the transaction whose envelope the backend knows.
    pub(super) told: Option<u64>,
    /// Whether a transaction is open there, ours or one that has ended here.
    pub(super) is_dirty: bool,
    /// Whether the backend has said 354 and waits for content.
    pub(super) awaits_content: bool,
}

/// How long a command may take in all, other addresses included.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);

/// The fault of a backend that takes longer than `PATIENCE`.
pub(super) fn overdue() -> BackendFault {
    BackendFault::Unreachable("no answer within 120 s".to_owned())
}

impl Relay {
    /// A way to `server` without a connection yet.
    pub fn new(server: Arc<Server>) -> Self {
        Relay { server, line: None, last: None, mail_refusal: None, left_out: Vec::new(), login: Login::None }
    }

    /// Makes the connection now, for `connect = "session"`.
    ///
    /// *Errors*: as `ask`.
    pub async fn connect(&mut self, introduction: &Introduction) -> Result<(), BackendFault> {
        match timeout(PATIENCE, self.ready(introduction)).await {
            Ok(ready) => ready,
            Err(_) => Err(overdue()),
        }
    }

    /// Asks the backend for the recipients of `envelope` that it has not accepted yet, and for DATA if `and_data`.
    ///
    /// MAIL goes along if the backend does not know the transaction, and the accepted recipients again if the
    /// connection was lost. With no recipients to ask for this says MAIL alone.
    /// *Errors*: `Unreachable` if no usable address answers in time, or a recipient is no longer accepted when it is
    /// told again; `Busy`, `Misconfigured`, `Confused`.
    pub async fn ask(
        &mut self,
        introduction: &Introduction,
        envelope: &Envelope,
        and_data: bool,
    ) -> Result<Answers, BackendFault> {
        let asked = envelope.recipients.iter().filter(|told| !told.is_accepted).count();
        if let Some((_, refusal)) =
            self.mail_refusal.as_ref().filter(|(number, _)| *number == envelope.number)
        {
            let data = and_data.then_some(Reply::NO_VALID_RECIPIENTS);
            return Ok(Answers {
                mail: Some(refusal.clone()),
                recipients: vec![refusal.clone(); asked],
                data,
            });
        }
        match timeout(PATIENCE, self.ask_until_answered(introduction, envelope, and_data)).await {
            Ok(answers) => answers,
            Err(_) => {
                self.line = None;
                Err(overdue())
            }
        }
    }

    async fn ask_until_answered(
        &mut self,
        introduction: &Introduction,
        envelope: &Envelope,
        and_data: bool,
    ) -> Result<Answers, BackendFault> {
        // Nothing that was acknowledged yet: any address will do. Else one reconnect, so that nothing is told for ever.
        let is_bound = envelope.recipients.iter().any(|told| told.is_accepted);
        let mut reconnects = if is_bound { 1 } else { self.server.usable(None).len().max(1) };
        loop {
            if self.line.is_none() {
                reconnects -= 1;
            }
            self.ready(introduction).await?;
            match self.tell(envelope, and_data).await {
                Err(BackendFault::Lost(why)) => {
                    self.line = None;
                    tracing::debug!(backend = %self.server.config.name, error = why, "backend lost, envelope told anew");
                    if reconnects == 0 {
                        return Err(BackendFault::Unreachable(why));
                    }
                }
                Err(fault) => {
                    self.line = None;
                    return Err(fault);
                }
                Ok(answers) => return Ok(answers),
            }
        }
    }

    /// Makes sure that there is a connection, introduced as `introduction` says.
    pub(super) async fn ready(&mut self, introduction: &Introduction) -> Result<(), BackendFault> {
        if matches!(self.login, Login::Done) {
            // The login is the client's: we can't make it anew.
            let silence = self.line.as_mut().map(|line| line.opened.conversation.expect_silence());
            return match silence {
                Some(Ok(())) => Ok(()),
                _ => {
                    self.line = None;
                    Err(BackendFault::LoginLost)
                }
            };
        }
        if let Some(line) = &mut self.line {
            let is_current = !line.opened.is_introduced || line.introduction.is_of_client(introduction);
            if is_current && line.slot.reclaim() {
                let Err(fault) = line.opened.conversation.expect_silence_so_far() else {
                    if line.introduction != *introduction {
                        line.introduction = introduction.clone();
                    }
                    return Ok(());
                };
                let is_told = line.told.is_some();
                self.line = None;
                if is_told && matches!(fault, BackendFault::Confused(_)) {
                    return Err(fault); // which of its replies were answers can't be known
                }
                tracing::debug!(backend = %self.server.config.name, error = %fault, "backend lost while idle");
            } else {
                self.close();
            }
        }
        let slot = self.server.ceiling.acquire().await.ok_or(BackendFault::Busy)?;
        let mut fault = BackendFault::Unreachable("no usable address".to_owned());
        for number in self.server.usable(self.last) {
            self.last = Some(number);
            match open(&self.server, number, Some(introduction)).await {
                Ok(opened) => {
                    let introduction = introduction.clone();
                    let (told, is_dirty, awaits_content) = (None, false, false);
                    self.line = Some(Line { opened, introduction, slot, told, is_dirty, awaits_content });
                    return Ok(());
                }
                Err(failed) => fault = failed,
            }
        }
        // A single address is tried again next time, not the one behind it.
        self.last = None;
        Err(fault)
    }

    /// Tells the backend what it does not know of `envelope`, and takes its answers.
    pub(super) async fn tell(
        &mut self,
        envelope: &Envelope,
        and_data: bool,
    ) -> Result<Answers, BackendFault> {
        let timeouts = self.server.config.timeouts;
        let says_xforward = self.server.config.xforward == Xforward::Auto;
        let line = self.line.as_mut().ok_or_else(|| BackendFault::Lost("no connection".to_owned()))?;
        let mut steps = Steps::new(timeouts);
        let is_known = line.told == Some(envelope.number);
        if !is_known {
            if line.is_dirty {
                steps.push("RSET", Step::Reset);
            }
            // By XCLIENT all is told but whose message the client carries.
            let tells = !line.opened.is_introduced || line.introduction.forwarded.is_some();
            if says_xforward && tells {
                for command in line.introduction.xforward(&line.opened.capabilities) {
                    steps.push(command, Step::Forward);
                }
            }
            steps.push(envelope.mail(&line.opened.capabilities)?, Step::Mail);
            for (place, told) in envelope.recipients.iter().enumerate().filter(|(_, told)| told.is_accepted) {
                let step = if told.index == 0 { Step::Added(place) } else { Step::Again };
                steps.push(told.line(&line.opened.capabilities), step);
            }
        }
        for told in envelope.recipients.iter().filter(|told| !told.is_accepted) {
            steps.push(told.line(&line.opened.capabilities), Step::Recipient);
        }
        if and_data {
            steps.push("DATA", Step::Data);
        }
        line.is_dirty = true;
        line.awaits_content = and_data; // if this is dropped now, nobody knows
        let outcome = steps.run(&mut line.opened, envelope.utf8).await?;
        line.awaits_content = outcome.awaits_content;
        line.told = Some(envelope.number);
        if let Some(refusal) = outcome.mail_refusal {
            line.told = None;
            self.mail_refusal = Some((envelope.number, refusal));
        }
        for (place, reply) in outcome.left_out {
            let path = envelope.recipients.get(place).map(|told| told.path().to_owned()).unwrap_or_default();
            self.left_out.push(LeftOut { path, reply });
        }
        let knows_one = is_known && envelope.recipients.iter().any(|told| told.is_accepted);
        if outcome.has_recipient || knows_one {
            return Ok(outcome.answers);
        }
        self.withdraw_empty_content(outcome.answers).await
    }

    /// Ends content that the backend waits for though it has accepted no recipient.
    ///
    /// A 5yz is due to the lone dot; what it says instead is a fault. Source: RFC 2920 §3.1.
    async fn withdraw_empty_content(&mut self, mut answers: Answers) -> Result<Answers, BackendFault> {
        let Some(data) = &mut answers.data else { return Ok(answers) };
        // Where nobody but those that a policy added was to get it, the refusal of the last is the message's.
        let refusal = self.left_out.last().map(|last| last.reply.clone());
        let Some(line) = self.line.as_mut().filter(|line| line.awaits_content) else {
            *data = refusal.unwrap_or_else(|| data.clone());
            return Ok(answers);
        };
        *data = refusal.unwrap_or(Reply::BACKEND_ACCEPTED_NOTHING);
        line.awaits_content = false;
        line.told = None;
        let deadline = Instant::now() + self.server.config.timeouts.command;
        let taken = line.opened.end_content(deadline).await;
        if !taken.as_ref().is_ok_and(|reply| reply.code.class() >= 4) {
            tracing::warn!(backend = %self.server.config.name, "the backend took content without recipients");
            self.line = None;
        }
        Ok(answers)
    }

    /// The recipients that policies added and the backend has refused for good, since this was last asked.
    pub fn take_left_out(&mut self) -> Vec<LeftOut> {
        std::mem::take(&mut self.left_out)
    }

    /// Forgets the envelope of the transaction: it has ended, or its recipients have changed.
    pub fn reset(&mut self) {
        self.mail_refusal = None;
        match &mut self.line {
            // Content that is due can only be withheld by closing: the dot is never sent.
            Some(line) if line.awaits_content => (self.line, self.last) = (None, None),
            Some(line) => line.told = None,
            None => {}
        }
    }

    /// Lets others have the connection while the client keeps it waiting; what tells that it was called back.
    ///
    /// Also where the backend waits for content: none of it was sent, and slow clients pipeline DATA as well. What the
    /// backend has then lacks its final dot and must not be delivered. Source: RFC 5321 §4.1.1.4.
    ///
    /// Not one that a client has logged in on, or is about to.
    pub fn lend(&mut self) -> Option<Arc<Notify>> {
        if self.is_held() {
            return None;
        }
        let line = self.line.as_mut()?;
        line.slot.lend();
        Some(line.slot.recall())
    }

    /// Whether others may have the connection now.
    pub fn is_lent(&self) -> bool {
        self.line.as_ref().is_some_and(|line| line.slot.is_lent())
    }

    /// Keeps the connection now that the client has spoken; closes it if it was called back meanwhile.
    pub fn reclaim(&mut self) {
        if self.line.as_mut().is_some_and(|line| !line.slot.reclaim()) {
            self.close();
        }
    }

    /// Whether there is a connection that knows of no transaction.
    pub fn is_idle(&self) -> bool {
        !self.is_held() && self.line.as_ref().is_some_and(|line| line.told.is_none())
    }

    /// Closes the connection, with QUIT unless the backend waits for content.
    pub fn close(&mut self) {
        self.last = None; // the address is as good as before
        if let Some(line) = self.line.take().filter(|line| !line.awaits_content) {
            line.opened.conversation.quit();
        }
    }
}
