//! How a decided reply gets to the client: told to policies, marked with the session's id, put behind the others.

use tokio::select;
use tokio::time::{Instant, sleep_until};

use crate::policy::event::{Event, Origin, ReplyEvent, Stage};
use crate::policy::verdict::Verdict;
use crate::proxy::drain::Phase;
use crate::proxy::ending::End;
use crate::proxy::said::Said;
use crate::proxy::serve::{Flow, Serve};
use crate::session::effects::{Effects, PolicyName};
use crate::smtp::command::{Command, Verb};
use crate::smtp::reply::Reply;

impl Serve {
    /// Says `said`: the reply waits with the others until the batch is written.
    ///
    /// A refusal of ours ends in the session's id. A 421 ends the session once it is written.
    pub(super) async fn say(&mut self, mut said: Said) -> Flow {
        if said.is_reported && self.context.asks_at(Stage::Reply) {
            self.report_reply(&mut said).await;
        }
        if !said.delay.is_zero() {
            self.flush().await?;
            self.hold_back(said.delay).await;
        }
        let is_refusal = said.reply.is_transient() || said.reply.is_permanent();
        let utf8 = said.is_utf8 || self.speaks_utf8();
        if is_refusal && said.origin != Origin::Backend && self.context.listener.reply_id {
            let id = self.session.borrow().identity().id;
            said.reply.with_text_suffix(&format!(" [{id}]"));
        }
        self.wire.push(&said.reply, utf8);
        if said.reply.is_closing() {
            if let (Origin::Policy(_), Some(record)) = (&said.origin, &mut self.record) {
                record.end_with(&said.reply, None);
            }
            self.flush().await?;
            return Err(End::of_refusal(&said.origin));
        }
        // A client that sends much and reads nothing must not fill our memory.
        if self.wire.waiting() > MOST_WAITING { self.flush().await } else { Ok(()) }
    }

    /// Writes the replies that wait. A client that does not read them has the time of a command for it.
    pub(super) async fn flush(&mut self) -> Flow {
        if self.wire.waiting() == 0 {
            return Ok(());
        }
        let deadline = self.within_session(Instant::now() + self.context.rules.limits.command_timeout);
        select! {
            biased;
            written = self.wire.flush() => Ok(written?),
            () = self.draining.reach(Phase::Ending) => Err(End::drain()),
            () = sleep_until(deadline) => Err(End::timeout()),
        }
    }

    /// Asks the `reply` policies: they may end the session or hold the reply back.
    async fn report_reply(&mut self, said: &mut Said) {
        let (verb, argument) = said.line.split_once(' ').unwrap_or((&said.line, ""));
        let event = ReplyEvent {
            verb: verb.to_ascii_uppercase(),
            argument: argument.to_owned(),
            reply: said.reply.clone(),
            from: said.origin.clone(),
        };
        let mut decision = self.decide(Event::Reply(&event)).await;
        said.delay = said.delay.max(decision.delay());
        if let Some(effects) = decision.effects.take() {
            let Effects { scores, notes, .. } = *effects;
            self.session.borrow_mut().commit_asides(Effects { scores, notes, ..Effects::default() });
        }
        // A message that was taken is told so, whatever policies think of it: else it would come again.
        let is_acknowledged = said.line == "." && said.reply.is_positive();
        if let (Verdict::Refuse(reply), false) = (decision.verdict, is_acknowledged) {
            if self.record.is_none() {
                self.note_refusal("reply", &reply, decision.policy.as_ref());
            }
            said.reply = reply;
            said.origin = decision.policy.map_or(Origin::Core, Origin::Policy);
        }
    }

    /// Says the banner, or what stands in its place.
    pub(super) async fn say_greeting(&mut self, reply: &Reply, policy: Option<PolicyName>) -> Flow {
        self.say(Said::policy(reply.clone(), policy)).await?;
        self.flush().await
    }

    /// Says `reply`, writes all that waits, and ends the session with `end`.
    pub(super) async fn close_with(&mut self, reply: Reply, end: End) -> Flow {
        if let Err(End { reason: "lost", .. }) = self.say(Said::core(reply)).await {
            return Err(End::lost());
        }
        self.flush().await?;
        Err(end)
    }

    /// Whether a transaction with SMTPUTF8 is open.
    pub(super) fn speaks_utf8(&self) -> bool {
        self.session.borrow().transaction().is_some_and(|transaction| transaction.mail.params.smtputf8)
    }
}

/// Octets of replies that may wait for the end of their batch.
const MOST_WAITING: usize = 64 * 1024;

/// The verb of a command, for the log; unknown ones have none that is worth telling.
pub(super) fn verb_of(command: &Command) -> Option<Verb> {
    Some(command.verb()).filter(|verb| *verb != Verb::Unknown)
}
