//! Which lines of scripts have run: what `gatepost test --coverage` shows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parking_lot::Mutex;

/// The lines that have run, by the script's name. A clone is the same record.
#[derive(Clone, Debug, Default)]
pub struct Coverage(Arc<Mutex<BTreeMap<String, BTreeSet<usize>>>>);

impl Coverage {
    /// Notes that this line of `file` runs.
    pub fn note(&self, file: &str, line: usize) {
        let mut files = self.0.lock();
        match files.get_mut(file) {
            Some(lines) => {
                lines.insert(line);
            }
            None => {
                files.insert(file.to_owned(), BTreeSet::from([line]));
            }
        }
    }

    /// All that has run.
    pub fn lines(&self) -> BTreeMap<String, BTreeSet<usize>> {
        self.0.lock().clone()
    }
}
