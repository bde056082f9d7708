//! What it takes to search a directory: who searches, with which password, under which TLS.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::ldap::answer::Code;
use crate::ldap::line::{Line, Trouble};
use crate::ldap::server::{Security, Server};
use crate::net::names::Names;
use crate::net::tls::back::{Back, BackError};
use crate::net::tls::config::{BackTls, Level};
use crate::secret_file::{self, SecretFileError};
use crate::smtp::secret::Secret;

/// Where a directory is and as whom it is searched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Where it is.
    pub server: Server,
    /// As whom, with the password in that file; nobody if it lets everybody search.
    pub account: Option<(String, PathBuf)>,
    /// How what is said is kept from others.
    pub security: Security,
}

/// Why a directory can't be asked.
#[derive(Debug, thiserror::Error)]
pub enum LdapError {
    /// The password of the account that searches can't be had.
    #[error(transparent)]
    Password(#[from] SecretFileError),
    /// There can be no TLS.
    #[error(transparent)]
    Tls(#[from] BackError),
}

/// The password in the file at `password`, if one is named, and the TLS with `server`, as the files have them now.
///
/// *Errors*: see `LdapError`.
pub fn prepare(
    server: &Server,
    password: Option<&Path>,
    security: &Security,
) -> Result<(Secret, Option<Back>), LdapError> {
    let password = password.map(secret_file::read).transpose()?.unwrap_or_default();
    let is_secured = server.is_ldaps() || security.uses_starttls(server);
    let tls = BackTls { level: Level::Verified, ca: security.ca.clone(), ..BackTls::default() };
    Ok((password, if is_secured { Some(Back::new(&tls)?) } else { None }))
}

impl Access {
    /// The password and the TLS, as the files have them now.
    ///
    /// *Errors*: see `LdapError`. Reads files.
    pub fn prepare(&self) -> Result<(Secret, Option<Back>), LdapError> {
        prepare(&self.server, self.account.as_ref().map(|(_, path)| path.as_path()), &self.security)
    }
}

/// Makes connections over which may be searched.
pub struct Searcher {
    access: Access,
    password: Secret,
    back: Option<Back>,
    names: Arc<dyn Names>,
    patience: Duration,
}

impl Searcher {
    /// One that searches by `access`, finds its server by `names`, and has `patience` with connecting.
    ///
    /// *Errors*: see `LdapError`. Reads files: not for a worker that serves.
    pub fn new(access: Access, names: Arc<dyn Names>, patience: Duration) -> Result<Searcher, LdapError> {
        let (password, back) = access.prepare()?;
        Ok(Searcher { access, password, back, names, patience })
    }

    /// A new connection.
    ///
    /// *Errors*: the server can't be reached, or is not the one that is meant.
    pub async fn open(&self) -> Result<Line, Trouble> {
        let Access { server, security, .. } = &self.access;
        let starttls = security.uses_starttls(server);
        Line::open(server, self.back.as_ref(), starttls, &*self.names, self.patience).await
    }

    /// Lets `line` search.
    ///
    /// *Errors*: the connection, or that the account may not.
    pub async fn bind(&self, line: &mut Line) -> Result<(), Trouble> {
        let Some((dn, _)) = &self.access.account else { return Ok(()) };
        match line.bind(dn, &self.password).await? {
            Code::SUCCESS => Ok(()),
            code => Err(Trouble::Other(format!("the bind as `search_dn` was answered by {code}"))),
        }
    }

    /// Where it is.
    pub fn server(&self) -> &Server {
        &self.access.server
    }
}
