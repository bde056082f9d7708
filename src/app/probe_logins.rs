//! `gatepost check --probe`: asks who checks logins whether it could be asked. Nobody's login is tried.

use std::sync::Arc;

use crate::app::names::ResolverNames;
use crate::app::verifiers::{in_use, is_checked_by};
use crate::auth::config::{Config as Auth, Place};
use crate::auth::probe::Step;
use crate::auth::{dovecot, http, ldap};
use crate::config::Config;
use crate::lookup::dns::Resolver;
use crate::lookup::host::HostResolver;
use crate::lookup::http::client::HttpClient;
use crate::lookup::http::outbox::Outbox;
use crate::threads::helper::HelperHandle;

/// One who checks logins, as it was asked.
#[derive(Clone, Debug)]
pub struct Asked {
    /// As `auth.verify` names it, without what may be secret.
    pub whom: String,
    /// The listeners whose logins it checks.
    pub listeners: Vec<String>,
    /// What was tried, one thing after the other.
    pub steps: Vec<Step>,
}

/// Asks each directory, web server and Dovecot by which a listener has logins checked.
pub async fn all(config: &Config, resolver: &Resolver) -> Vec<Asked> {
    let mut asked = Vec::new();
    for auth in in_use(config) {
        let Some((whom, steps)) = ask(auth, resolver).await else { continue };
        let listeners = config.listeners.iter().filter(|listener| is_checked_by(listener, auth));
        let listeners = listeners.map(|listener| listener.name.clone()).collect();
        asked.push(Asked { whom, listeners, steps });
    }
    asked
}

/// Whom `auth` names, and what it says; nothing of those who are no servers.
async fn ask(auth: &Auth, resolver: &Resolver) -> Option<(String, Vec<Step>)> {
    let names = ResolverNames::new(resolver.clone());
    Some(match auth.verify.as_ref()? {
        Place::Ldap(server) => (server.to_string(), ldap::probe::ask(server, &auth.ldap, &names).await),
        Place::Dovecot(path) => {
            (format!("dovecot:{}", path.display()), dovecot::probe::ask(path, auth.mechanisms).await)
        }
        Place::Http(url) => {
            let helper = HelperHandle::of_caller()?;
            let hosts = HostResolver::new(resolver.clone());
            let client = |trust| HttpClient::new(hosts, trust, helper, Arc::clone(&Outbox::new()));
            (url.origin(), http::probe::ask(url, &auth.http, &names, client).await)
        }
        // A file is read by `check` itself, a backend is asked for itself, and a policy has no door of its own.
        Place::File(_) | Place::Backend | Place::Policy(_) => return None,
    })
}
