//! What the sessions of one listener share on a worker: rules, policies, backend, spool, counters.

use std::rc::Rc;
use std::sync::Arc;

use crate::auth::failures::Failures;
use crate::auth::verifier::Verifier;
use crate::backend::server::Server;
use crate::message::spool::Spool;
use crate::net::names::Names;
use crate::net::tls::front::Front;
use crate::net::tls::turnstile::Turnstile;
use crate::observe::counters::Counters;
use crate::policy::door::Policies;
use crate::policy::event::{Stage, Stages};
use crate::proxy::config::Listener;
use crate::proxy::drain::Draining;
use crate::proxy::owners::Owners;
use crate::session::rules::Rules;
use crate::threads::storage::StoragePool;

/// One listener on one worker, in one generation of the configuration.
pub struct Context {
    /// What the configuration says.
    pub listener: Listener,
    /// What its sessions obey.
    pub rules: Arc<Rules>,
    /// Its policies on this worker; none if it has none.
    pub policies: Option<Rc<dyn Policies>>,
    /// The stages at which they are asked.
    pub stages: Stages,
    /// Its TLS; none if it speaks none.
    pub tls: Option<Arc<Front>>,
    /// The handshakes of this worker.
    pub turnstile: Rc<Turnstile>,
    /// Its backend.
    pub server: Arc<Server>,
    /// Who checks logins; none if nobody logs in.
    pub verifier: Option<Verification>,
    /// Logins that failed lately.
    pub failures: Arc<Failures>,
    /// Who owns which address; none if anybody may send as anybody.
    pub owners: Option<Rc<dyn Owners>>,
    /// Where content waits.
    pub spool: Arc<Spool>,
    /// Who writes files.
    pub pool: StoragePool,
    /// Who knows names.
    pub names: Arc<dyn Names>,
    /// This worker's counts.
    pub counters: Arc<Counters>,
    /// The end of service.
    pub draining: Draining,
}

/// Who checks logins.
#[derive(Clone)]
pub enum Verification {
    /// A verifier that needs nothing of the session.
    By(Rc<dyn Verifier>),
    /// A policy, in the session's own view.
    Policy,
    /// The backend, on the session's own connection to it.
    Backend,
}

impl Context {
    /// Whether policies have something to say or hear at `stage`.
    pub fn asks_at(&self, stage: Stage) -> bool {
        self.stages.contains(stage)
    }

    /// Whether content can change or be refused by policies, so that the backend gets DATA only after them.
    pub fn holds_content(&self) -> bool {
        let stages = [Stage::Data, Stage::Header, Stage::Message];
        self.owners.is_some() || stages.into_iter().any(|stage| self.asks_at(stage))
    }
}
