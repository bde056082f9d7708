//! `ldap://`, `ldaps://`, `ldapi:`: a directory knows the users, and says by a bind whether a password is right.
//!
//! What is said over the wire is in `ldap`.

pub mod config;
pub mod probe;

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::auth::check::{Check, Found, PASSWORDS};
use crate::auth::ldap::config::{Search, Settings};
use crate::auth::verifier::{Attempt, PATIENCE, Pending};
use crate::ldap::access::{self, LdapError};
use crate::ldap::answer::{Code, Entry};
use crate::ldap::line::{Line, Matches, Trouble};
use crate::ldap::server::Server;
use crate::ldap::template::Name;
use crate::ldap::words::{self, Scope};
use crate::net::names::Names;
use crate::net::tls::back::Back;
use crate::smtp::mechanism::Mechanisms;
use crate::smtp::secret::Secret;
use crate::threads::helper::HelperHandle;

/// A directory, common to all workers.
pub struct Ldap {
    inner: Arc<Inner>,
    turns: Arc<Semaphore>,
    /// Turns for clients whose networks have failed too often lately: half of all.
    guessing: Arc<Semaphore>,
    helper: HelperHandle,
}

struct Inner {
    server: Server,
    settings: Settings,
    /// The password of the account that searches.
    password: Secret,
    back: Option<Back>,
    names: Arc<dyn Names>,
    idle: Mutex<Vec<Line>>,
}

/// A login, as the directory is asked about it.
struct Login {
    typed: String,
    /// Who logs in, if nothing else says so; empty where something else has to.
    meant: String,
    password: Secret,
    way: Way,
}

/// One login's turn, and its place among those who guess, if it does.
type Turn = (Option<OwnedSemaphorePermit>, OwnedSemaphorePermit);

/// How the user is found.
enum Way {
    Dn(String),
    /// By this filter.
    Search(Secret),
}

/// How long a connection may be idle to serve the next login, which closes those that are older.
const IDLE: Duration = Duration::from_secs(60);

impl Ldap {
    /// The directory at `server`; connections are `helper`'s, made when they are needed.
    ///
    /// *Errors*: see `LdapError`. Reads files: not for a worker that serves.
    pub fn new(
        server: Server,
        settings: Settings,
        names: Arc<dyn Names>,
        helper: HelperHandle,
    ) -> Result<Ldap, LdapError> {
        let (password, back) = prepare(&server, &settings)?;
        let turns = Arc::new(Semaphore::new(settings.connections));
        let guessing = Arc::new(Semaphore::new(settings.connections.div_ceil(2)));
        let inner = Inner { server, settings, password, back, names, idle: Mutex::default() };
        Ok(Ldap { inner: Arc::new(inner), turns, guessing, helper })
    }

    async fn ask(&self, attempt: &Attempt, user: &str, password: &Secret) -> Found {
        if self.inner.settings.search.is_none() && self.inner.settings.bind_dn.is_none() {
            return Found::Unavailable(format!("{}: nothing says how users are found", self.inner.server));
        }
        // The directory would take it for somebody who doesn't want to say who he is. RFC 4513 §5.1.2
        let login = self.inner.login(user, password).filter(|_| !password.is_empty());
        let Some(login) = login else { return Found::Nobody };
        let patience = self.inner.patience();
        let turns = async {
            // Who guesses waits for others who do, and leaves turns to those who don't.
            let guessing = match attempt.is_suspect {
                true => Some(Arc::clone(&self.guessing).acquire_owned().await?),
                false => None,
            };
            Ok::<Turn, AcquireError>((guessing, Arc::clone(&self.turns).acquire_owned().await?))
        };
        let Ok(Ok(turn)) = timeout(patience, turns).await else {
            return Found::Unavailable(format!("{}: too many logins at once", self.inner.server));
        };
        let inner = Arc::clone(&self.inner);
        let asked = self.helper.ask(move || async move { inner.check(&login, turn, patience).await });
        asked.await.unwrap_or_else(|| Found::Unavailable(format!("{}: we are stopping", self.inner.server)))
    }
}

