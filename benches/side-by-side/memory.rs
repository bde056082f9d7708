//! Memory of all of a proxy's processes, from /proc; pages that they share are counted once.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

/// What the processes `ids` hold in memory, in octets: the sum of their proportional set sizes.
pub(crate) fn resident(ids: &[u32]) -> Result<u64> {
    ids.iter().map(|id| field(*id, "Pss:")).sum()
}

/// The same as the sum of their resident set sizes, where shared pages are counted in each process.
pub(crate) fn resident_with_shared(ids: &[u32]) -> Result<u64> {
    ids.iter().map(|id| field(*id, "Rss:")).sum()
}

fn field(id: u32, name: &str) -> Result<u64> {
    let rollup = fs::read_to_string(format!("/proc/{id}/smaps_rollup")).context("a proxy has ended")?;
    let line = rollup.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    let kibibytes = line.split_whitespace().next().and_then(|word| word.parse::<u64>().ok());
    Ok(kibibytes.context("smaps_rollup")? * 1024)
}

/// Runs `work` and gives the most that the processes `ids` held meanwhile, in octets, and its result.
pub(crate) fn peak<T>(ids: &[u32], work: impl FnOnce() -> Result<T>) -> Result<(u64, T)> {
    let done = Arc::new(AtomicBool::new(false));
    let watcher = thread::spawn({
        let done = Arc::clone(&done);
        let ids = ids.to_vec();
        move || {
            let mut most = 0;
            while !done.load(Ordering::Relaxed) {
                most = most.max(resident(&ids)?);
                thread::sleep(Duration::from_millis(25));
            }
            anyhow::Ok(most)
        }
    });
    let result = work();
    done.store(true, Ordering::Relaxed);
    let most = watcher.join().map_err(|_| anyhow::anyhow!("the memory watcher failed"))?;
    let result = result?;
    Ok((most?, result))
}
