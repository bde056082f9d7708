//! Files without a name that one message is done with, kept for the next.
//!
//! To write over what a file holds costs the system far less than a new file does, for which it finds room on the disk
//! and in memory, only to give both back at once. A file that nobody has wanted for a while goes.

use std::fs::File;

use parking_lot::Mutex;

/// Octets that all spare files hold on the disk, at most.
const MOST: u64 = 256 << 20;
/// Octets of the largest that is kept.
const LARGEST: u64 = 32 << 20;

/// The files that no message uses now; the one that came last goes out first, for it is the likeliest to be in memory.
#[derive(Debug, Default)]
pub(super) struct SpareFiles(Mutex<Vec<Spare>>);

#[derive(Debug)]
struct Spare {
    file: File,
    /// Octets that it holds, of messages before.
    octets: u64,
    /// Whether it was here at the last `tidy` already.
    is_old: bool,
}

impl SpareFiles {
    /// One of them, and how many octets of earlier messages are in it.
    pub(super) fn take(&self) -> Option<(File, u64)> {
        self.0.lock().pop().map(|spare| (spare.file, spare.octets))
    }

    /// Keeps `file`, which holds so many octets; gives it back if it is too large, or all of them would be.
    pub(super) fn give(&self, file: File, octets: u64) -> Result<(), File> {
        let mut spares = self.0.lock();
        let kept: u64 = spares.iter().map(|spare| spare.octets).sum();
        if octets > LARGEST || kept + octets > MOST {
            return Err(file);
        }
        spares.push(Spare { file, octets, is_old: false });
        Ok(())
    }

    /// Takes out those that nobody has wanted since it was called last, to be closed.
    pub(super) fn tidy(&self) -> Vec<File> {
        let mut spares = self.0.lock();
        let old = spares.extract_if(.., |spare| std::mem::replace(&mut spare.is_old, true));
        old.map(|spare| spare.file).collect()
    }

    /// Takes out all, to be closed.
    pub(super) fn clear(&self) -> Vec<File> {
        self.0.lock().drain(..).map(|spare| spare.file).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> File {
        tempfile::tempfile().unwrap()
    }

    #[test]
    fn what_is_kept_has_bounds() {
        let spares = SpareFiles::default();
        assert!(spares.give(file(), LARGEST + 1).is_err());
        for _ in 0..MOST / LARGEST {
            spares.give(file(), LARGEST).unwrap();
        }
        assert!(spares.give(file(), 1).is_err());
        assert_eq!(spares.take().unwrap().1, LARGEST);
        spares.give(file(), 1).unwrap();
        assert_eq!(spares.take().unwrap().1, 1, "the last one goes first");
    }

    #[test]
    fn files_that_nobody_wants_go() {
        let spares = SpareFiles::default();
        spares.give(file(), 1).unwrap();
        spares.give(file(), 2).unwrap();
        assert!(spares.tidy().is_empty(), "they came just now");
        let (wanted, octets) = spares.take().unwrap();
        spares.give(wanted, octets).unwrap();
        assert_eq!(spares.tidy().len(), 1, "that which was not wanted meanwhile");
        assert_eq!(spares.tidy().len(), 1);
        assert!(spares.take().is_none());
    }
}
