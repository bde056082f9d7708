//! A Maildir as backend, for the demo and for tests: a message is acknowledged once it is durably there.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::time::{Instant, timeout_at};

use crate::backend::delivery::{Ack, Delivery};
use crate::backend::envelope::Envelope;
use crate::backend::folders::Folders;
use crate::fault::{BackendFault, Fault};
use crate::message::outgoing::Outgoing;
use crate::smtp::data_encoder::Unstuffer;
use crate::threads::storage::StoragePool;

/// A Maildir in a folder. Cheap to clone.
#[derive(Clone)]
pub struct Maildir {
    folder: Arc<Path>,
    folders: Arc<Folders>,
    pool: StoragePool,
    count: Arc<AtomicU64>,
}

impl Maildir {
    /// The Maildir in `folder`, of which `folders` know; it is made when the first message comes.
    pub fn new(folder: PathBuf, folders: Arc<Folders>, pool: StoragePool) -> Self {
        Maildir { folder: folder.into(), folders, pool, count: Arc::default() }
    }

    /// Stores `outgoing`, which came in the session of that id, with Return-Path and Delivered-To fields on top: the
    /// folders made and flushed, the message written to tmp, flushed, renamed to new, that folder flushed.
    ///
    /// *Errors*: `Local` if any of that fails; nothing is left in new then. `Lost` if it is not done by `deadline`: then
    /// it may still come about, as with any backend whose answer is overdue (RFC 1047).
    pub async fn deliver(
        &self,
        envelope: &Envelope,
        outgoing: &Outgoing,
        session: &str,
        deadline: Instant,
    ) -> Result<Delivery, Fault> {
        let name = name(SystemTime::now(), session, self.count.fetch_add(1, Ordering::Relaxed));
        let path = self.folder.join("tmp").join(&name);
        let stored = match timeout_at(deadline, self.store(&path, &name, envelope, outgoing)).await {
            Ok(stored) => stored,
            Err(_) => Err(BackendFault::Lost("the Maildir takes too long".to_owned()).into()),
        };
        if stored.is_err() {
            let folders = Arc::clone(&self.folders);
            self.pool.leave(move || {
                folders.forget();
                drop(fs::remove_file(path));
            });
        }
        stored.map(|()| Delivery::Acknowledged(Ack::of_store(&name)))
    }

    async fn store(
        &self,
        path: &Path,
        name: &str,
        envelope: &Envelope,
        outgoing: &Outgoing,
    ) -> Result<(), Fault> {
        let (folder, created) = (Arc::clone(&self.folder), path.to_owned());
        let (folders, top) = (Arc::clone(&self.folders), envelope.delivery_fields());
        let create = self.run(move || {
            folders.make(&folder)?;
            let mut file = folders.disk.create(&created).or_else(|_| {
                folders.forget(); // somebody may have removed them
                folders.make(&folder)?;
                folders.disk.create(&created)
            })?;
            file.write_all(top.as_bytes())?;
            Ok(file)
        });
        let mut file = create.await?;
        let mut unstuffer = Unstuffer::new();
        let mut reader = outgoing.reader();
        while let Some(piece) = reader.next().await.map_err(|error| Fault::Local(error.to_string()))? {
            let mut octets = Vec::with_capacity(piece.len());
            unstuffer.feed(&piece, |content| octets.extend_from_slice(content));
            file = self.run(move || file.write_all(&octets).map(|()| file)).await?;
        }
        let (from, new) = (path.to_owned(), self.folder.join("new"));
        let (to, folders) = (new.join(name), Arc::clone(&self.folders));
        self.run(move || {
            folders.disk.sync_file(&file, &from)?;
            folders.disk.rename(&from, &to)?;
            // Not known to be there for good: it comes again, and once is enough.
            folders.disk.sync_folder(&new).inspect_err(|_| drop(fs::remove_file(&to)))
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> Result<T, Fault> {
        let local = |error: &dyn std::fmt::Display| {
            Fault::Local(format!("maildir {}: {error}", self.folder.display()))
        };
        self.pool.run(work).await.map_err(|error| local(&error))?.map_err(|error| local(&error))
    }
}

/// A name that no other delivery has: time, process, session, count within it, as Maildir asks for.
///
/// Sessions deliver on several workers in the same microsecond, each with a count of its own.
fn name(now: SystemTime, session: &str, count: u64) -> String {
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (seconds, micros, process) = (now.as_secs(), now.subsec_micros(), std::process::id());
    format!("{seconds}.M{micros}P{process}S{session}Q{count}.gatepost")
}

impl std::fmt::Debug for Maildir {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Maildir").field("folder", &self.folder).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
