//! One command: admitted, judged by policies and the relay guard, answered by us or the backend, committed.

use crate::backend::config::ConnectAt;
use crate::backend::envelope::Envelope;
use crate::backend::introduction::Introduction;
use crate::fault::BackendFault;
use crate::policy::event::{Event, Stage};
use crate::policy::verdict::{Decision, Verdict};
use crate::proxy::aside::is_aside;
use crate::proxy::config::CountOrRefuse;
use crate::proxy::context::Verification;
use crate::proxy::drain::Phase;
use crate::proxy::ending::End;
use crate::proxy::record::Record;
use crate::proxy::said::Said;
use crate::proxy::say::verb_of;
use crate::proxy::serve::{Flow, Serve};
use crate::proxy::wire::{Line, LineFault};
use crate::session::admit::Admitted;
use crate::session::effects::Effects;
use crate::session::ehlo::Offer;
use crate::session::envelope::{Destination, Transaction};
use crate::session::relay_guard::{self, Claim, Permitted};
use crate::smtp::command::{Command, Mail, ParseError, Rcpt, Verb};
use crate::smtp::line_decoder::LineError;
use crate::smtp::path::ForwardPath;
use crate::smtp::reply::Reply;

impl Serve {
    /// Takes one line of the client's.
    pub(super) async fn step(&mut self, line: Line) -> Flow {
        let is_batched = matches!(line.command, Ok(Command::Rcpt(_) | Command::Data));
        if !is_batched && !self.batch.is_empty() {
            self.settle(false).await?;
        }
        let is_between = self.session.borrow().transaction().is_none();
        if self.draining.phase() >= (if is_between { Phase::Draining } else { Phase::Ending }) {
            return self.close_with(Reply::SHUTTING_DOWN, End::drain()).await;
        }
        match line.command {
            Err(fault) => self.refuse_line(fault, line.verb).await,
            Ok(command) => {
                self.take(command, &line.text).await?;
                self.close_after_junk().await
            }
        }
    }

    /// Answers a line that is no command.
    async fn refuse_line(&mut self, fault: LineFault, verb: Verb) -> Flow {
        let reply = match fault {
            LineFault::Line(LineError::BareLf | LineError::BareCr)
            | LineFault::Parse(ParseError::BareNewline) => {
                // What follows can't be told from commands any more.
                return self.close_with(Reply::BARE_NEWLINE, End::protocol()).await;
            }
            LineFault::Parse(ParseError::BadChunk) => {
                return self.close_with(Reply::BAD_CHUNK, End::protocol()).await;
            }
            LineFault::Tls => return self.close_with(Reply::TLS_TOO_EARLY, End::protocol()).await,
            LineFault::Line(LineError::TooLong) => Reply::LINE_TOO_LONG,
            LineFault::Line(LineError::Nul) => Reply::NUL_IN_COMMAND,
            LineFault::Parse(error) => Reply::from(error),
        };
        self.say_error(Said::core(reply), verb).await
    }

    async fn take(&mut self, command: Command, text: &str) -> Flow {
        let verb = command.verb();
        self.last_verb = verb_of(&command).or(self.last_verb);
        if let Command::Bdat { size, last } = command {
            return self.take_chunk(size, last, text).await;
        }
        if self.must_end_a_batch(&command) {
            self.session.borrow_mut().note_pipelining_violation();
            if self.context.listener.bad_pipelining == CountOrRefuse::Refuse {
                return self.close_with(Reply::BAD_PIPELINING, End::protocol()).await;
            }
        }
        let admitted = self.session.borrow().admit(command);
        let is_turned_away =
            admitted.as_ref().is_err_and(|reply| [Reply::QUIT_ONLY, Reply::TLS_FIRST].contains(reply));
        if is_aside(verb) && !is_turned_away && self.context.asks_at(Stage::Command) {
            return self.take_aside(admitted, verb, text).await;
        }
        match admitted {
            Err(reply) => self.refuse_command(reply, verb, text).await,
            Ok(admitted) => self.take_admitted(admitted, text).await,
        }
    }