/// The password of the account that searches, and the TLS, as the files have them now.
///
/// *Errors*: see `LdapError`.
pub fn prepare(server: &Server, settings: &Settings) -> Result<(Secret, Option<Back>), LdapError> {
    let account = settings.search.as_ref().and_then(|search| search.account.as_ref());
    access::prepare(server, account.map(|(_, path)| path.as_path()), &settings.security())
}

impl Check for Arc<Ldap> {
    fn mechanisms(&self) -> Mechanisms {
        PASSWORDS
    }

    fn counted_as<'a>(&self, user: &'a str) -> &'a str {
        let (name, settings) = (Name::new(user), &self.inner.settings);
        match (&settings.search, &settings.bind_dn) {
            (Some(search), _) => search.filter.counted_as(&name),
            (None, Some(template)) => template.user(&name),
            (None, None) => user,
        }
    }

    fn password<'a>(
        &'a self,
        attempt: &'a Attempt,
        user: &'a str,
        password: &'a Secret,
    ) -> Pending<'a, Found> {
        Box::pin(self.ask(attempt, user, password))
    }
}

impl Inner {
    /// What the directory is to be asked; nothing if it can have no such user.
    fn login(&self, user: &str, password: &Secret) -> Option<Login> {
        let name = Name::new(user);
        let (meant, way) = match (&self.settings.search, &self.settings.bind_dn) {
            (Some(search), _) => {
                // Where the filter doesn't say who is meant, the configuration has `user_attribute`.
                (search.filter.user(&name).unwrap_or_default(), Way::Search(search.filter.about(&name)?))
            }
            (None, Some(template)) => (template.user(&name), Way::Dn(template.dn(&name)?)),
            (None, None) => return None, // the configuration is checked
        };
        Some(Login { typed: user.to_owned(), meant: meant.to_owned(), password: password.clone(), way })
    }

    /// Whether the password of `login` is right, found out while `turn` is held.
    async fn check(&self, login: &Login, turn: Turn, patience: Duration) -> Found {
        let found = match timeout(patience, self.check_twice(login)).await {
            Ok(Ok(Some(user))) => Found::User(user),
            Ok(Ok(None)) => Found::Nobody,
            Ok(Err(trouble)) => Found::Unavailable(format!("{}: {trouble}", self.server)),
            Err(_) => {
                self.idle.lock().clear(); // the server may be gone without a word
                Found::Unavailable(format!("{}: no answer within {patience:?}", self.server))
            }
        };
        drop(turn);
        found
    }

    /// The same over a kept connection or, if that turns out to be lost, a new one.
    async fn check_twice(&self, login: &Login) -> Result<Option<String>, Trouble> {
        if let Some(line) = self.kept() {
            match self.check_over(line, login).await {
                Err(Trouble::Lost(_)) => self.idle.lock().clear(), // they are as old
                outcome => return outcome,
            }
        }
        let starttls = self.settings.uses_starttls(&self.server);
        let line =
            Line::open(&self.server, self.back.as_ref(), starttls, &*self.names, self.patience()).await?;
        self.check_over(line, login).await
    }

    async fn check_over(&self, mut line: Line, login: &Login) -> Result<Option<String>, Trouble> {
        let found = match (&login.way, &self.settings.search) {
            (Way::Search(filter), Some(search)) => self.search(&mut line, search, filter, login).await?,
            (Way::Dn(dn), _) => match line.bind(dn, &login.password).await? {
                // The DN is what was typed: that there is none such, or can't be, is no fault of the directory's.
                Code::INVALID_CREDENTIALS | Code::NO_SUCH_OBJECT | Code::INVALID_DN_SYNTAX => None,
                Code::SUCCESS if self.settings.user_attribute.is_none() => Some(login.meant.clone()),
                Code::SUCCESS => Some(self.own_name(&mut line, dn, login).await?),
                code => return Err(bind_answered(code)),
            },
            (Way::Search(_), None) => None,
        };
        self.keep(line);
        Ok(found)
    }

