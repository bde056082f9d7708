//! One session from banner to close: waits for the client, takes its commands one by one, writes replies in batches.

use std::cell::{Cell, RefCell};
use std::future::pending;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::select;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::backend::config::ConnectAt;
use crate::backend::link::Link;
use crate::fault::ClientFault;
use crate::net::names::ClientName;
use crate::net::stream::Stream;
use crate::policy::door::{SessionPolicies, SharedSession};
use crate::policy::event::{Event, Stage};
use crate::policy::verdict::{Decision, Verdict};
use crate::proxy::admission::Place;
use crate::proxy::config::CountOrRefuse;
use crate::proxy::context::Context;
use crate::proxy::drain::{Draining, Phase};
use crate::proxy::ending::{End, Refused};
use crate::proxy::identify::NameSearch;
use crate::proxy::pending::Batch;
use crate::proxy::receive::Receiving;
use crate::proxy::record::Record;
use crate::proxy::wire::Wire;
use crate::session::effects::{Effects, PolicyName};
use crate::session::identity::Identity;
use crate::session::login::Demand;
use crate::session::state::Session;
use crate::session::tls::TlsUse;
use crate::smtp::command::{Syntax, Verb};
use crate::smtp::reply::Reply;

/// One session on its worker.
pub struct Serve {
    pub(super) context: Rc<Context>,
    pub(super) session: SharedSession,
    pub(super) policies: Option<Rc<dyn SessionPolicies>>,
    pub(super) wire: Wire,
    pub(super) link: Link,
    pub(super) name: NameSearch,
    /// RCPTs whose replies are not known yet.
    pub(super) batch: Batch,
    /// Content that comes in chunks.
    pub(super) chunks: Option<Box<Receiving>>,
    /// What is to be said of the transaction when it ends.
    pub(super) record: Option<Box<Record>>,
    /// The last refusal outside of transactions.
    pub(super) refused: Option<Box<Refused>>,
    /// Reports that policies are still busy with.
    pub(super) reports: Vec<tokio::task::JoinHandle<()>>,
    pub(super) draining: Draining,
    /// Until when the client has to have its answer, from its end of data to that answer; nothing cuts that short.
    pub(super) answer_due: Rc<Cell<Option<Instant>>>,
    /// Told when the client has left in the midst of a hook.
    left: Rc<Notify>,
    /// Among all sessions.
    pub(super) place: Place,
    pub(super) started: Instant,
    pub(super) last_verb: Option<Verb>,
}

/// Whether the session goes on.
pub(super) type Flow = Result<(), End>;

/// How long a client may take for a command when most places are taken.
const IN_A_CROWD: Duration = Duration::from_secs(30);
/// How long a connection to the backend is kept without a transaction.
const IDLE_BACKEND: Duration = Duration::from_secs(5);

impl Serve {
    /// A session with `identity` over `stream`.
    pub fn new(context: Rc<Context>, stream: Stream, identity: Identity, place: Place) -> Self {
        let address = identity.client.ip();
        let name = if context.listener.client_name && !identity.is_probe {
            NameSearch::start(&*context.names, address)
        } else {
            NameSearch::Done(ClientName::None)
        };
        let session: SharedSession =
            Rc::new(RefCell::new(Session::new(Arc::clone(&context.rules), identity)));
        // A balancer that asks whether we are well is not theirs to judge.
        let policies = context.policies.as_ref().filter(|_| !session.borrow().identity().is_probe);
        let policies = policies.map(|policies| policies.open(Rc::clone(&session)));
        let link = Link::new(&context.server, &context.pool);
        let takes_logins = context.rules.logins.demand != Demand::Off;
        Serve {
            session,
            policies,
            wire: Wire::new(stream, takes_logins),
            link,
            name,
            batch: Batch::default(),
            chunks: None,
            record: None,
            refused: None,
            reports: Vec::new(),
            draining: context.draining.clone(),
            answer_due: Rc::default(),
            left: Rc::default(),
            place,
            started: Instant::now(),
            last_verb: None,
            context,
        }
    }

    /// Serves the session to its end.
    pub async fn run(mut self: Box<Self>) {
        if !self.session.borrow().identity().is_probe {
            self.context.counters.sessions.increase();
        }
        let cut_off = cut_off(self.draining.clone(), Rc::clone(&self.answer_due));
        let left = Rc::clone(&self.left);
        let ended = select! {
            biased;
            () = cut_off => None,
            () = left.notified() => Some(End::from(ClientFault::Lost)),
            end = self.talk() => Some(end),
        };
        let end = match ended {
            Some(end) => end,
            // Whatever it was waiting for.
            None => Box::pin(self.close_with(Reply::SHUTTING_DOWN, End::drain()))
                .await
                .err()
                .unwrap_or(End::drain()),
        };
        Box::pin(self.finish(end)).await;
    }

