//! A proxy's processes: started, found again with all their children, ended.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};

/// A proxy that was started here. Ended, with its children, when dropped.
pub(crate) struct Process {
    child: Child,
}

impl Process {
    /// Starts `command`; what it prints goes to `log`.
    pub(crate) fn start(command: &mut Command, log: &Path) -> Result<Self> {
        let output = fs::File::create(log).with_context(|| log.display().to_string())?;
        let program = command.get_program().to_string_lossy().into_owned();
        let child = command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("{program} can't be started (benches/run installs the peers)"))?;
        Ok(Self { child })
    }

    /// Whether it has ended already.
    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// The ids of the process and of all that descend from it.
    pub(crate) fn ids(&self) -> Vec<u32> {
        let mut parents = Vec::new();
        for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let id = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok());
            let status = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
            // After the name in parentheses: state, parent.
            let parent = status.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1));
            if let (Some(id), Some(parent)) = (id, parent.and_then(|parent| parent.parse::<u32>().ok())) {
                parents.push((id, parent));
            }
        }
        let mut ids = vec![self.child.id()];
        let mut next = 0;
        while let Some(parent) = ids.get(next).copied() {
            ids.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(id, _)| *id));
            next += 1;
        }
        ids
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let ids = self.ids();
        signal(self.child.id(), Signal::TERM);
        let begun = Instant::now();
        while !self.has_ended() && begun.elapsed() < Duration::from_secs(3) {
            thread::sleep(Duration::from_millis(10));
        }
        if !self.has_ended() {
            ids.into_iter().for_each(|id| signal(id, Signal::KILL));
            let _ended = self.child.wait();
        }
    }
}

/// Sends `signal` to process `id`, if it is still there.
pub(crate) fn signal(id: u32, signal: Signal) {
    if let Some(id) = i32::try_from(id).ok().and_then(Pid::from_raw) {
        let _gone = kill_process(id, signal);
    }
}
