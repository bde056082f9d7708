//! Where content waits: in memory up to a bound, past it in a file without a name.

use std::fmt;
use std::fs::File;
use std::io::{self, IoSliceMut};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use rustix::fs::sendfile;
use rustix::io::{Errno, ReadWriteFlags};
use tokio::time::timeout;

use crate::message::shelf::Shelf;
use crate::message::spare_files::SpareFiles;
use crate::threads::storage::StoragePool;

/// The spool of the whole process: its folder, its bounds, and what is in use.
pub struct Spool {
    directory: PathBuf,
    /// Octets of one message that stay in memory.
    memory: u64,
    /// Octets of all messages together.
    limit: u64,
    used: AtomicU64,
    shelf: Arc<Shelf>,
    spares: SpareFiles,
    pool: StoragePool,
}

/// How long the disk may take to make a file, or to write or read one piece.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why content can't be kept: the client gets 452 4.3.1. Source: RFC 5321 §4.2.2.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SpoolError {
    /// All messages together have reached `spool.limit`.
    #[error("the spool is full: spool.limit is reached")]
    Full,
    /// The file system says no: full, gone, not permitted; or nothing in time.
    #[error("the spool folder {directory}: {cause}")]
    Storage {
        /// The folder.
        directory: PathBuf,
        /// What the system said.
        cause: Arc<io::Error>,
    },
    /// The process is ending.
    #[error("the storage pool has stopped")]
    Stopped,
}

/// Why what is in a file didn't get to a connection.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// It can't be read.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// The connection doesn't take it.
    #[error("{0}")]
    Connection(io::Error),
}

impl fmt::Debug for Spool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spool")
            .field("directory", &self.directory)
            .field("used", &self.used)
            .finish_non_exhaustive()
    }
}

impl Spool {
    /// A spool in `directory` that keeps `memory` octets of each message in memory and `limit` octets in all.
    pub fn new(directory: PathBuf, memory: u64, limit: u64, pool: StoragePool) -> Arc<Spool> {
        let (used, shelf, spares) = (AtomicU64::new(0), Arc::default(), SpareFiles::default());
        Arc::new(Spool { directory, memory, limit, used, shelf, spares, pool })
    }

    /// Octets of one message that stay in memory.
    pub fn memory(&self) -> u64 {
        self.memory
    }

    /// Octets in use by all messages.
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// Its large buffers.
    pub fn shelf(&self) -> &Arc<Shelf> {
        &self.shelf
    }

    /// The folder of the files.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Closes the files that no message has wanted since it was called last.
    pub fn tidy(&self) {
        self.close(self.spares.tidy());
    }

    /// Closes `files` on the storage pool: the system frees their blocks, which takes time if there are many.
    fn close(&self, files: Vec<File>) {
        if !files.is_empty() {
            self.pool.leave(move || drop(files));
        }
    }

    /// What `work` gives, done on the storage pool; an error if the disk takes longer than `PATIENCE`.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> Result<T, SpoolError> {
        match timeout(PATIENCE, self.pool.run(work)).await {
            Ok(done) => done.map_err(|_| SpoolError::Stopped)?.map_err(|cause| self.storage_error(cause)),
            Err(_) => Err(self.storage_error(io::ErrorKind::TimedOut.into())),
        }
    }

    fn storage_error(&self, cause: io::Error) -> SpoolError {
        // If the disk is full, it has more room now; if it is broken, so are they.
        self.close(self.spares.clear());
        SpoolError::Storage { directory: self.directory.clone(), cause: Arc::new(cause) }
    }
}

/// Room in the spool that one message holds, given back when it goes.
#[derive(Debug)]
pub struct Room {
    spool: Arc<Spool>,
    octets: u64,
}

impl Room {
    /// No room yet, in `spool`.
    pub fn new(spool: Arc<Spool>) -> Self {
        Room { spool, octets: 0 }
    }

    /// The spool.
    pub fn spool(&self) -> &Arc<Spool> {
        &self.spool
    }

    /// Takes `octets` more, or nothing.
    ///
    /// *Errors*: `Full`, if all messages would then exceed the limit.
    pub fn take(&mut self, octets: u64) -> Result<(), SpoolError> {
        let limit = self.spool.limit;
        let more = |used: u64| used.checked_add(octets).filter(|used| *used <= limit);
        let taken = self.spool.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        taken.map_err(|_| SpoolError::Full)?;
        self.octets += octets;
        Ok(())
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.spool.used.fetch_sub(self.octets, Ordering::Relaxed);
    }
}

/// The part of one message that is in a file without a name, which the next message may have after the last handle.
#[derive(Clone, Debug)]
pub struct SpoolFile {
    spool: Arc<Spool>,
    file: Arc<Unlinked>,
}

/// A file without a name.
#[derive(Debug)]
struct Unlinked {
    spool: Arc<Spool>,
    file: Option<File>,
    /// Octets that it holds, of this message or of one before.
    octets: AtomicU64,
    /// Connections that may still read from it: what `send` gives them is the system's own memory of the file, no copy.
    readers: AtomicUsize,
}