    async fn take_admitted(&mut self, admitted: Admitted, text: &str) -> Flow {
        match admitted.command() {
            Command::Ehlo(_) | Command::Helo(_) => self.take_ehlo(admitted).await,
            Command::Mail(_) => self.take_mail(admitted, text).await,
            Command::Rcpt(_) => self.take_rcpt(admitted, text).await,
            Command::Data => self.take_data(admitted, text).await,
            Command::Xclient(_) => self.take_xclient(admitted).await,
            Command::Auth(_) => Box::pin(self.take_auth(admitted, text)).await,
            Command::StartTls => self.take_starttls(admitted).await,
            command => {
                let (is_quit, is_reset) =
                    (matches!(command, Command::Quit), matches!(command, Command::Rset));
                let reply = self.session.borrow().answer(&admitted);
                if is_reset || is_quit {
                    self.end_transaction(admitted, &reply);
                } else {
                    let offer = Offer::plain(&self.context.rules);
                    self.session.borrow_mut().commit(admitted, offer, Effects::default(), &reply);
                }
                self.say(Said::core(reply)).await?;
                if is_quit { Err(End::quit()) } else { Ok(()) }
            }
        }
    }

    /// Whether data behind `command`, which is at hand already, was sent too early. Source: RFC 2920 §3.1.
    fn must_end_a_batch(&mut self, command: &Command) -> bool {
        let ends = matches!(
            command,
            Command::Ehlo(_)
                | Command::Helo(_)
                | Command::Data
                | Command::Auth(_)
                | Command::Vrfy(_)
                | Command::Expn(_)
                | Command::Quit
                | Command::Noop
                | Command::StartTls
        );
        ends && !self.wire.input().is_empty()
    }

    async fn take_ehlo(&mut self, admitted: Admitted) -> Flow {
        let (verb, name) = match admitted.command() {
            Command::Helo(name) => (Verb::Helo, name.clone()),
            Command::Ehlo(name) => (Verb::Ehlo, name.clone()),
            _ => return Ok(()),
        };
        let mut decision = self.decide(Event::Ehlo { verb, name: &name }).await;
        let effects = decision.take_effects();
        let mechanisms = self.offered_mechanisms();
        let (rules, server) = (&self.context.rules, &self.context.server);
        let capabilities = server.capabilities();
        let offer = match verb {
            Verb::Helo => Offer::plain(rules),
            _ => self
                .session
                .borrow()
                .offer(capabilities.as_deref(), server.passes_8bit())
                .with_auth(mechanisms),
        };
        let delay = effects.delay;
        let said = match decision.verdict {
            Verdict::Refuse(reply) => {
                self.note_refusal("ehlo", &reply, decision.policy.as_ref());
                Said::policy(reply, decision.policy)
            }
            Verdict::Accept | Verdict::Discard { .. } => Said::core(offer.reply(rules)),
        };
        let ended = self.session.borrow_mut().commit(admitted, offer, effects, &said.reply);
        if said.reply.is_positive() {
            self.after_end(ended);
        }
        self.say(said.after(delay)).await
    }

    async fn take_mail(&mut self, admitted: Admitted, text: &str) -> Flow {
        let Command::Mail(mail) = admitted.command() else { return Ok(()) };
        let mut decision = self.decide(Event::Mail(mail)).await;
        let mut effects = decision.take_effects();
        self.batch.has_mail = true;
        let (delay, is_utf8) = (effects.delay, mail.params.smtputf8);
        let mut said = match decision.verdict {
            Verdict::Refuse(reply) => Said::policy(reply, decision.policy.clone()),
            Verdict::Accept | Verdict::Discard { .. } => Said::core(Reply::REVERSE_PATH_OK),
        };
        if said.reply.is_positive()
            && let Some(refusal) = self.judge_reverse_path(mail, &mut effects).await
        {
            said = Said::core(refusal);
        }
        let path = effects.reverse_path.as_ref();
        if said.reply.is_positive() && !is_utf8 && path.is_some_and(|path| !path.is_ascii()) {
            said = Said::core(Reply::NEEDS_SMTPUTF8);
        }
        if said.reply.is_positive() && self.context.server.config.connect == ConnectAt::Mail {
            said = self.ask_for_mail(mail, &effects).await.unwrap_or(said);
        }
        let (reply, author) = (said.reply.clone(), said.author());
        if reply.is_positive() && self.session.borrow().transaction().is_some() {
            self.abort_transaction(); // one whose chunks were refused
        }
        let failed = self.record.replace(Box::new(Record::new(mail)));
        let offer = Offer::plain(&self.context.rules);
        let ended = self.session.borrow_mut().commit(admitted, offer, effects, &reply);
        self.note_decision("mail", author, &reply);
        let flow = self.say(said.answering(Verb::Mail, text).in_utf8(is_utf8).after(delay)).await;
        if let Some(refused) = ended {
            self.conclude(&refused, None);
            self.record = failed;
        }
        flow
    }

