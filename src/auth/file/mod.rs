//! `file:PATH`: users and hashes in a file, read anew when it has changed, checked on threads beside the workers.

pub mod hash;
pub mod users;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio::time::{Duration, timeout};

use crate::auth::check::{Check, Found, PASSWORDS};
use crate::auth::file::users::{LineError, Users};
use crate::auth::scram::Record;
use crate::auth::verifier::{Attempt, Pending};
use crate::smtp::mechanism::{Mechanism, Mechanisms};
use crate::smtp::secret::Secret;
use crate::threads::storage::StoragePool;

/// The users of a file, common to all workers.
pub struct File {
    path: PathBuf,
    /// Who hashes; not who writes content.
    pool: StoragePool,
    users: ArcSwap<Users>,
    read: Mutex<Option<Stamp>>,
    key: [u8; 32],
    /// The thread, one of two, for clients whose networks have failed too often lately.
    guessing: Arc<Semaphore>,
}

/// By what it is seen that a file has changed.
type Stamp = (Option<SystemTime>, u64, u64);

/// Why a file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It can't be read.
    #[error("{path}: {error}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        error: std::io::Error,
    },
    /// A line is wrong.
    #[error("{path}, {error}")]
    Wrong {
        /// The file.
        path: PathBuf,
        /// Where and why.
        error: LineError,
    },
}

/// Octets of a file.
const LARGEST: u64 = 64 << 20;
/// How long a login may wait for a thread that hashes, and for the hashing.
const PATIENCE: Duration = Duration::from_secs(20);

impl File {
    /// The users in the file at `path`; `pool` hashes.
    ///
    /// *Errors*: see `FileError`. Blocks: not for a worker that serves.
    pub fn open(path: &Path, pool: StoragePool) -> Result<File, FileError> {
        let key = Users::key();
        let (users, stamp) = read(path, key)?;
        Ok(File {
            path: path.to_owned(),
            pool,
            users: ArcSwap::from_pointee(users),
            read: Mutex::new(Some(stamp)),
            key,
            guessing: Arc::new(Semaphore::new(1)),
        })
    }

    /// The users, read anew if the file has changed. A file that can't be used leaves those that were read last.
    fn users(&self) -> Arc<Users> {
        // One thread reads; the others take what was read last.
        if let Some(mut last) = self.read.try_lock() {
            let stamp = std::fs::metadata(&self.path).ok().map(|found| stamp(&found));
            if stamp != *last {
                *last = stamp;
                match read(&self.path, self.key) {
                    Ok((users, stamp)) => {
                        self.users.store(Arc::new(users));
                        *last = Some(stamp);
                    }
                    Err(error) => {
                        tracing::error!(%error, "the users that were read last stay in force");
                    }
                }
            }
        }
        self.users.load_full()
    }

    /// What `work` makes of the users, on a thread of the pool.
    async fn ask<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Users) -> T + Send + 'static,
    ) -> Result<T, String> {
        let file = Arc::clone(self);
        let asked = self.pool.run(move || work(&file.users()));
        match timeout(PATIENCE, asked).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(stopped)) => Err(stopped.to_string()),
            Err(_) => Err("too many logins at once".to_owned()),
        }
    }
}

impl Check for Arc<File> {
    fn mechanisms(&self) -> Mechanisms {
        if self.users.load().has_records() {
            PASSWORDS.with(Mechanism::ScramSha256).with(Mechanism::ScramSha256Plus)
        } else {
            PASSWORDS
        }
    }

    fn password<'a>(
        &'a self,
        attempt: &'a Attempt,
        user: &'a str,
        password: &'a Secret,
    ) -> Pending<'a, Found> {
        let (name, password) = (user.to_owned(), password.clone());
        Box::pin(async move {
            let guessing = match attempt.is_suspect {
                true => match timeout(PATIENCE / 2, Arc::clone(&self.guessing).acquire_owned()).await {
                    Ok(turn) => turn.ok(),
                    Err(_) => return Found::Unavailable("too many logins at once".to_owned()),
                },
                false => None,
            };
            let asked = self.ask(move |users| {
                let _guessing = guessing; // until it is done, though the client may have left
                let (hash, is_own) = users.hash(&name)?;
                // Both are found out, whatever the other is.
                let is_right = hash.is_of(&password);
                (is_right & is_own).then_some(name)
            });
            match asked.await {
                Ok(Some(user)) => Found::User(user),
                Ok(None) => Found::Nobody,
                Err(why) => Found::Unavailable(why),
            }
        })
    }

    fn record<'a>(&'a self, user: &'a str) -> Pending<'a, Result<Record, String>> {
        let name = user.to_owned();
        Box::pin(async move {
            let record = self.ask(move |users| users.record(&name)).await?;
            record.ok_or_else(|| "nobody has a record for SCRAM".to_owned())
        })
    }
}

fn read(path: &Path, key: [u8; 32]) -> Result<(Users, Stamp), FileError> {
    let (text, stamp) = text_and_stamp(path)?;
    let users =
        Users::parse(&text, key).map_err(|error| FileError::Wrong { path: path.to_owned(), error })?;
    Ok((users, stamp))
}

/// What stands in the file at `path`.
///
/// *Errors*: it can't be read, is too large, or no text. Blocks.
pub fn text(path: &Path) -> Result<String, FileError> {
    text_and_stamp(path).map(|(text, _)| text)
}

fn text_and_stamp(path: &Path) -> Result<(String, Stamp), FileError> {
    let unreadable = |error| FileError::Unreadable { path: path.to_owned(), error };
    let mut file = std::fs::File::open(path).map_err(unreadable)?;
    let found = file.metadata().map_err(unreadable)?;
    let mut text = String::new();
    let length = file.by_ref().take(LARGEST + 1).read_to_string(&mut text).map_err(unreadable)?;
    if u64::try_from(length).is_ok_and(|length| length > LARGEST) {
        return Err(unreadable(std::io::Error::other("it has more than 64 MiB")));
    }
    Ok((text, stamp(&found)))
}

fn stamp(found: &std::fs::Metadata) -> Stamp {
    use std::os::unix::fs::MetadataExt;
    (found.modified().ok(), found.len(), found.ino())
}

impl std::fmt::Debug for File {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("File").field("path", &self.path).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
