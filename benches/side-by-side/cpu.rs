//! Processor time and context switches of all of a proxy's processes, from /proc.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// What a proxy has used up to a moment, or between two.
#[derive(Clone, Copy, Default)]
pub(crate) struct Usage {
    /// User and system.
    pub(crate) cpu: Duration,
    /// Context switches, voluntary and not. Those of threads that have ended are missing.
    pub(crate) switches: u64,
}

impl Usage {
    /// What the processes `ids` have used until now.
    pub(crate) fn of(ids: &[u32]) -> Result<Self> {
        let mut usage = Self::default();
        for id in ids {
            let exact = in_tasks(*id)?;
            let coarse = in_ticks(*id)?;
            // The exact figure lacks threads that have ended; the other counts in steps of 10 ms.
            let lost = coarse.saturating_sub(exact.cpu) > Duration::from_millis(30);
            usage.cpu += if lost { coarse } else { exact.cpu };
            usage.switches += exact.switches;
        }
        Ok(usage)
    }

    /// What was used since `earlier`.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            cpu: self.cpu.saturating_sub(earlier.cpu),
            switches: self.switches.saturating_sub(earlier.switches),
        }
    }
}

/// From the scheduler's own account of each thread, in nanoseconds.
fn in_tasks(id: u32) -> Result<Usage> {
    let mut usage = Usage::default();
    for task in fs::read_dir(format!("/proc/{id}/task")).context("a proxy has ended")? {
        let task = task?.path();
        let account = fs::read_to_string(task.join("schedstat")).unwrap_or_default();
        let nanoseconds = account.split_whitespace().next().and_then(|word| word.parse().ok());
        usage.cpu += Duration::from_nanos(nanoseconds.unwrap_or(0));
        let status = fs::read_to_string(task.join("status")).unwrap_or_default();
        usage.switches += status
            .lines()
            .filter_map(|line| line.split_once("ctxt_switches:"))
            .filter_map(|(_, count)| count.trim().parse::<u64>().ok())
            .sum::<u64>();
    }
    Ok(usage)
}

/// From the process's own account, in clock ticks.
fn in_ticks(id: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).context("a proxy has ended")?;
    let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    // Fields 14 and 15 of proc_pid_stat(5): user and system time.
    let ticks: u64 =
        rest.split_whitespace().skip(11).take(2).filter_map(|word| word.parse::<u64>().ok()).sum();
    Ok(Duration::from_millis(ticks * 10)) // USER_HZ is 100 on Linux
}