    /// The backend's refusal of MAIL, for `connect = "mail"`.
    async fn ask_for_mail(&mut self, mail: &Mail, effects: &Effects) -> Option<Said> {
        let number = self.session.borrow().counters().transactions + 1;
        let mut transaction = Transaction::new(number, mail.clone());
        transaction.rewritten.clone_from(&effects.reverse_path);
        let envelope = Envelope::new(&transaction).vouched_for(self.session.borrow().login().is_some());
        let introduction = self.introduction().await;
        match self.link.ask(&introduction, &envelope, false).await {
            Ok(answers) => answers.mail.map(Said::backend),
            Err(fault) => {
                self.note_backend_fault(&fault);
                Some(Said::core(fault.reply()))
            }
        }
    }

    async fn take_rcpt(&mut self, admitted: Admitted, text: &str) -> Flow {
        let Command::Rcpt(rcpt) = admitted.command() else { return Ok(()) };
        let index = self.session.borrow().transaction().map_or(1, Transaction::next_index);
        let mut decision = self.decide(Event::Rcpt { rcpt, index }).await;
        let mut effects = decision.take_effects();
        let forward_path = rcpt.forward_path.as_str().to_owned();
        let delay = effects.delay;
        let judged = self.judge(rcpt, &decision, &mut effects);
        match judged {
            Err(said) => {
                let offer = Offer::plain(&self.context.rules);
                self.note_decision("rcpt", said.author(), &said.reply);
                self.session.borrow_mut().commit(admitted, offer, effects, &said.reply);
                self.batch.answer(forward_path, text.to_owned(), said.after(delay), Vec::new());
            }
            Ok(destination) => {
                let is_discarded = matches!(destination, Destination::Discarded { .. });
                let assumed = self.session.borrow_mut().assume(admitted, effects, destination);
                let Some(assumed) = assumed else { return Ok(()) };
                if is_discarded {
                    let changes = self.session.borrow_mut().settle(assumed, &Reply::FORWARD_PATH_OK);
                    let said = Said::policy(Reply::FORWARD_PATH_OK, decision.policy).after(delay);
                    self.batch.answer(forward_path, text.to_owned(), said, changes);
                } else {
                    self.batch.await_backend(forward_path, text.to_owned(), assumed, delay);
                }
            }
        }
        Ok(())
    }

    /// What policies and the relay guard make of a recipient.
    fn judge(&self, rcpt: &Rcpt, decision: &Decision, effects: &mut Effects) -> Result<Destination, Said> {
        if let Verdict::Refuse(reply) = &decision.verdict {
            return Err(Said::policy(reply.clone(), decision.policy.clone()));
        }
        // A recipient that is not ours is refused as always: no verdict is a way round the guard.
        let permitted = self.permit(rcpt.forward_path.clone(), effects)?;
        if let Verdict::Discard { why } = &decision.verdict {
            let policy = decision.policy.clone().unwrap_or_else(|| "".into());
            return Ok(Destination::Discarded { policy, why: why.clone(), stage: "rcpt" });
        }
        match effects.forward_path.take() {
            Some(rewritten) => self.permit(rewritten, effects).map(Destination::Backend),
            None => Ok(Destination::Backend(permitted)),
        }
    }

    fn permit(&self, path: ForwardPath, effects: &Effects) -> Result<Permitted, Said> {
        let for_this_one = effects.grant.as_ref().map(|grant| grant.why.as_str());
        self.permit_with(path, for_this_one).map_err(Said::core)
    }

