//! Who checks logins: made from the configuration, once for all workers, then opened on each.

use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use anyhow::Context as _;
use rustix::fs::{Access, access};

use crate::app::advice::open;
use crate::auth::config::{Config as Auth, Place};
use crate::auth::dovecot::Dovecot;
use crate::auth::file::File;
use crate::auth::http::{self, Http};
use crate::auth::ldap::Ldap;
use crate::auth::sasl::Sasl;
use crate::config::Config;
use crate::config::error::Diagnostic;
use crate::ldap::server::Server;
use crate::lookup::http::client::HttpClient;
use crate::lookup::http::connections::Trust;
use crate::net::names::Names;
use crate::proxy::config::Listener;
use crate::proxy::context::Verification;
use crate::session::login::Demand;
use crate::threads::helper::HelperHandle;
use crate::threads::storage::StoragePool;

/// What checks logins, as far as workers share it: one for all listeners that ask in the same place.
pub struct Verifiers {
    shared: Vec<(Auth, Shared)>,
}

/// One of them.
enum Shared {
    File(Arc<File>),
    Dovecot(Arc<Dovecot>),
    Ldap(Arc<Ldap>),
    Http(Arc<Http>),
    Policy,
    Backend,
}

impl Verifiers {
    /// What `config` says; `hashing` hashes passwords, `helper` keeps connections, `names` finds servers,
    /// `web` asks web servers that somebody vouches for.
    ///
    /// *Errors*: a file that can't be used.
    pub fn build(
        config: &Config,
        hashing: &StoragePool,
        helper: &HelperHandle,
        names: &Arc<dyn Names>,
        web: &dyn Fn(Trust) -> HttpClient,
    ) -> anyhow::Result<Verifiers> {
        let mut shared = Vec::new();
        for auth in in_use(config) {
            let one = match &auth.verify {
                Some(Place::File(path)) => {
                    let file = File::open(path, hashing.clone()).context("auth.verify")?;
                    Shared::File(Arc::new(file))
                }
                Some(Place::Dovecot(path)) => Shared::Dovecot(Arc::new(Dovecot::start(path, helper))),
                Some(Place::Ldap(server)) => {
                    let (server, settings) = (server.clone(), auth.ldap.clone());
                    let ldap = Ldap::new(server, settings, Arc::clone(names), helper.clone());
                    Shared::Ldap(Arc::new(ldap.context("auth.ldap")?))
                }
                Some(Place::Http(url)) => {
                    let prepared = http::prepare(url, &auth.http).context("auth.http")?;
                    let client = web(prepared.trust.clone());
                    Shared::Http(Arc::new(Http::new(prepared, client)))
                }
                Some(Place::Policy(_)) => Shared::Policy,
                Some(Place::Backend) => Shared::Backend,
                None => continue,
            };
            shared.push((auth.clone(), one));
        }
        Ok(Verifiers { shared })
    }

    /// The users files, and whether the newest version of each could not be read.
    pub fn files(&self) -> Vec<(String, bool)> {
        let files = self.shared.iter().filter_map(|(_, one)| match one {
            Shared::File(file) => Some((file.path().display().to_string(), file.is_stale())),
            _ => None,
        });
        files.collect()
    }

    /// The verifier of `listener` on the caller's worker; none if nobody logs in there.
    pub fn open(&self, listener: &Listener) -> Option<Verification> {
        if listener.logins.demand == Demand::Off {
            return None;
        }
        let (_, shared) = self.shared.iter().find(|(auth, _)| auth.asks_as(&listener.auth))?;
        Some(match shared {
            Shared::File(file) => Verification::By(Rc::new(Sasl::new(Rc::new(Arc::clone(file))))),
            Shared::Ldap(ldap) => Verification::By(Rc::new(Sasl::new(Rc::new(Arc::clone(ldap))))),
            Shared::Http(http) => Verification::By(Rc::new(Sasl::new(Rc::new(Arc::clone(http))))),
            Shared::Dovecot(dovecot) => Verification::By(Rc::new(Arc::clone(dovecot))),
            Shared::Policy => Verification::Policy,
            Shared::Backend => Verification::Backend,
        })
    }
}

/// The policy that checks the logins of `listener`, if one does.
pub fn policy(listener: &Listener) -> Option<&str> {
    match &listener.auth.verify {
        Some(Place::Policy(name)) if listener.logins.demand != Demand::Off => Some(name),
        _ => None,
    }
}

/// How logins are checked by the listeners that take some, each place once.
pub fn in_use(config: &Config) -> Vec<&Auth> {
    let mut found: Vec<&Auth> = Vec::new();
    for listener in config.listeners.iter().filter(|listener| listener.logins.demand != Demand::Off) {
        if !found.iter().any(|known| known.asks_as(&listener.auth)) {
            found.push(&listener.auth);
        }
    }
    found
}

/// Whether logins at `listener` are checked as `auth` says.
pub fn is_checked_by(listener: &Listener, auth: &Auth) -> bool {
    listener.logins.demand != Demand::Off && listener.auth.asks_as(auth)
}

/// What is unwise with the files and sockets that checking logins takes, as whoever asks now sees them.
pub fn advice(config: &Config) -> Vec<Diagnostic> {
    in_use(config).into_iter().flat_map(advice_of).collect()
}

fn advice_of(auth: &Auth) -> Vec<Diagnostic> {
    let Some(place) = &auth.verify else { return Vec::new() };
    let away = |path: &Path| {
        let error = access(path, Access::WRITE_OK).err()?;
        let message = format!("auth.verify: {} can't be asked now: {error}", path.display());
        Some(Diagnostic::warning("auth.verify", message, None))
    };
    let found = match place {
        Place::Dovecot(path) | Place::Ldap(Server::Unix(path)) => away(path),
        _ => None,
    };
    let secret = match place {
        Place::Ldap(_) => {
            let account = auth.ldap.search.as_ref().and_then(|search| search.account.as_ref());
            account.map(|(_, path)| ("auth.ldap.search_password_file", path))
        }
        Place::Http(_) => auth.http.token_file.as_ref().map(|path| ("auth.http.token_file", path)),
        _ => None,
    };
    found.into_iter().chain(secret.and_then(|(key, path)| open(key, path))).collect()
}