impl Unlinked {
    fn file(&self) -> io::Result<&File> {
        self.file.as_ref().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Drop for Unlinked {
    fn drop(&mut self) {
        let Some(file) = self.file.take() else { return };
        let octets = *self.octets.get_mut();
        // One that a connection may still read from must not be written to.
        let kept =
            if *self.readers.get_mut() == 0 { self.spool.spares.give(file, octets) } else { Err(file) };
        self.spool.close(kept.err().into_iter().collect());
    }
}

impl SpoolFile {
    /// A file in the folder of `spool`, new or one that another message has left. Only what is written is ever read.
    ///
    /// *Errors*: `Storage`, `Stopped`.
    pub async fn create(spool: &Arc<Spool>) -> Result<SpoolFile, SpoolError> {
        let (file, octets) = match spool.spares.take() {
            Some(spare) => spare,
            None => {
                let directory = spool.directory.clone();
                (spool.run(move || tempfile::tempfile_in(directory)).await?, 0)
            }
        };
        let (octets, readers) = (AtomicU64::new(octets), AtomicUsize::new(0));
        let file = Unlinked { spool: Arc::clone(spool), file: Some(file), octets, readers };
        Ok(SpoolFile { spool: Arc::clone(spool), file: Arc::new(file) })
    }

    /// Writes `octets` at `offset`, on the storage pool; gives the buffer back for its next use.
    ///
    /// *Errors*: `Storage`, `Stopped`.
    pub async fn write(&self, offset: u64, octets: Vec<u8>) -> Result<Vec<u8>, SpoolError> {
        let file = Arc::clone(&self.file);
        file.octets.fetch_max(offset.saturating_add(octets.len() as u64), Ordering::Relaxed);
        self.spool.run(move || file.file()?.write_all_at(&octets, offset).map(|()| octets)).await
    }

    /// Takes note that a connection is about to be given octets by `send`; until `has_arrived`, they may be read from
    /// the file itself.
    pub fn sets_out(&self) {
        self.file.readers.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes note that one connection has read all that it was given: what it was for was acknowledged.
    pub fn has_arrived(&self) {
        self.file.readers.fetch_sub(1, Ordering::Relaxed);
    }

    /// Gives `socket`, which doesn't block, what it takes now of the octets from `offset`, at most `length`; how many
    /// those were, 0 if it takes none now. They go from the system's memory to the connection without a copy.
    ///
    /// Done on the storage pool: what is not in the system's memory is waited for there.
    /// *Errors*: `SendError`.
    pub async fn send(&self, socket: &Arc<OwnedFd>, offset: u64, length: u64) -> Result<u64, SendError> {
        let (file, socket) = (Arc::clone(&self.file), Arc::clone(socket));
        let sent = self.spool.run(move || Ok(send(file.file()?, &socket, offset, length))).await?;
        match sent {
            Ok(sent) => Ok(sent),
            // The file's own trouble; all else is the connection's.
            Err(Errno::IO) => Err(self.spool.storage_error(Errno::IO.into()).into()),
            Err(error) => Err(SendError::Connection(error.into())),
        }
    }

    /// The octets from `offset`, `length` or as many as a large buffer holds.
    ///
    /// What the system has in memory is taken at once, which saves the way to the storage pool and back; only what it
    /// must fetch is read there.
    ///
    /// *Errors*: `Storage`, also when the file is shorter than that; `Stopped`.
    pub async fn read(&self, offset: u64, length: usize) -> Result<Bytes, SpoolError> {
        let shelf = &self.spool.shelf;
        let mut octets = shelf.take_dirty(length);
        let at_hand = match self.file.file() {
            Ok(file) => read_at_hand(file, &mut octets, offset),
            Err(cause) => return Err(self.spool.storage_error(cause)),
        };
        if at_hand == octets.len() {
            return Ok(shelf.share(octets));
        }
        let file = Arc::clone(&self.file);
        let read = move || {
            let rest = octets.get_mut(at_hand..).unwrap_or_default();
            file.file()?.read_exact_at(rest, offset + at_hand as u64).map(|()| octets)
        };
        Ok(shelf.share(self.spool.run(read).await?))
    }
}

/// Sends from `file` to `socket` until that takes no more now; how much that was.
fn send(file: &File, socket: &OwnedFd, offset: u64, length: u64) -> Result<u64, Errno> {
    let mut at = offset;
    while at < offset + length {
        let left = usize::try_from(offset + length - at).unwrap_or(usize::MAX);
        match sendfile(socket, file, Some(&mut at), left) {
            Ok(0) => return Err(Errno::IO), // the file is shorter than it was
            Ok(_) | Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => break,
            Err(error) => return Err(error),
        }
    }
    Ok(at - offset)
}

/// Fills `octets` from `file` without a wait for the disk; how many there were.
fn read_at_hand(file: &File, octets: &mut [u8], offset: u64) -> usize {
    let place = &mut [IoSliceMut::new(octets)];
    // An error is met again by the read that waits.
    rustix::io::preadv2(file, place, offset, ReadWriteFlags::NOWAIT).unwrap_or(0)
}

#[cfg(test)]
mod tests;
