//! Where content waits: in memory up to a bound, past it in a file without a name.

use std::fmt;
use std::fs::File;
use std::io::{self, IoSliceMut};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use rustix::io::ReadWriteFlags;
use tokio::time::timeout;

use crate::message::shelf::Shelf;
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
        let (used, shelf) = (AtomicU64::new(0), Arc::default());
        Arc::new(Spool { directory, memory, limit, used, shelf, pool })
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

/// The part of one message that is in a file; the file has no name and goes with its last handle.
#[derive(Clone, Debug)]
pub struct SpoolFile {
    spool: Arc<Spool>,
    file: Arc<Unlinked>,
}

/// A file without a name. The system frees its blocks when it is closed, which takes time if there are many.
#[derive(Debug)]
struct Unlinked {
    spool: Arc<Spool>,
    file: Option<File>,
}

impl Unlinked {
    fn file(&self) -> io::Result<&File> {
        self.file.as_ref().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Drop for Unlinked {
    fn drop(&mut self) {
        let file = self.file.take();
        self.spool.pool.leave(move || drop(file));
    }
}

impl SpoolFile {
    /// A new file in the folder of `spool`.
    ///
    /// *Errors*: `Storage`, `Stopped`.
    pub async fn create(spool: &Arc<Spool>) -> Result<SpoolFile, SpoolError> {
        let directory = spool.directory.clone();
        let file = spool.run(move || tempfile::tempfile_in(directory)).await?;
        let file = Unlinked { spool: Arc::clone(spool), file: Some(file) };
        Ok(SpoolFile { spool: Arc::clone(spool), file: Arc::new(file) })
    }

    /// Writes `octets` at `offset`, on the storage pool; gives the buffer back for its next use.
    ///
    /// *Errors*: `Storage`, `Stopped`.
    pub async fn write(&self, offset: u64, octets: Vec<u8>) -> Result<Vec<u8>, SpoolError> {
        let file = Arc::clone(&self.file);
        self.spool.run(move || file.file()?.write_all_at(&octets, offset).map(|()| octets)).await
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

/// Fills `octets` from `file` without a wait for the disk; how many there were.
fn read_at_hand(file: &File, octets: &mut [u8], offset: u64) -> usize {
    let place = &mut [IoSliceMut::new(octets)];
    // An error is met again by the read that waits.
    rustix::io::preadv2(file, place, offset, ReadWriteFlags::NOWAIT).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[tokio::test]
    async fn a_disk_that_hangs_is_an_error_in_time() {
        let folder = tempfile::tempdir().unwrap();
        let pool = StoragePool::start(1, 8).unwrap();
        let spool = Spool::new(folder.path().to_owned(), 0, 1000, pool.clone());
        let file = SpoolFile::create(&spool).await.unwrap();
        let (release, gate) = channel::<()>();
        pool.leave(move || {
            let _ = gate.recv();
        });
        tokio::time::pause(); // from here on it goes on when nothing else does
        let is_overdue = |error: SpoolError| matches!(error, SpoolError::Storage { cause, .. } if cause.kind() == io::ErrorKind::TimedOut);
        assert!(is_overdue(SpoolFile::create(&spool).await.unwrap_err()));
        assert!(is_overdue(file.write(0, b"octets".to_vec()).await.unwrap_err()));
        // What is not there yet is not in the system's memory either: it would have to be fetched.
        assert!(is_overdue(file.read(0, 6).await.unwrap_err()));
        drop(release);
    }
}