    /// Searches the user, then binds as it.
    async fn search(
        &self,
        line: &mut Line,
        search: &Search,
        filter: &Secret,
        login: &Login,
    ) -> Result<Option<String>, Trouble> {
        if let Some((dn, _)) = &search.account {
            match line.bind(dn, &self.password).await? {
                Code::SUCCESS => {}
                code => {
                    let why = format!("the bind as `search_dn` was answered by {code}");
                    return Err(Trouble::Other(why));
                }
            }
        }
        let asked = words::Search {
            base: &search.base,
            scope: if search.is_one_level { Scope::OneLevel } else { Scope::Subtree },
            filter,
            attribute: self.settings.user_attribute.as_deref(),
        };
        match line.search(&asked, self.seconds()).await? {
            Matches::One(entry) => match line.bind(&entry.dn, &login.password).await? {
                Code::SUCCESS => self.name_in(&entry, login).map(Some),
                Code::INVALID_CREDENTIALS => Ok(None),
                code => Err(bind_answered(code)),
            },
            Matches::None => Ok(None),
            Matches::Several => {
                Err(Trouble::Other("several entries fit the name: make `filter` narrower".to_owned()))
            }
        }
    }

    /// What the entry of the user, as whom the line is bound, says of who that is.
    async fn own_name(&self, line: &mut Line, dn: &str, login: &Login) -> Result<String, Trouble> {
        let asked = words::Search {
            base: dn,
            scope: Scope::Base,
            filter: &words::any_entry(),
            attribute: self.settings.user_attribute.as_deref(),
        };
        match line.search(&asked, self.seconds()).await? {
            Matches::One(entry) => self.name_in(&entry, login),
            _ => {
                let why = "the user can't read the own entry, which has the `user_attribute`";
                Err(Trouble::Other(why.to_owned()))
            }
        }
    }

    /// Who the user with `entry` is: what was typed if that is one of its names, else the only one; without an attribute
    /// that says so, who was meant.
    fn name_in(&self, entry: &Entry, login: &Login) -> Result<String, Trouble> {
        let Some(attribute) = &self.settings.user_attribute else { return Ok(login.meant.clone()) };
        let typed = login.typed.to_lowercase();
        let is_typed = |value: &&String| value.to_lowercase() == typed;
        let why = match (entry.values.iter().find(is_typed), entry.values.as_slice()) {
            (Some(value), _) | (None, [value]) => return Ok(value.clone()),
            (None, []) => format!("the user's entry has no `{attribute}`"),
            (None, _) => format!("the user's entry has several `{attribute}`, none as typed"),
        };
        Err(Trouble::Other(why))
    }

    /// How long a login may take.
    fn patience(&self) -> Duration {
        self.settings.timeout.min(PATIENCE)
    }

    /// How long the server may search.
    fn seconds(&self) -> u32 {
        u32::try_from(self.settings.timeout.as_secs()).unwrap_or(u32::MAX).clamp(1, 0x7fff_ffff)
    }

    /// A connection that was kept; the others that are too old are closed.
    fn kept(&self) -> Option<Line> {
        let mut idle = self.idle.lock();
        idle.retain(|line| line.used.elapsed() < IDLE);
        while let Some(mut line) = idle.pop() {
            if !line.is_stale() {
                return Some(line);
            }
        }
        None
    }

    /// Keeps `line` for the next login, unless that would have to search as the user of this one.
    fn keep(&self, line: Line) {
        let is_strangers = self.settings.search.as_ref().is_some_and(|search| search.account.is_none());
        if is_strangers {
            line.close();
        } else {
            self.idle.lock().push(line); // there are no more than turns
        }
    }
}

fn bind_answered(code: Code) -> Trouble {
    Trouble::Other(format!("the bind was answered by {code}"))
}

impl std::fmt::Debug for Ldap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ldap").field("server", &self.inner.server).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
