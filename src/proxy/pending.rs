//! RCPTs of a batch: judged in order, asked of the backend together, answered in order.

use crate::policy::event::Origin;
use crate::proxy::ending::End;
use crate::proxy::said::Said;
use crate::proxy::serve::{Flow, Serve};
use crate::session::commit::Assumed;
use crate::session::effects::RecipientChange;
use crate::smtp::command::Verb;
use crate::smtp::reply::Reply;

/// The RCPTs whose replies wait for the backend, and those behind them.
#[derive(Debug, Default)]
pub(super) struct Batch {
    entries: Vec<Entry>,
    /// Whether the batch that is being read holds the transaction's MAIL.
    pub(super) has_mail: bool,
}

#[derive(Debug)]
struct Entry {
    forward_path: String,
    line: String,
    answer: Answer,
}

#[derive(Debug)]
enum Answer {
    /// The backend's to give.
    Awaited(Box<Assumed>, std::time::Duration),
    /// Given already; it waits for its turn, as do the changes of the recipients that were asked for with it.
    Known(Said, Vec<RecipientChange>),
}

impl Batch {
    /// Whether no reply waits.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Notes that all that the client has sent is judged.
    pub(super) fn end(&mut self) {
        self.has_mail = false;
    }

    /// Adds a RCPT that the backend is to answer.
    pub(super) fn await_backend(
        &mut self,
        forward_path: String,
        line: String,
        assumed: Assumed,
        delay: std::time::Duration,
    ) {
        self.entries.push(Entry { forward_path, line, answer: Answer::Awaited(Box::new(assumed), delay) });
    }

    /// Adds a RCPT whose reply is known, and the changes of the recipients that follow from it.
    pub(super) fn answer(
        &mut self,
        forward_path: String,
        line: String,
        said: Said,
        changes: Vec<RecipientChange>,
    ) {
        self.entries.push(Entry { forward_path, line, answer: Answer::Known(said, changes) });
    }
}

impl Serve {
    /// Asks the backend for what waits, with DATA if `and_data`, and says all replies of the batch in order.
    ///
    /// Gives the backend's reply to DATA, where it was asked.
    pub(super) async fn settle(&mut self, and_data: bool) -> Result<Option<Reply>, End> {
        let entries = std::mem::take(&mut self.batch.entries);
        let asks = entries.iter().any(|entry| matches!(entry.answer, Answer::Awaited(..)));
        let (mut replies, data, is_answered) =
            if asks { self.ask_backend(and_data).await } else { Default::default() };
        for entry in entries {
            let said = match entry.answer {
                Answer::Known(said, changes) => {
                    self.change_recipients(&changes, "rcpt");
                    said
                }
                Answer::Awaited(assumed, delay) => {
                    let reply = replies.next().unwrap_or(Reply::BACKEND_CONFUSED);
                    let changes = self.session.borrow_mut().settle(*assumed, &reply);
                    self.change_recipients(&changes, "rcpt");
                    let is_refusal = !reply.is_positive();
                    let said = if is_answered { Said::backend(reply) } else { Said::core(reply) };
                    if is_refusal && said.origin == Origin::Backend {
                        self.session.borrow_mut().count_backend_refusal();
                    }
                    said.after(delay)
                }
            };
            self.note_recipient(&entry.forward_path, &said);
            self.say(said.answering(Verb::Rcpt, &entry.line)).await?;
        }
        self.close_after_rejections().await?;
        Ok(data)
    }

    /// The replies to the RCPTs that wait and to DATA, and whether they are the backend's.
    async fn ask_backend(&mut self, and_data: bool) -> (std::vec::IntoIter<Reply>, Option<Reply>, bool) {
        let introduction = self.introduction().await;
        let Some(envelope) = self.envelope() else { return Default::default() };
        let asked = self.link.ask(&introduction, &envelope, and_data).await;
        self.note_left_out();
        match asked {
            Ok(answers) => (answers.recipients.into_iter(), answers.data, true),
            Err(fault) => {
                self.note_backend_fault(&fault);
                let asked = envelope.recipients.iter().filter(|told| !told.is_accepted).count();
                (vec![fault.reply(); asked].into_iter(), None, false)
            }
        }
    }

    /// Ends the session of a client that has named too many recipients in vain.
    pub(super) async fn close_after_rejections(&mut self) -> Flow {
        let excess = self.session.borrow().excess_of_rejections();
        match excess {
            Some(reply) => self.say(Said::core(reply)).await,
            None => Ok(()),
        }
    }

    /// Ends the session of a client that does much and sends nothing.
    pub(super) async fn close_after_junk(&mut self) -> Flow {
        let excess = self.session.borrow().excess_of_junk();
        match excess {
            Some(reply) => self.say(Said::core(reply)).await,
            None => Ok(()),
        }
    }
}
