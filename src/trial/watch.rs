//! Waits until a policy, a test or a configuration has changed.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher as _};

/// Watches folders.
pub struct Watch {
    _watcher: RecommendedWatcher,
    changes: Receiver<notify::Result<Event>>,
}

/// How long nothing more may change before it counts as one change: an editor writes more than once.
const QUIET: Duration = Duration::from_millis(100);

impl Watch {
    /// Watches `paths` and what is below them; of a file its folder, for editors replace files.
    ///
    /// *Errors*: the system can't watch them.
    pub fn start(paths: &[PathBuf]) -> Result<Watch, String> {
        let (tell, changes) = channel();
        let mut watcher = notify::recommended_watcher(tell).map_err(|error| error.to_string())?;
        for path in paths {
            let folder = match path.is_dir() {
                true => path.as_path(),
                false => {
                    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
                }
            };
            watcher.watch(folder, RecursiveMode::Recursive).map_err(|error| error.to_string())?;
        }
        Ok(Watch { _watcher: watcher, changes })
    }

    /// Waits for a change that matters; false if there will be none any more.
    pub fn wait(&self) -> bool {
        loop {
            match self.changes.recv() {
                Ok(Ok(event)) if matters(&event) => break,
                Ok(_) => {}
                Err(_) => return false,
            }
        }
        loop {
            match self.changes.recv_timeout(QUIET) {
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => return true,
                Err(RecvTimeoutError::Disconnected) => return false,
            }
        }
    }
}

/// Whether a script, a configuration or a list has changed; to have been read is no change.
fn matters(event: &Event) -> bool {
    let is_ours = |path: &PathBuf| {
        path.extension().is_some_and(|end| ["lua", "toml", "txt"].iter().any(|known| end == *known))
    };
    !event.kind.is_access() && event.paths.iter().any(is_ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_script_ends_the_wait_and_other_files_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("p.lua");
        std::fs::write(&script, "return {}").unwrap();
        let watch = Watch::start(&[folder.path().to_owned()]).unwrap();
        std::fs::write(folder.path().join("notes"), "x").unwrap();
        std::fs::write(&script, "return { }").unwrap();
        assert!(watch.wait());
        let left = watch.changes.try_iter().flatten().filter(matters).count();
        assert_eq!(left, 0, "one change is one");
    }
}
