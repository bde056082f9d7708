//! Counts a proxy's system calls with strace, which slows it: for the count alone, never for times.

use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::Signal;

use crate::process::signal;

/// System calls that the processes `ids` make while `work` runs.
///
/// Errors: without strace, or without the right to trace.
pub(crate) fn count(ids: &[u32], work: impl FnOnce() -> Result<()>) -> Result<u64> {
    let mut command = Command::new("strace");
    command.args(["-f", "-c", "-U", "calls,name"]);
    for id in ids {
        command.arg("-p").arg(id.to_string());
    }
    let strace = command.stderr(Stdio::piped()).spawn().context("strace can't be started")?;
    thread::sleep(Duration::from_millis(700)); // until it has attached
    let worked = work();
    signal(strace.id(), Signal::INT);
    let printed = strace.wait_with_output()?.stderr;
    worked?;
    let printed = String::from_utf8_lossy(&printed);
    let total = printed.lines().rev().find_map(|line| line.trim().strip_suffix("total"));
    let total = total.and_then(|words| words.split_whitespace().next()?.parse().ok());
    total.with_context(|| format!("strace counted nothing: {printed}"))
}
