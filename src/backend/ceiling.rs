//! How many connections there are to a backend, over all workers, and who gives one up when they run out.
//!
//! A connection whose client keeps it waiting is lent: when others need it, the one that has waited longest is
//! called back, and its envelope is told anew when its client goes on. So slow clients don't use up the backend.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// How long a session waits for a connection.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// The bound on connections to one backend.
#[derive(Debug)]
pub struct Ceiling {
    free: Arc<Semaphore>,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    /// Connections whose clients keep them waiting, the longest first.
    idle: BTreeMap<u64, Arc<Notify>>,
    /// Orders `idle`: it grows with every `lend`.
    next: u64,
    /// Sessions that wait for a connection and for which none was called back yet.
    unserved: usize,
}

/// The right to one connection. Dropped, it goes to the next who waits.
#[derive(Debug)]
pub struct Slot {
    ceiling: Arc<Ceiling>,
    _permit: OwnedSemaphorePermit,
    recall: Arc<Notify>,
    /// Its place in `idle` while it is lent.
    lent: Option<u64>,
}

impl Ceiling {
    /// A bound of `connections`.
    pub fn new(connections: usize) -> Arc<Ceiling> {
        let free = Arc::new(Semaphore::new(connections.min(Semaphore::MAX_PERMITS)));
        Arc::new(Ceiling { free, waiting: Mutex::default() })
    }

    /// The right to one connection, if need be taken from the one whose client has kept it waiting longest; nothing
    /// if there is none within `PATIENCE`.
    pub async fn acquire(self: &Arc<Self>) -> Option<Slot> {
        let permit = match Arc::clone(&self.free).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => {
                let need = Need::new(self);
                let permit = timeout(PATIENCE, Arc::clone(&self.free).acquire_owned()).await;
                drop(need);
                permit.ok()?.ok()?
            }
        };
        Some(Slot { ceiling: Arc::clone(self), _permit: permit, recall: Arc::new(Notify::new()), lent: None })
    }

    /// Connections that may still be made.
    pub fn free(&self) -> usize {
        self.free.available_permits()
    }
}

/// One session's wait: it calls a connection back, or counts as unserved until one becomes idle.
struct Need<'a>(&'a Ceiling);

impl<'a> Need<'a> {
    fn new(ceiling: &'a Ceiling) -> Self {
        let mut waiting = ceiling.waiting.lock();
        match waiting.idle.pop_first() {
            Some((_, recall)) => recall.notify_one(),
            None => waiting.unserved += 1,
        }
        Need(ceiling)
    }
}

impl Drop for Need<'_> {
    fn drop(&mut self) {
        let mut waiting = self.0.waiting.lock();
        waiting.unserved = waiting.unserved.saturating_sub(1);
    }
}

impl Slot {
    /// Notes that the client now keeps the connection waiting: it may be called back.
    pub fn lend(&mut self) {
        if self.lent.is_some() {
            return;
        }
        let mut waiting = self.ceiling.waiting.lock();
        let place = waiting.next;
        waiting.next += 1;
        if waiting.unserved > 0 {
            waiting.unserved -= 1;
            self.recall.notify_one();
        } else {
            waiting.idle.insert(place, Arc::clone(&self.recall));
        }
        self.lent = Some(place);
    }

    /// Takes the connection back for use; false if it was called back meanwhile and must be closed.
    pub fn reclaim(&mut self) -> bool {
        let Some(place) = self.lent.take() else { return true };
        self.ceiling.waiting.lock().idle.remove(&place).is_some()
    }

    /// What tells that the connection was called back: it must then be closed at once.
    pub fn recall(&self) -> Arc<Notify> {
        Arc::clone(&self.recall)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(place) = self.lent.take() {
            self.ceiling.waiting.lock().idle.remove(&place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::poll;
    use std::task::Poll;

    #[tokio::test(start_paused = true)]
    async fn the_connection_that_waited_longest_is_called_back() {
        let ceiling = Ceiling::new(2);
        let mut first = ceiling.acquire().await.unwrap();
        let mut second = ceiling.acquire().await.unwrap();
        second.lend();
        first.lend();
        let (first_recall, second_recall) = (first.recall(), second.recall());
        let mut third = Box::pin(ceiling.acquire());
        assert!(poll!(&mut third).is_pending());
        second_recall.notified().await;
        assert!(poll!(Box::pin(first_recall.notified())).is_pending());
        assert!(first.reclaim(), "nobody called it back");
        assert!(!second.reclaim());
        drop(second);
        assert!(matches!(poll!(&mut third), Poll::Ready(Some(_))));
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_becomes_idle_while_others_wait_is_called_back_at_once() {
        let ceiling = Ceiling::new(1);
        let mut busy = ceiling.acquire().await.unwrap();
        let mut waiter = Box::pin(ceiling.acquire());
        assert!(poll!(&mut waiter).is_pending());
        busy.lend();
        busy.recall().notified().await;
        assert!(!busy.reclaim());
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_too_long_gets_nothing() {
        let ceiling = Ceiling::new(1);
        let mut busy = ceiling.acquire().await.unwrap();
        assert!(ceiling.acquire().await.is_none());
        busy.lend();
        assert!(busy.reclaim(), "nobody waits any more");
        drop(busy);
        assert_eq!(ceiling.free(), 1);
    }
}