    /// Asks the relay guard about `path`, for a client that may hold a grant for this recipient alone.
    pub(super) fn permit_with(&self, path: ForwardPath, granted: Option<&str>) -> Result<Permitted, Reply> {
        // The client's own is refused before; no policy's is told to a backend that may not know what it is.
        if !path.is_ascii() && !self.speaks_utf8() {
            return Err(Reply::NEEDS_SMTPUTF8);
        }
        let session = self.session.borrow();
        let granted = granted.or(session.granted());
        let claim = Claim { client: session.relay_client(), granted };
        relay_guard::judge(&self.context.rules.relay, claim, path).inspect_err(|reply| {
            if *reply == Reply::RELAY_DENIED {
                self.context.counters.relay_denied.increase();
            }
        })
    }

    /// Answers a command that is out of order.
    async fn refuse_command(&mut self, reply: Reply, verb: Verb, text: &str) -> Flow {
        let said = Said::core(reply).answering(verb, text);
        if matches!(verb, Verb::Rcpt | Verb::Data) && !self.batch.is_empty() {
            self.settle(false).await?;
        }
        self.say_error(said, verb).await
    }

    /// Says the answer to a command that nobody was asked about, or that there were too many bad ones.
    pub(super) async fn say_error(&mut self, said: Said, verb: Verb) -> Flow {
        self.context.counters.command_errors.increase();
        let excess = self.session.borrow_mut().commit_error(verb, &said.reply);
        self.say(excess.map_or(said, Said::core)).await?;
        self.close_after_rejections().await
    }

    /// What the backend is told of the client now.
    pub(super) async fn introduction(&mut self) -> Introduction {
        let name = self.name.name().await.clone();
        let session = self.session.borrow();
        let identity = session.identity();
        let greeting = session.greeting();
        let by_recipient =
            |transaction: &Transaction| transaction.recipients.iter().any(|one| one.granted.is_some());
        let is_granted = session.may_relay().is_some() || session.transaction().is_some_and(by_recipient);
        let granted = self.context.server.config.relay_login.clone().filter(|_| is_granted);
        // On a connection that the client has logged in on itself, the backend knows.
        let by_backend = matches!(self.context.verifier, Some(Verification::Backend));
        let told = session.login().filter(|_| !by_backend);
        let login = told.map(|login| login.user.to_string()).or(granted);
        Introduction {
            name,
            client: identity.client,
            server: identity.server,
            protocol: if greeting.is_some_and(|greeting| greeting.verb == Verb::Helo) {
                "SMTP"
            } else {
                "ESMTP"
            },
            helo: greeting.map(|greeting| greeting.name.as_str().to_owned()),
            login,
            ident: identity.id.to_string(),
            forwarded: session.forwarded().cloned().map(Box::new),
        }
    }

    /// The envelope of the open transaction.
    pub(super) fn envelope(&self) -> Option<Envelope> {
        let session = self.session.borrow();
        session.transaction().map(|open| Envelope::new(open).vouched_for(session.login().is_some()))
    }

    /// Logs and counts a fault of the backend.
    pub(super) fn note_backend_fault(&self, fault: &BackendFault) {
        self.context.counters.backend_faults.increase();
        let session = self.session.borrow();
        tracing::warn!(
            session = %session.identity().id,
            backend = %self.context.server.config.name,
            error = %fault,
            "backend fault"
        );
    }

    /// Commits RSET or QUIT and concludes the transaction that it ends.
    fn end_transaction(&mut self, admitted: Admitted, reply: &Reply) {
        let offer = Offer::plain(&self.context.rules);
        let ended = self.session.borrow_mut().commit(admitted, offer, Effects::default(), reply);
        self.after_end(ended);
    }

    /// Ends the open transaction, if there is one, without a message.
    pub(super) fn abort_transaction(&mut self) {
        let ended = self.session.borrow_mut().abort();
        self.after_end(ended);
    }

    pub(super) fn after_end(&mut self, ended: Option<Box<Transaction>>) {
        self.link.reset();
        self.chunks = None;
        if let Some(transaction) = ended {
            self.conclude(&transaction, None);
        }
    }
}
