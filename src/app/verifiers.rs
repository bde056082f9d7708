//! Who checks logins: made from the configuration, once for all workers, then opened on each.

use std::rc::Rc;
use std::sync::Arc;

use anyhow::Context as _;

use crate::auth::config::Place;
use crate::auth::file::File;
use crate::auth::sasl::Sasl;
use crate::auth::verifier::Verifier;
use crate::config::Config;
use crate::proxy::config::Listener;
use crate::session::login::Demand;
use crate::threads::storage::StoragePool;

/// What checks logins, as far as workers share it.
pub struct Verifiers {
    file: Option<Arc<File>>,
}

impl Verifiers {
    /// What `config` says; `hashing` hashes passwords.
    ///
    /// *Errors*: a file of users that can't be used.
    pub fn build(config: &Config, hashing: &StoragePool) -> anyhow::Result<Verifiers> {
        let file = match &config.auth.verify {
            Some(Place::File(path)) if is_used(config) => {
                Some(Arc::new(File::open(path, hashing.clone()).context("auth.verify")?))
            }
            _ => None,
        };
        Ok(Verifiers { file })
    }

    /// The verifier of `listener` on the caller's worker; none if nobody logs in there.
    pub fn open(&self, listener: &Listener) -> Option<Rc<dyn Verifier>> {
        if listener.logins.demand == Demand::Off {
            return None;
        }
        let file = Arc::clone(self.file.as_ref()?);
        Some(Rc::new(Sasl::new(Rc::new(file))))
    }
}

/// Whether anybody logs in anywhere.
fn is_used(config: &Config) -> bool {
    config.listeners.iter().any(|listener| listener.logins.demand != Demand::Off)
}
