//! Where a directory is and how users are found in it, as the configuration describes it: the table `[auth.ldap]`.

use std::path::PathBuf;
use std::time::Duration;

use crate::ldap::filter::Filter;
use crate::ldap::server::{Security, Server};
use crate::ldap::template::Template;

/// How users are found in a directory, and how it is spoken to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The DN that a user has.
    pub bind_dn: Option<Template>,
    /// Where users are searched, if they are.
    pub search: Option<Search>,
    /// The attribute that says who the user is; none if what was typed does.
    pub user_attribute: Option<String>,
    /// The authorities that vouch for the server; none are the system's own.
    pub ca: Option<PathBuf>,
    /// Whether TLS begins after STARTTLS; none if that depends on where the server is.
    pub starttls: Option<bool>,
    /// Whether passwords may go elsewhere in clear text.
    pub without_tls: bool,
    /// How long a login may take, once there is a connection free for it.
    pub timeout: Duration,
    /// Connections at once.
    pub connections: usize,
}

/// How a user is searched for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// Where, as a DN.
    pub base: String,
    /// What an entry must be.
    pub filter: Filter,
    /// Whether only the entries right below `base` count.
    pub is_one_level: bool,
    /// As whom, with the password in that file; nobody if the directory lets everybody search.
    pub account: Option<(String, PathBuf)>,
}

impl Settings {
    /// How passwords are kept from others.
    pub fn security(&self) -> Security {
        Security { ca: self.ca.clone(), starttls: self.starttls, without_tls: self.without_tls }
    }

    /// Whether `server` is told STARTTLS: every server elsewhere, unless something else is said.
    pub fn uses_starttls(&self, server: &Server) -> bool {
        self.security().uses_starttls(server)
    }
}

impl Default for Settings {
    /// The documented defaults.
    fn default() -> Self {
        Settings {
            bind_dn: None,
            search: None,
            user_attribute: None,
            ca: None,
            starttls: None,
            without_tls: false,
            timeout: Duration::from_secs(5),
            connections: 10,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_overheard_only_where_that_is_wanted() {
        let server = |host: &str, is_ldaps| Server::Tcp { host: host.to_owned(), port: 389, is_ldaps };
        let settings = |starttls, without_tls| Settings { starttls, without_tls, ..Settings::default() };
        for (server, settings, starttls, overheard) in [
            (server("127.0.0.1", false), settings(None, false), false, false),
            (server("::1", false), settings(None, false), false, false),
            (server("localhost", false), settings(Some(true), false), true, false),
            (server("ldap.example", false), settings(None, false), true, false),
            (server("ldap.example", false), settings(Some(false), false), false, true),
            (server("ldap.example", false), settings(None, true), false, false),
            (server("ldap.example", false), settings(Some(true), true), true, false),
            (server("ldap.example", true), settings(None, false), false, false),
            (server("192.0.2.1", false), settings(Some(false), false), false, true),
            (Server::Unix("ldapi".into()), settings(None, false), false, false),
        ] {
            assert_eq!(settings.uses_starttls(&server), starttls, "{server} {settings:?}");
            assert_eq!(settings.security().is_overheard(&server), overheard, "{server} {settings:?}");
        }
    }
}