    /// Serves the session as long as the client and we want; why it ends.
    async fn talk(&mut self) -> End {
        match Box::pin(self.greet()).await {
            Ok(()) => self.converse().await,
            Err(end) => end,
        }
    }

    /// Asks the `connect` policies and writes the banner.
    async fn greet(&mut self) -> Flow {
        let mut decision = self.decide(Event::Connect).await;
        if self.context.rules.tls == TlsUse::Implicit || self.session.borrow().is_encrypted() {
            // What is said to the connection can be said only now.
            decision = Box::pin(self.secure_first(decision)).await?;
        }
        let is_probe = self.session.borrow().identity().is_probe;
        if let Some(delay) = self.context.listener.greet_delay.filter(|_| !is_probe) {
            select! {
                biased;
                () = self.draining.reach(Phase::Draining) => return self.close_with(Reply::SHUTTING_DOWN, End::drain()).await,
                result = self.wire.fill() => {
                    result?;
                    self.session.borrow_mut().note_early_talk();
                }
                () = tokio::time::sleep(delay) => {}
            }
        } else if self.wire.has_unread() {
            self.session.borrow_mut().note_early_talk();
        }
        let refuses_talk = self.context.listener.early_talk == CountOrRefuse::Refuse
            && self.session.borrow().counters().talked_early;
        let effects = decision.take_effects();
        let reply = match decision.verdict {
            _ if refuses_talk => Reply::EARLY_TALK,
            Verdict::Refuse(reply) => reply,
            Verdict::Accept | Verdict::Discard { .. } => self.banner(),
        };
        let policy = decision.policy.filter(|_| !refuses_talk);
        self.open_with(effects, policy, reply).await
    }

    /// Greets the client whom a machine in front of us has named: nobody talks too early there.
    pub(super) async fn greet_client(&mut self) -> Flow {
        let mut decision = self.decide(Event::Connect).await;
        let effects = decision.take_effects();
        let reply = match decision.verdict {
            Verdict::Refuse(reply) => reply,
            Verdict::Accept | Verdict::Discard { .. } => self.banner(),
        };
        self.open_with(effects, decision.policy, reply).await
    }

    /// Commits what the `connect` policies said and writes `reply`, the banner or what stands in its place.
    async fn open_with(&mut self, effects: Effects, policy: Option<PolicyName>, reply: Reply) -> Flow {
        self.hold_back(effects.delay).await;
        self.session.borrow_mut().commit_banner(effects, &reply);
        let is_of_tls = self.session.borrow().tls_refusal() == Some(&reply);
        self.note_refusal(if is_of_tls { "tls" } else { "connect" }, &reply, policy.as_ref());
        self.say_greeting(&reply, policy).await?;
        if self.context.server.config.connect == ConnectAt::Session && reply.is_positive() {
            // A backend that is down is told of at the command that needs it.
            let introduction = self.introduction().await;
            if let Err(fault) = self.link.connect(&introduction).await {
                tracing::debug!(error = %fault, "no connection to the backend yet");
            }
        }
        Ok(())
    }

    fn banner(&self) -> Reply {
        let listener = &self.context.listener;
        let text =
            listener.banner.clone().unwrap_or_else(|| format!("{} ESMTP", self.context.rules.hostname));
        Reply::plain(220, text)
    }

    /// Takes commands until the session ends; why it did.
    async fn converse(&mut self) -> End {
        let mut since = Instant::now();
        loop {
            match self.take_lines().await {
                Err(end) => return end,
                // A command has one deadline in all: octets that end no line don't extend it.
                Ok(false) => {}
                Ok(true) => since = Instant::now(),
            }
            if let Err(end) = self.await_client(since).await {
                return end;
            }
        }
    }

    /// Takes all commands at hand, then writes all replies; whether there were any.
    async fn take_lines(&mut self) -> Result<bool, End> {
        let syntax = Syntax { strict: self.context.rules.strict };
        let with_text = self.context.asks_at(Stage::Reply) || self.context.asks_at(Stage::Command);
        let mut any = false;
        while let Some(line) = self.wire.next_line(syntax, with_text) {
            if !any {
                self.link.reclaim();
            }
            any = true;
            self.bound_reports().await;
            Box::pin(self.step(line)).await?;
        }
        if !self.batch.is_empty() {
            Box::pin(self.settle(false)).await?;
        }
        self.batch.end();
        self.flush().await?;
        Ok(any)
    }

