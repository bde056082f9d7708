//! The end of service, in two steps: no new work, then no more patience.

use tokio::sync::watch;

/// How far the end of service has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// All is served.
    Serving,
    /// Idle sessions are closed, the others after their transaction.
    Draining,
    /// Sessions that are not past their end of data are closed.
    Ending,
}

/// Tells all sessions of the phase.
#[derive(Debug)]
pub struct Drain(watch::Sender<Phase>);

/// A session's view of the phase. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Draining(watch::Receiver<Phase>);

impl Drain {
    /// Serving.
    pub fn new() -> Self {
        Drain(watch::Sender::new(Phase::Serving))
    }

    /// Goes on to `phase`; never back.
    pub fn advance(&self, phase: Phase) {
        self.0.send_if_modified(|current| {
            let is_later = phase > *current;
            if is_later {
                *current = phase;
            }
            is_later
        });
    }

    /// A view for sessions.
    pub fn watch(&self) -> Draining {
        Draining(self.0.subscribe())
    }
}

impl Default for Drain {
    fn default() -> Self {
        Drain::new()
    }
}

impl Draining {
    /// The phase now.
    pub fn phase(&self) -> Phase {
        *self.0.borrow()
    }

    /// Waits until `phase` or a later one has come. Safe to drop.
    pub async fn reach(&mut self, phase: Phase) {
        if self.0.wait_for(|current| *current >= phase).await.is_err() {
            std::future::pending::<()>().await; // nobody is left who could drain
        }
    }
}
