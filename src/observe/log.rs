//! The log: set up from `[log]`, written by a thread of its own, reopened for logrotate, flushed at the end.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::RwLock;
use tracing::Dispatch;
use tracing_subscriber::layer::SubscriberExt;

use crate::observe::config::Log;
use crate::observe::journal;
use crate::observe::layer::Lines;
use crate::observe::levels::Levels;
use crate::observe::output::Output;
use crate::observe::queue::Queue;

/// The owner of the log's thread. Dropped, it writes what waits, for at most 2 s, and ends the thread.
#[derive(Debug)]
pub struct LogHandle {
    config: Log,
    levels: Arc<RwLock<Levels>>,
    queue: Arc<Queue>,
    thread: Option<JoinHandle<()>>,
}

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// What it is to be written to doesn't open.
    #[error("the log can't be opened: {place}: {cause}")]
    Open {
        /// The file or socket.
        place: String,
        /// What the system says.
        cause: io::Error,
    },
    /// The system has no thread to give.
    #[error("no thread for the log: {0}")]
    Thread(io::Error),
    /// The process has a log.
    #[error("the process has a log already")]
    Installed,
}

impl LogHandle {
    /// Opens the log and makes it the process's.
    ///
    /// Errors: as [`LogHandle::start`]; the process has one.
    pub fn install(config: &Log) -> Result<Self, LogError> {
        let (dispatch, handle) = Self::start(config)?;
        tracing::dispatcher::set_global_default(dispatch).map_err(|_| LogError::Installed)?;
        Ok(handle)
    }

    /// Opens the log; lines go to it while the dispatch is in force.
    ///
    /// Errors: the file or the journal can't be opened, there is no thread.
    pub fn start(config: &Log) -> Result<(Dispatch, Self), LogError> {
        Self::start_on(Self::open(config)?, config, ROOM)
    }

    /// Opens the file or the journal anew, as after a rotation; lines not yet written go to the new one.
    ///
    /// Opens a file: not for a worker. Errors: it can't be opened; the log goes on where it was.
    pub fn reopen(&self) -> Result<(), LogError> {
        self.queue.redirect(Self::open(&self.config)?);
        Ok(())
    }

    /// Writes by `levels` from now on.
    pub fn change_levels(&self, levels: Levels) {
        *self.levels.write() = levels;
        tracing::callsite::rebuild_interest_cache();
    }

    /// Waits until the lines so far are written, at most 2 s. Whether they are. Blocks: not for a worker.
    pub fn flush(&self) -> bool {
        self.queue.flush(PATIENCE)
    }

    /// What reads how many lines were dropped, for the metrics.
    pub fn dropped(&self) -> impl Fn() -> u64 + Send + Sync + 'static {
        let queue = Arc::clone(&self.queue);
        move || queue.dropped()
    }

    fn open(config: &Log) -> Result<Output, LogError> {
        Output::open(config).map_err(|cause| {
            let file = config.file.as_ref().map(|file| file.display().to_string());
            LogError::Open { place: file.unwrap_or_else(|| journal::SOCKET.to_owned()), cause }
        })
    }

    fn start_on(output: Output, config: &Log, room: usize) -> Result<(Dispatch, Self), LogError> {
        let queue = Arc::new(Queue::new(room));
        let levels = Arc::new(RwLock::new(Levels::from(config.level)));
        let (of_thread, form) = (Arc::clone(&queue), config.format);
        let thread = std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || of_thread.write_to(output, form))
            .map_err(LogError::Thread)?;
        let lines = Lines { form, levels: Arc::clone(&levels), queue: Arc::clone(&queue) };
        let dispatch = Dispatch::new(tracing_subscriber::registry().with(lines));
        Ok((dispatch, Self { config: config.clone(), levels, queue, thread: Some(thread) }))
    }
}

impl Drop for LogHandle {
    fn drop(&mut self) {
        // A log that nobody reads must not keep the process: its thread is left behind then.
        if self.queue.close(PATIENCE)
            && let Some(thread) = self.thread.take()
        {
            let _ = thread.join();
        }
    }
}

/// Octets that may wait to be written.
const ROOM: usize = 4 * 1024 * 1024;
/// How long the end of the process waits for its log.
const PATIENCE: Duration = Duration::from_secs(2);

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;
