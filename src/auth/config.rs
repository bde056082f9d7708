//! How logins are checked, as the configuration describes it: the table `[auth]`.

use std::path::PathBuf;
use std::time::Duration;

use crate::auth::check::{PASSWORDS, PASSWORDS_AND_TOKENS};
use crate::auth::http;
use crate::auth::http::config::Settings as Http;
use crate::auth::ldap::config::Settings as Ldap;
use crate::ldap::server::Server;
use crate::lookup::http::url::Url;
use crate::smtp::mechanism::{Mechanism, Mechanisms};

/// How logins are checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Who checks them; none if there are none.
    pub verify: Option<Place>,
    /// What may be offered, of that which the verifier can check.
    pub mechanisms: Mechanisms,
    /// Whether SCRAM-SHA-256-PLUS is offered where a login can be bound to our certificate alone, as under TLS 1.2. Clients
    /// that know no other binding than tls-unique, which we have not, take the offer there and fail.
    pub binds_to_certificate: bool,
    /// Failures, of a session or lately of a client's network or of a user; the one that makes as many closes the connection.
    pub max_failures: usize,
    /// How long after the client's last answer a failure is answered.
    pub failure_delay: Duration,
    /// How a directory is asked, where `verify` is one.
    pub ldap: Ldap,
    /// How a web server is asked, where `verify` is one.
    pub http: Http,
}

/// Where a verifier is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A file of names and hashes.
    File(PathBuf),
    /// A Dovecot, by its socket for auth clients.
    Dovecot(PathBuf),
    /// A directory.
    Ldap(Server),
    /// A web server.
    Http(Url),
    /// The backend, by AUTH to it.
    Backend,
    /// A policy's `verify` hook, by the policy's name.
    Policy(String),
}

impl Config {
    /// Whether logins are checked in one place by this and by `other`.
    pub fn asks_as(&self, other: &Config) -> bool {
        self.verify == other.verify
            && match self.verify {
                Some(Place::Ldap(_)) => self.ldap == other.ldap,
                Some(Place::Http(_)) => self.http == other.http,
                _ => true,
            }
    }

    /// Connections that checking logins takes at once.
    pub fn connections(&self) -> usize {
        match &self.verify {
            Some(Place::Ldap(_)) => self.ldap.connections,
            Some(Place::Dovecot(_)) => 1,
            Some(Place::Http(_)) => http::CONNECTIONS,
            _ => 0, // a backend's are counted there
        }
    }
}

impl Place {
    /// What is offered where nothing says so. A web server that knows nothing of tokens gets a question without a password,
    /// and who knows what it makes of that: it is asked about tokens where somebody has named them.
    pub fn unnamed(&self) -> Mechanisms {
        let all = Mechanisms::ALL.without(Mechanism::CramMd5).without(Mechanism::External);
        match self {
            Place::Http(_) => all.without(Mechanism::OauthBearer).without(Mechanism::Xoauth2),
            _ => all,
        }
    }

    /// What it can check, whatever users it has; nothing if that is to be seen.
    pub fn mechanisms(&self) -> Option<Mechanisms> {
        match self {
            Place::Ldap(_) => Some(PASSWORDS),
            Place::Http(_) => Some(PASSWORDS_AND_TOKENS),
            Place::File(_) | Place::Dovecot(_) | Place::Backend | Place::Policy(_) => None,
        }
    }
}

impl Default for Config {
    /// The documented defaults.
    fn default() -> Self {
        Config {
            verify: None,
            mechanisms: Mechanisms::ALL.without(Mechanism::CramMd5).without(Mechanism::External),
            binds_to_certificate: false,
            max_failures: 5,
            failure_delay: Duration::from_secs(2),
            ldap: Ldap::default(),
            http: Http::default(),
        }
    }
}
