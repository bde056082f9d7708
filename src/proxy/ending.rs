//! The end of a session: why, its line in the log, the client's connection, and the hooks that hear of it.

use std::rc::Rc;

use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::net::closing;
use crate::observe::record::SessionRecord;
use crate::policy::event::{Ending, Origin, Report, Stage};
use crate::proxy::admission::Place;
use crate::proxy::disposition::{known, millis};
use crate::proxy::serve::Serve;
use crate::proxy::wire::Wire;
use crate::session::effects::PolicyName;
use crate::session::tls::Tls;
use crate::smtp::reply::Reply;

/// Why a session ends, and by whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    pub(super) reason: &'static str,
    pub(super) by: &'static str,
}

impl End {
    /// The client said QUIT.
    pub(super) const fn quit() -> End {
        End { reason: "quit", by: "client" }
    }

    /// The client's connection is gone.
    pub(super) const fn lost() -> End {
        End { reason: "lost", by: "client" }
    }

    /// The client took too long.
    pub(super) const fn timeout() -> End {
        End { reason: "timeout", by: "server" }
    }

    /// Service ends.
    pub(super) const fn drain() -> End {
        End { reason: "drain", by: "server" }
    }

    /// What the client sends can't be followed any more.
    pub(super) const fn protocol() -> End {
        End { reason: "protocol", by: "server" }
    }

    /// The client comes too often.
    pub(super) const fn limit() -> End {
        End { reason: "limit", by: "server" }
    }

    /// There was no TLS handshake.
    pub(super) const fn tls() -> End {
        End { reason: "tls", by: "client" }
    }

    /// A 421 was said.
    pub(super) fn of_refusal(origin: &Origin) -> End {
        match origin {
            Origin::Policy(_) => End { reason: "policy", by: "server" },
            Origin::Core | Origin::Backend => End::limit(),
        }
    }
}

/// A refusal outside of transactions.
#[derive(Clone, Debug)]
pub(super) struct Refused {
    stage: &'static str,
    reply: Reply,
    policy: Option<PolicyName>,
}

impl Serve {
    /// Notes that the client was refused at `stage`, outside of a transaction, if `reply` is a refusal: the last one is
    /// in the session's line.
    pub(super) fn note_refusal(&mut self, stage: &'static str, reply: &Reply, policy: Option<&PolicyName>) {
        if reply.is_transient() || reply.is_permanent() {
            let (reply, policy) = (reply.clone(), policy.cloned());
            self.refused = Some(Box::new(Refused { stage, reply, policy }));
        }
    }

    /// Ends the session: the transaction, the backend's connection, the log line, the client's connection. The hooks that
    /// hear of it go on behind that; this returns when they have ended.
    pub(super) async fn finish(mut self: Box<Self>, end: End) {
        let last_words = timeout(closing::PATIENCE, self.wire.flush()).await;
        let is_lost = matches!(last_words, Ok(Err(_))) || end == End::lost();
        self.abort_transaction();
        self.link.close();
        self.log_session(end);
        if self.context.asks_at(Stage::Closed) {
            self.tell_closed(end);
        }
        if !self.session.borrow().identity().is_probe {
            self.context.counters.sessions_closed.increase();
        }
        let (wire, place, reports) = self.into_rest();
        match end {
            _ if is_lost => drop(wire),
            end if end == End::quit() => wire.close_after_quit().await,
            _ => wire.close().await,
        }
        // Nobody's client waits for them, nor does the next one from there. But who comes and goes could otherwise leave
        // behind as many as there may be: where they are many, each keeps its session's place.
        let _place = Some(place).filter(Place::is_kept_by_hooks);
        for report in reports {
            let _ = report.await; // an error in it was logged by the engine
        }
    }

    /// What outlasts the session; all else of it is gone.
    fn into_rest(self: Box<Self>) -> (Wire, Place, Vec<JoinHandle<()>>) {
        let Serve { wire, place, reports, .. } = *self;
        (wire, place, reports)
    }

    fn tell_closed(&mut self, end: End) {
        let counters = *self.session.borrow().counters();
        let ending = Ending {
            reason: end.reason,
            by: end.by,
            last_verb: self.last_verb.map(|verb| verb.as_str().to_owned()),
            duration: self.started.elapsed(),
            messages: counters.messages,
            octets: counters.octets,
        };
        self.tell(Report::Closed(Rc::new(ending)));
    }

    fn log_session(&self, end: End) {
        if !tracing::enabled!(target: "gatepost::session", tracing::Level::INFO) {
            return;
        }
        let session = self.session.borrow();
        let (identity, counters) = (session.identity(), session.counters());
        if identity.is_probe {
            tracing::debug!(peer_ip = %identity.peer.ip(), reason = end.reason, "a balancer asked whether we are well");
            return;
        }
        let tls = session.tls().map(Tls::to_string);
        let refused = self.refused.as_deref();
        let reply = refused.map(|refused| refused.reply.to_string());
        SessionRecord {
            session: identity.id.as_str(),
            listener: Some(&self.context.listener.name),
            client_ip: Some(identity.client.ip()),
            client_port: Some(identity.client.port()),
            client_name: known(self.name.now()),
            peer: identity.intermediary(),
            unique_id: identity.told.as_ref().and_then(|told| told.unique_id.as_deref()),
            ehlo: session.greeting().map(|greeting| greeting.name.as_str()),
            tls: tls.as_deref(),
            auth: session.login().map(|login| &*login.user),
            stage: refused.map(|refused| refused.stage),
            code: refused.map(|refused| refused.reply.code.get()),
            policy: refused.and_then(|refused| refused.policy.as_deref()),
            reply: reply.as_deref(),
            reason: Some(end.reason),
            by: Some(end.by),
            last_verb: self.last_verb.map(|verb| verb.as_str()),
            commands: Some(counters.commands),
            errors: Some(counters.command_errors),
            transactions: Some(counters.transactions),
            messages: Some(counters.messages),
            octets: Some(counters.octets),
            elapsed_ms: Some(millis(self.started)),
            score: Some(session.score()).filter(|score| *score != 0.0),
            notes: session.notes(),
        }
        .log();
    }
}
