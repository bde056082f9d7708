//! The folders of a Maildir, made so that a power cut doesn't lose them, and what is asked of the disk for that.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use parking_lot::Mutex;

/// What a Maildir asks of the file system; a test watches it.
pub(super) trait Disk: Send + Sync {
    /// Makes `folder`, whose parent is there.
    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir(folder)
    }

    /// Makes the file `path`, which is not there yet.
    fn create(&self, path: &Path) -> io::Result<File> {
        File::create_new(path)
    }

    /// Flushes what was written to `file`, which is at `path`.
    fn sync_file(&self, file: &File, _path: &Path) -> io::Result<()> {
        file.sync_all()
    }

    /// Flushes the names in `folder`.
    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }

    /// Gives the file `from` the name `to`.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }
}

/// The disk itself.
struct System;

impl Disk for System {}

/// The folders of one Maildir, for all sessions of the process: what one has made no other takes for durable before it is.
pub struct Folders {
    pub(super) disk: Box<dyn Disk>,
    is_ready: Mutex<bool>,
}

impl Default for Folders {
    fn default() -> Self {
        Folders::on(Box::new(System))
    }
}

impl Folders {
    /// The folders on `disk`, of which nothing is known yet.
    pub(super) fn on(disk: Box<dyn Disk>) -> Self {
        Folders { disk, is_ready: Mutex::new(false) }
    }

    /// Makes the Maildir `folder` unless it is known to be there, with all above it; when this returns, it is on disk.
    pub(super) fn make(&self, folder: &Path) -> io::Result<()> {
        let mut is_ready = self.is_ready.lock();
        if *is_ready {
            return Ok(());
        }
        for part in ["tmp", "new", "cur"] {
            self.make_one(&folder.join(part))?;
        }
        self.disk.sync_folder(folder)?;
        // It may have been made by a process that died before that was on disk. Whoever may not read what is above it
        // has not made it, either.
        let _ = self.disk.sync_folder(parent(folder));
        *is_ready = true;
        Ok(())
    }

    /// Forgets that they are there: something was not where it should be.
    pub(super) fn forget(&self) {
        *self.is_ready.lock() = false;
    }

    /// Makes `folder` and those above it that are missing, each flushed together with its name.
    fn make_one(&self, folder: &Path) -> io::Result<()> {
        if folder.is_dir() {
            return Ok(());
        }
        let above = parent(folder);
        self.make_one(above)?;
        match self.disk.make_folder(folder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
            made => made?,
        }
        self.disk.sync_folder(above)
    }
}

impl std::fmt::Debug for Folders {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Folders").field("is_ready", &self.is_ready).finish_non_exhaustive()
    }
}

/// The folder that `folder` is in.
fn parent(folder: &Path) -> &Path {
    match folder.parent() {
        Some(above) if !above.as_os_str().is_empty() => above,
        Some(_) => Path::new("."),
        None => folder,
    }
}