    /// Waits for the client's next octets, and meanwhile for whatever else ends the wait, which began at `since`.
    pub(super) async fn await_client(&mut self, since: Instant) -> Flow {
        let deadline = self.within_session(since + self.patience());
        if Instant::now() >= deadline {
            // Also for a client whose octets are always there first.
            return Box::pin(self.close_with(Reply::TIMEOUT, End::timeout())).await;
        }
        let recall = self.link.lend();
        let mut idle = self.link.is_idle().then(|| since + IDLE_BACKEND);
        let mut lent = recall.is_some();
        loop {
            let is_between = self.session.borrow().transaction().is_none();
            let last_phase = if is_between { Phase::Draining } else { Phase::Ending };
            select! {
                biased;
                result = self.wire.fill() => return Ok(result?),
                () = self.draining.reach(last_phase) => return Box::pin(self.close_with(Reply::SHUTTING_DOWN, End::drain())).await,
                () = called_back(recall.as_deref()), if lent => {
                    lent = false;
                    self.link.close();
                }
                () = sleep_until(idle.unwrap_or(deadline)), if idle.is_some_and(|idle| idle < deadline) => {
                    idle = None;
                    lent = false;
                    self.link.close();
                }
                () = sleep_until(deadline) => return Box::pin(self.close_with(Reply::TIMEOUT, End::timeout())).await,
            }
        }
    }

    /// How long the client may take for its next command; not long in a crowd.
    pub(super) fn patience(&self) -> Duration {
        let limit = self.context.rules.limits.command_timeout;
        if self.place.is_crowded() { limit.min(IN_A_CROWD) } else { limit }
    }

    /// When the session has to end.
    fn session_deadline(&self) -> Option<Instant> {
        self.context.rules.limits.session_timeout.map(|limit| self.started + limit)
    }

    /// `deadline`, or when the session has to end if that is earlier.
    pub(super) fn within_session(&self, deadline: Instant) -> Instant {
        self.session_deadline().map_or(deadline, |end| end.min(deadline))
    }

    /// Whether the session's time is up.
    pub(super) fn is_overdue(&self) -> bool {
        self.session_deadline().is_some_and(|end| Instant::now() >= end)
    }

    /// Asks the policies, if any of them has something to say at this stage.
    ///
    /// A client that leaves meanwhile ends the session, and the hooks with it; but not while they judge a message.
    pub(super) async fn decide(&self, event: Event<'_>) -> Decision {
        let stage = event.stage();
        let Some(policies) = self.policies.as_ref().filter(|_| self.context.asks_at(stage)) else {
            return Decision::accept();
        };
        select! {
            biased;
            decision = policies.decide(event) => decision,
            () = self.wire.left(), if !matches!(stage, Stage::Header | Stage::Message) => {
                self.left.notify_one();
                pending().await
            }
        }
    }

    /// Waits as long as policies asked for, or until service ends or the time of the session or of the answer is up.
    ///
    /// Meanwhile others may have the connection to the backend, as while a client keeps it waiting.
    pub(super) async fn hold_back(&mut self, delay: Duration) {
        if delay.is_zero() {
            return;
        }
        let until = self.within_session(Instant::now() + delay);
        let until = self.answer_due.get().map_or(until, |due| due.min(until));
        let was_lent = self.link.is_lent();
        let mut recall = self.link.lend();
        loop {
            select! {
                biased;
                () = self.draining.reach(Phase::Ending) => break,
                () = called_back(recall.as_deref()), if recall.is_some() => {
                    recall = None;
                    self.link.close();
                }
                () = sleep_until(until) => break,
            }
        }
        if !was_lent {
            self.link.reclaim();
        }
    }
}

/// Waits until a session is to be interrupted: service ends, and the client has no answer due to its end of data.
///
/// One that has gets it, and is told then.
async fn cut_off(mut draining: Draining, answer_due: Rc<Cell<Option<Instant>>>) {
    draining.reach(Phase::Ending).await;
    if answer_due.get().is_some() {
        pending::<()>().await;
    }
}

/// Waits until the connection to the backend is called back.
pub(super) async fn called_back(recall: Option<&Notify>) {
    match recall {
        Some(recall) => recall.notified().await,
        None => pending().await,
    }
}

impl From<ClientFault> for End {
    fn from(fault: ClientFault) -> End {
        match fault {
            ClientFault::Lost => End::lost(),
            ClientFault::Timeout => End::timeout(),
        }
    }
}
