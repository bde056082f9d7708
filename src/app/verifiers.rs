//! Who checks logins: made from the configuration, once for all workers, then opened on each.

use std::rc::Rc;
use std::sync::Arc;

use anyhow::Context as _;

use crate::auth::config::Place;
use crate::auth::dovecot::Dovecot;
use crate::auth::file::File;
use crate::auth::sasl::Sasl;
use crate::config::Config;
use crate::proxy::config::Listener;
use crate::proxy::context::Verification;
use crate::session::login::Demand;
use crate::threads::helper::HelperHandle;
use crate::threads::storage::StoragePool;

/// What checks logins, as far as workers share it.
pub struct Verifiers {
    shared: Option<Shared>,
}

/// One of them.
enum Shared {
    File(Arc<File>),
    Dovecot(Arc<Dovecot>),
    Policy,
    Backend,
}

impl Verifiers {
    /// What `config` says; `hashing` hashes passwords, `helper` keeps connections.
    ///
    /// *Errors*: a file of users that can't be used.
    pub fn build(config: &Config, hashing: &StoragePool, helper: &HelperHandle) -> anyhow::Result<Verifiers> {
        let shared = match config.auth.verify.as_ref().filter(|_| is_used(config)) {
            Some(Place::File(path)) => {
                let file = File::open(path, hashing.clone()).context("auth.verify")?;
                Some(Shared::File(Arc::new(file)))
            }
            Some(Place::Dovecot(path)) => Some(Shared::Dovecot(Arc::new(Dovecot::start(path, helper)))),
            Some(Place::Policy(_)) => Some(Shared::Policy),
            Some(Place::Backend) => Some(Shared::Backend),
            None => None,
        };
        Ok(Verifiers { shared })
    }

    /// The verifier of `listener` on the caller's worker; none if nobody logs in there.
    pub fn open(&self, listener: &Listener) -> Option<Verification> {
        if listener.logins.demand == Demand::Off {
            return None;
        }
        Some(match self.shared.as_ref()? {
            Shared::File(file) => Verification::By(Rc::new(Sasl::new(Rc::new(Arc::clone(file))))),
            Shared::Dovecot(dovecot) => Verification::By(Rc::new(Arc::clone(dovecot))),
            Shared::Policy => Verification::Policy,
            Shared::Backend => Verification::Backend,
        })
    }
}

/// The policy that checks the logins of `listener`, if one does.
pub fn policy<'a>(config: &'a Config, listener: &Listener) -> Option<&'a str> {
    match &config.auth.verify {
        Some(Place::Policy(name)) if listener.logins.demand != Demand::Off => Some(name),
        _ => None,
    }
}

/// Whether anybody logs in anywhere.
fn is_used(config: &Config) -> bool {
    config.listeners.iter().any(|listener| listener.logins.demand != Demand::Off)
}
